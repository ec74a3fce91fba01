//! `issue` takes an `Authorized`, not an `Admitted`.

use locum_engine::ports::{Directory, Entropy};
use locum_engine::delegation::{Admitted, issue};
use locum_engine::{Issued, Refusal};

async fn skip(entropy: &dyn Entropy, directory: &dyn Directory, admitted: Admitted<'_>) -> Result<Issued, Refusal> {
    issue(entropy, directory, admitted, "reference").await
}

fn main() {}
