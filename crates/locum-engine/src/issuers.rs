//! The port to issuers: configures them, and calls those that are configured.

use std::future::ready;
use std::sync::Arc;

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::operation::ENTROPY_BYTES;

use crate::port_reply::{PortFuture, PortReply, StoreUnavailable};

/// Finds and configures issuers. `locum-host` implements it with plugins.
pub trait Issuers: Send + Sync {
    /// The manifest of the issuer of this api_type, if there is one.
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>>;

    /// Configures an issuer for one add-on. It is called when a tenant is prepared, not for each request.
    ///
    /// # Errors
    /// The settings violate the schema, or the issuer refuses them. [`Failure::pointer`] names the setting.
    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure>;
}

/// A configured issuer.
pub trait Issuer: Send + Sync {
    /// Issues a credential for a grant, including all upstream calls and signatures that it needs. `audiences` are those of the
    /// tenant.
    ///
    /// The future may be dropped after its first poll, when the server lets no more requests wait: an upstream call begins
    /// with the second.
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        audiences: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>>;

    /// Revokes a credential, including all upstream calls that it needs. It is called only if the manifest declares
    /// upstream revocation; other issuers need not implement it.
    fn revoke<'a>(
        &'a self,
        _presented: PresentedCredential<'a>,
        _context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(ready(Ok(RevokeAnswer::NotRevocable)))
    }

    /// Whether an operator has paused the issuer. Then it is not called, no credential that is kept for reuse is returned,
    /// and requests are refused with 503. Issuers that cannot be paused need not implement it.
    fn is_paused(&self) -> bool {
        false
    }
}

/// A credential that a client presents to have it revoked.
#[derive(Clone, Copy)]
pub struct PresentedCredential<'a> {
    /// The credential. It may be anything that somebody sent.
    pub text: &'a str,
    /// The `client_id` of the calling client.
    pub client_id: &'a str,
}

/// The inputs of a call that are not in the grant: time and randomness.
#[derive(Clone, Copy)]
pub struct CallContext {
    /// Milliseconds since the unix epoch.
    pub now_unix_ms: u64,
    /// Random bytes, drawn for this call.
    pub entropy: [u8; ENTROPY_BYTES],
}

/// Tells which audiences belong to the tenant. A credential that is made for another system must not be a token of the tenant
/// for one of these: only app tokens are, for their target.
pub trait TenantAudiences: Send + Sync {
    /// Whether this is the id of a client, a resource of a client, the tenant's domain or a URL of it.
    fn include<'a>(&'a self, audience: &'a str) -> PortReply<'a, Result<bool, StoreUnavailable>>;
}

/// The audiences of a tenant without clients and domain, for tests and tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAudiences;

impl TenantAudiences for NoAudiences {
    fn include<'a>(&'a self, _: &'a str) -> PortReply<'a, Result<bool, StoreUnavailable>> {
        PortReply::Now(Ok(false))
    }
}

/// Why an issuer returned no result. Operators read the texts in the audit event; clients do not receive them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerFailure {
    /// The issuer refused, or failed and states why.
    #[error("{0}")]
    Failed(Failure),
    /// The issuer broke its contract: an invalid or oversized answer, or an upstream call that it may not make.
    #[error("the issuer broke its contract: {0}")]
    ContractBroken(String),
    /// The issuer did not answer within this many milliseconds.
    #[error("the issuer did not answer within {0} ms")]
    Hung(u64),
    /// The issuer hung before and is no longer called.
    #[error("the issuer is in quarantine")]
    Quarantined,
    /// The directory could not say whether an audience is one of the tenant's.
    #[error("the directory is unavailable: {0}")]
    DirectoryUnavailable(StoreUnavailable),
    /// More signatures are asked for than can be made. The credential was not issued.
    #[error("more signatures are asked for than can be made")]
    Overloaded,
    /// An operator has paused the issuer. It was not called.
    #[error("an operator has paused the issuer")]
    Paused,
    /// The upstream could not be reached, or its reply is unusable.
    #[error("upstream: {0}")]
    UpstreamUnreachable(String),
    /// The upstream did not reply within this many milliseconds.
    #[error("upstream: no answer within {0} ms")]
    UpstreamTimedOut(u64),
}
