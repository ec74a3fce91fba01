//! The port to issuers: what makes them ready, and what a ready one can be asked.

use std::future::ready;
use std::sync::Arc;

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::operation::ENTROPY_BYTES;

use crate::port_reply::PortFuture;

/// The issuers that can be called: plugins, as the engine sees them.
pub trait Issuers: Send + Sync {
    /// The manifest of the issuer that serves this api_type, if there is one.
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>>;

    /// Makes an issuer ready.
    ///
    /// # Errors
    /// The issuer's, or the schema's, refusal of the settings; `pointer` names the setting.
    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure>;
}

/// An issuer that was made ready.
pub trait Issuer: Send + Sync {
    /// Issues, with all the upstream calls that it takes.
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>>;

    /// Revokes a credential, with all the upstream calls that it takes. Asked only of an issuer whose manifest
    /// declares upstream revocation; others need not implement it.
    fn revoke<'a>(
        &'a self,
        _credential: &'a str,
        _context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(ready(Ok(RevokeAnswer::NotRevocable)))
    }
}

/// What differs between two calls with the same grant.
#[derive(Clone, Copy)]
pub struct CallContext {
    /// Milliseconds since the unix epoch.
    pub now_unix_ms: u64,
    /// Fresh random bytes.
    pub entropy: [u8; ENTROPY_BYTES],
}

/// Why an issuer gave no credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFailure {
    /// The issuer said why.
    #[error("{0}")]
    Failed(Failure),
    /// The issuer broke its contract: garbage, too much of it, or a call it may not make.
    #[error("the issuer broke its contract: {0}")]
    ContractBroken(String),
    /// The issuer did not come back in time.
    #[error("the issuer did not answer within {0} ms")]
    Hung(u64),
    /// The issuer hung before and is not called any more.
    #[error("the issuer is in quarantine")]
    Quarantined,
    /// The upstream could not be reached, or answered what no client can use.
    #[error("upstream: {0}")]
    UpstreamUnreachable(String),
    /// The upstream did not answer in time.
    #[error("upstream: no answer within {0} ms")]
    UpstreamTimedOut(u64),
}
