//! The ports: all that the engine needs of the world, as traits that adapters implement.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::operation::ENTROPY_BYTES;

use crate::audit::AuditEvent;
use crate::bucket::{BucketDecision, BucketRule};
use crate::tenant::Tenant;

/// A future that a port hands back.
pub type PortFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the unix epoch.
    fn now_unix_ms(&self) -> u64;
}

/// Randomness.
pub trait Entropy: Send + Sync {
    /// Bytes that nobody can foresee, fresh on each call.
    fn draw(&self) -> [u8; ENTROPY_BYTES];
}

/// Knows the tenants.
pub trait Directory: Send + Sync {
    /// The tenant that answers on this host (a name without port), as it stands now.
    fn tenant<'a>(&'a self, host: &'a str) -> PortFuture<'a, Result<Option<Arc<Tenant>>, StoreUnavailable>>;
}

/// Keeps the rate-limit buckets.
pub trait Buckets: Send + Sync {
    /// Takes one request out of the bucket of this key, which starts full.
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortFuture<'a, Result<BucketDecision, StoreUnavailable>>;
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketKey<'a> {
    /// The tenant's domain.
    pub tenant: &'a str,
    /// The client's address; IPv6 already cut to its /64.
    pub ip: IpAddr,
    /// The user's id.
    pub user_id: &'a str,
}

/// Receives one event for each request.
pub trait AuditSink: Send + Sync {
    /// Takes note of an event. It must not block: a sink that writes elsewhere queues.
    fn record(&self, event: AuditEvent);
}

/// The issuers that are at hand: plugins, seen from the engine.
pub trait Issuers: Send + Sync {
    /// What the issuer of this api_type promises, if there is one.
    fn manifest(&self, api_type: &str) -> Option<&IssuerManifest>;

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
    /// declares upstream revocation.
    fn revoke<'a>(
        &'a self,
        credential: &'a str,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>>;
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

/// A store could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unavailable: {0}")]
pub struct StoreUnavailable(pub String);
