//! The ports: traits through which the engine reaches time, randomness, stores and issuers.

use std::net::IpAddr;
use std::sync::Arc;

use locum_abi::operation::ENTROPY_BYTES;

use crate::audit::AuditEvent;
use crate::bucket::{BucketDecision, BucketRule};
pub use crate::issuer_chain::{IssuerChain, chain};
pub use crate::issuers::{
    CallContext, Issuer, IssuerFailure, Issuers, NoAudiences, PresentedCredential, TenantAudiences,
};
use crate::model::User;
pub use crate::observer::{Endpoint, Observer, Outcome, Step};
pub use crate::port_reply::{PortFuture, PortReply, StoreReply, StoreUnavailable};
use crate::prepared::{PreparedClient, PreparedTenant, RemoteIssuer};
pub use crate::refresh_tokens::{NoRefreshTokens, RefreshToken, RefreshTokenHash, RefreshTokens, Rotation};
use crate::subject_token::KeySet;
pub use crate::used_assertions::{NoUsedAssertions, UsedAssertions};

/// The ports of an engine, except [`Issuers`], which tenants are prepared with.
#[derive(Clone)]
#[non_exhaustive]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The random numbers.
    pub entropy: Arc<dyn Entropy>,
    /// The tenants, clients and users.
    pub directory: Arc<dyn Directory>,
    /// The rate-limit buckets.
    pub buckets: Arc<dyn Buckets>,
    /// The receiver of audit events.
    pub audit: Arc<dyn AuditSink>,
    /// The keys of trusted issuers that have to be fetched.
    pub issuer_keys: Arc<dyn IssuerKeys>,
    /// The refresh tokens.
    pub refresh_tokens: Arc<dyn RefreshTokens>,
    /// The assertions by which clients have authenticated.
    pub used_assertions: Arc<dyn UsedAssertions>,
    /// Who measures requests, if anybody does.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Ports {
    /// Combines these ports, without an observer, without a way to fetch keys, and without a place for refresh tokens and
    /// used assertions.
    pub fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        directory: Arc<dyn Directory>,
        buckets: Arc<dyn Buckets>,
        audit: Arc<dyn AuditSink>,
    ) -> Self {
        Self {
            clock,
            entropy,
            directory,
            buckets,
            audit,
            issuer_keys: Arc::new(NoIssuerKeys),
            refresh_tokens: Arc::new(NoRefreshTokens),
            used_assertions: Arc::new(NoUsedAssertions),
            observer: None,
        }
    }
}

/// Reads the time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the unix epoch.
    fn now_unix_ms(&self) -> u64;
}

/// Draws random bytes.
pub trait Entropy: Send + Sync {
    /// New bytes of a cryptographically secure generator on each call.
    fn draw(&self) -> [u8; ENTROPY_BYTES];
}

/// Looks up tenants, and their clients, users, origins and resources.
///
/// A directory in memory answers at once, one in a database returns a future. It returns prepared values, so that no
/// request configures an issuer. `Ok(None)` means that there is no such entry; if the directory does not know, it
/// answers [`StoreUnavailable`], and the request is refused.
pub trait Directory: Send + Sync {
    /// The tenant of this host, a lower-case name without port.
    fn tenant<'a>(&'a self, host: &'a str) -> Lookup<'a, PreparedTenant>;

    /// The client with this id.
    fn client<'a>(&'a self, tenant: &'a PreparedTenant, client_id: &'a str) -> Lookup<'a, PreparedClient>;

    /// The stored user with this id.
    fn user<'a>(&'a self, tenant: &'a PreparedTenant, user_id: &'a str) -> Lookup<'a, User>;

    /// Whether any client of the tenant allows this origin: a CORS preflight request names no client.
    fn allows_origin<'a>(&'a self, tenant: &'a PreparedTenant, origin: &'a str) -> StoreReply<'a, bool>;

    /// The client that lists this URI under its resources (RFC 8693 section 2.1).
    fn client_by_resource<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        resource: &'a str,
    ) -> Lookup<'a, PreparedClient>;

    /// Waits until what is looked up afterwards is no older than this call. A directory that answers from what others may have
    /// changed meanwhile asks them; one that has no others is always up to date.
    fn catch_up(&self) -> StoreReply<'_, ()> {
        PortReply::Now(Ok(()))
    }
}

/// The reply to a look-up.
pub type Lookup<'a, T> = PortReply<'a, Found<T>>;

/// The result of a look-up: the entry, or `None` if there is none.
pub type Found<T> = Result<Option<Arc<T>>, StoreUnavailable>;

/// Stores the rate-limit buckets.
pub trait Buckets: Send + Sync {
    /// Takes one token from the bucket of this key at `now_unix_ms`, milliseconds since the unix epoch, with
    /// [`TokenBucket::try_acquire`](crate::TokenBucket::try_acquire). The bucket of a new key is full.
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision>;

    /// The decision that [`try_acquire`](Self::try_acquire) would make now. Nothing is taken.
    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision>;
}

/// The key of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BucketKey<'a> {
    /// The tenant's domain.
    pub tenant: &'a str,
    /// The client's address, reduced by [`rate_limited_address`](crate::rate_limited_address()).
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
    /// Requests to `/tokeninfo`.
    TokenInfo,
    /// Requests to `/userinfo` about the user with this id.
    UserInfo(&'a str),
    /// Invalid subject tokens, whichever client presents them.
    InvalidTokens,
    /// Wrong secrets and wrong assertions for the client with this id.
    WrongSecrets(&'a str),
    /// Names of clients and origins that do not exist, and were looked for in a database.
    UnknownNames,
    /// Calls of the Management API by tokens with this `sub`.
    Management(&'a str),
}

impl<'a> BucketSubject<'a> {
    /// Its kind, and the id that it counts for, if it has one: the same in every release, for stores that others share.
    pub fn parts(self) -> (&'static str, &'a str) {
        match self {
            Self::User(id) => ("user", id),
            Self::Revocations(id) => ("revocations", id),
            Self::TokenInfo => ("tokeninfo", ""),
            Self::UserInfo(id) => ("userinfo", id),
            Self::InvalidTokens => ("invalid_tokens", ""),
            Self::WrongSecrets(id) => ("wrong_secrets", id),
            Self::UnknownNames => ("unknown_names", ""),
            Self::Management(id) => ("management", id),
        }
    }

    /// Whether it counts what attackers try, and not what users do.
    pub fn counts_guesses(self) -> bool {
        matches!(self, Self::InvalidTokens | Self::WrongSecrets(_) | Self::UnknownNames)
    }
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

/// Gives the public keys of issuers that publish them.
///
/// Keys in memory are an answer at once. `kid` is what a token claims, so anybody may have chosen it: an implementation
/// bounds how often an unknown one makes it fetch.
pub trait IssuerKeys: Send + Sync {
    /// The keys of an issuer, of a set that [may have](KeySet::may_have) the key with this name if it can be had.
    fn keys<'a>(&'a self, issuer: &'a RemoteIssuer, kid: Option<&'a str>) -> StoreReply<'a, Arc<KeySet>>;
}

/// Fetches no keys.
#[derive(Debug, Clone, Copy)]
pub struct NoIssuerKeys;

impl IssuerKeys for NoIssuerKeys {
    fn keys<'a>(
        &'a self,
        _: &'a RemoteIssuer,
        _: Option<&'a str>,
    ) -> PortReply<'a, Result<Arc<KeySet>, StoreUnavailable>> {
        PortReply::Now(Err(StoreUnavailable("this program fetches no keys of issuers".to_owned())))
    }
}
