//! `issue` takes an `Authorized`, not an `Admitted`.

use locum_engine::ports::Entropy;
use locum_engine::delegation::{Admitted, issue};
use locum_engine::{Issued, Refusal};

async fn skip(entropy: &dyn Entropy, admitted: Admitted) -> Result<Issued, Refusal> {
    issue(entropy, admitted, "reference").await
}

fn main() {}
