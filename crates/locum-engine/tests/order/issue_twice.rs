//! An `Authorized` is consumed by the credential that is issued for it.

use locum_engine::ports::Entropy;
use locum_engine::Refusal;
use locum_engine::delegation::{Authorized, issue};

async fn twice(entropy: &dyn Entropy, authorized: Authorized) -> Result<(), Refusal> {
    issue(entropy, authorized, "reference").await?;
    issue(entropy, authorized, "reference").await?;
    Ok(())
}

fn main() {}
