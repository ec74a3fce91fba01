//! An `Authorized` is consumed by the credential that is issued for it.

use locum_engine::ports::{Directory, Entropy};
use locum_engine::Refusal;
use locum_engine::delegation::{Authorized, issue};

async fn twice(
    entropy: &dyn Entropy,
    directory: &dyn Directory,
    authorized: Authorized,
) -> Result<(), Refusal> {
    issue(entropy, directory, authorized, "reference").await?;
    issue(entropy, directory, authorized, "reference").await?;
    Ok(())
}

fn main() {}
