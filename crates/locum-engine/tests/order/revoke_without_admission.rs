//! `revoke` takes an `AdmittedRevocation`, not a `Revocable`.

use locum_engine::revocation::{Revocable, revoke};
use locum_engine::{Ports, Refusal};

async fn skip(ports: &Ports, revocable: Revocable) -> Result<(), Refusal> {
    revoke(ports, revocable, "reference").await
}

fn main() {}
