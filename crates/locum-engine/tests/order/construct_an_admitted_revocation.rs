//! Code outside the engine cannot construct an `AdmittedRevocation`.

use locum_engine::revocation::{AdmittedRevocation, Revocable};

fn forge(revocable: Revocable) -> AdmittedRevocation {
    AdmittedRevocation { revocable, now_unix_ms: 0 }
}

fn main() {}
