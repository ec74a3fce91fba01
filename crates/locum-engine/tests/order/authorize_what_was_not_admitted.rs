//! `authorize` takes what was admitted, not what was only authenticated.

use locum_engine::ports::Issuers;
use locum_engine::{Authenticated, Authorized, Refusal, authorize};

fn skip(issuers: &dyn Issuers, authenticated: Authenticated) -> Result<Authorized, Refusal> {
    authorize(issuers, authenticated, "reference")
}

fn main() {}
