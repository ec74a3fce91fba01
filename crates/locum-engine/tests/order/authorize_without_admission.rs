//! `authorize` takes an `Admitted`, not an `Authenticated`.

use locum_engine::Refusal;
use locum_engine::delegation::{Authenticated, Authorized, authorize};
use locum_engine::ports::Directory;

async fn skip(directory: &dyn Directory, authenticated: Authenticated<'_>) -> Result<Authorized, Refusal> {
    authorize(directory, authenticated, "reference").await
}

fn main() {}
