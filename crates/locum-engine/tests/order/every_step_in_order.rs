//! The neighbour that compiles: each step takes what the one before it made.

use locum_engine::ports::{Buckets, Directory, Entropy, Issuers};
use locum_engine::{Caller, DelegationRequest, Issued, Refusal, admit, authenticate, authorize, issue};

#[allow(dead_code)]
async fn delegate(
    directory: &dyn Directory,
    buckets: &dyn Buckets,
    issuers: &dyn Issuers,
    entropy: &dyn Entropy,
    request: DelegationRequest,
    caller: &Caller,
) -> Result<Issued, Refusal> {
    let authenticated = authenticate(directory, request, caller, 0).await?;
    let admitted = admit(buckets, authenticated, caller.ip).await.outcome?;
    let authorized = authorize(issuers, admitted, "reference")?;
    issue(entropy, authorized, "reference").await
}

fn main() {}
