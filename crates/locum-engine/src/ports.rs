//! The ports: all that the engine needs from outside, as traits that adapters implement.

use std::net::IpAddr;
use std::sync::Arc;

use locum_abi::operation::ENTROPY_BYTES;

use crate::audit::AuditEvent;
use crate::bucket::{BucketDecision, BucketRule};
pub use crate::issuer_chain::{IssuerChain, chain};
pub use crate::issuers::{CallContext, Issuer, IssuerFailure, Issuers};
use crate::model::User;
pub use crate::port_reply::{PortFuture, PortReply};
use crate::prepared::{PreparedClient, PreparedTenant};

/// All that the engine needs from outside.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The tenants, clients and users.
    pub directory: Arc<dyn Directory>,
    /// The rate-limit buckets.
    pub buckets: Arc<dyn Buckets>,
    /// Where audit events go.
    pub audit: Arc<dyn AuditSink>,
}

impl Ports {
    /// These ports.
    pub fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        directory: Arc<dyn Directory>,
        buckets: Arc<dyn Buckets>,
        audit: Arc<dyn AuditSink>,
    ) -> Self {
        Self { clock, entropy, directory, buckets, audit }
    }
}

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

/// Looks up tenants, and what belongs to one: clients, users, origins, resources.
///
/// A directory in memory answers at once, one in a database later. It prepares what it gives: a request configures no
/// issuer. Absence is an answer; an unknown answer is [`StoreUnavailable`].
pub trait Directory: Send + Sync {
    /// The tenant of this host (a name without port).
    fn tenant<'a>(&'a self, host: &'a str) -> Lookup<'a, PreparedTenant>;

    /// The client with this id.
    fn client<'a>(&'a self, tenant: &'a PreparedTenant, client_id: &'a str) -> Lookup<'a, PreparedClient>;

    /// The stored user with this id.
    fn user<'a>(&'a self, tenant: &'a PreparedTenant, user_id: &'a str) -> Lookup<'a, User>;

    /// Whether any client of the tenant allows this origin. A preflight names no client.
    fn allows_origin<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        origin: &'a str,
    ) -> PortReply<'a, Result<bool, StoreUnavailable>>;

    /// The client that lists this URI under its resources (RFC 8693 section 2.1).
    fn client_by_resource<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        resource: &'a str,
    ) -> Lookup<'a, PreparedClient>;
}

/// The answer to a look-up: what was found, or `None`.
pub type Lookup<'a, T> = PortReply<'a, Found<T>>;

/// What a look-up found.
pub type Found<T> = Result<Option<Arc<T>>, StoreUnavailable>;

/// Keeps the rate-limit buckets.
pub trait Buckets: Send + Sync {
    /// Takes one token from the bucket of this key. The bucket of an unknown key is full.
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>>;
}

/// Which bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketKey<'a> {
    /// The tenant's domain.
    pub tenant: &'a str,
    /// The caller's address; of IPv6 the /64.
    pub ip: IpAddr,
    /// What is counted.
    pub subject: BucketSubject<'a>,
}

/// What a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BucketSubject<'a> {
    /// Delegations for the user with this id.
    User(&'a str),
    /// Revocations by the client with this id.
    Revocations(&'a str),
}

/// Receives one event for each request.
///
/// A sink answers `Now(Ok(()))` if no request may wait for it. One that answers `Later` lets each request wait until its
/// event is kept: a request whose event is not kept is refused with 503, and its credential is not handed out.
pub trait AuditSink: Send + Sync {
    /// Takes an event. It must not block: a sink that writes elsewhere queues. The event is taken by the call itself,
    /// whether or not anybody waits for the answer.
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>>;
}

/// A store could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unavailable: {0}")]
pub struct StoreUnavailable(pub String);
