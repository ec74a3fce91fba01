//! `revoke` takes an `AdmittedRevocation`, not a `Revocable`.

use locum_engine::Refusal;
use locum_engine::ports::Entropy;
use locum_engine::revocation::{Revocable, revoke};

async fn skip(entropy: &dyn Entropy, revocable: Revocable) -> Result<(), Refusal> {
    revoke(entropy, revocable, "reference").await
}

fn main() {}
