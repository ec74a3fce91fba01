//! The port to whoever measures requests: it is told of each step and of each outcome.

use crate::refusal::{Refusal, RefusalKind};

/// Measures requests. An engine without one measures nothing and reads no clock for it.
///
/// It is called on the thread that serves the request, several times for each one: it must not block, and should not
/// allocate.
pub trait Observer: Send + Sync {
    /// Nanoseconds of a monotonic clock, counted from any origin. It is read once for each step.
    fn now_nanos(&self) -> u64;

    /// A step of a request took so many nanoseconds. It may have refused the request.
    fn step_ended(&self, step: Step, nanos: u64);

    /// The number under which this observer counts requests for an api_type; the engine passes it to
    /// [`request_ended`](Self::request_ended). The name is the authorised one; if the request was refused before, the one
    /// that the client sent, which may be any text. `None` if there is neither.
    fn api_type(&self, name: Option<&str>) -> usize;

    /// A request was answered in this way. Each request that the engine answers is counted once.
    fn request_ended(&self, endpoint: Endpoint, api_type: usize, outcome: Outcome);
}

/// A step of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Client, subject token and user are looked up and verified; of a revocation, client and token.
    Authenticate,
    /// A token is taken from a rate-limit bucket.
    Admit,
    /// The grant is decided.
    Authorize,
    /// The issuer is called, and its answer is checked.
    Issue,
    /// The issuer is called to revoke.
    Revoke,
    /// The audit event is recorded.
    Audit,
}

impl Step {
    /// All steps, each at the place that [`index`](Self::index) returns.
    pub const ALL: [Self; 6] =
        [Self::Authenticate, Self::Admit, Self::Authorize, Self::Issue, Self::Revoke, Self::Audit];

    /// The place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Admit => "admit",
            Self::Authorize => "authorize",
            Self::Issue => "issue",
            Self::Revoke => "revoke",
            Self::Audit => "audit",
        }
    }
}

/// What was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// A delegation: `/delegation`.
    Delegation,
    /// A token exchange: `/oauth/token`.
    Token,
    /// A revocation: `/oauth/revoke`.
    Revocation,
    /// An introspection: `/oauth/introspect`.
    Introspection,
    /// The profile of the user of an id_token: `/tokeninfo`.
    TokenInfo,
    /// The profile of the user of an app token: `/userinfo`.
    UserInfo,
    /// A call of the Management API: `/api/v2/…`.
    Management,
}

impl Endpoint {
    /// All of them, each at the place that [`index`](Self::index) returns.
    pub const ALL: [Self; 7] = [
        Self::Delegation,
        Self::Token,
        Self::Revocation,
        Self::Introspection,
        Self::TokenInfo,
        Self::UserInfo,
        Self::Management,
    ];

    /// The place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delegation => "delegation",
            Self::Token => "token",
            Self::Revocation => "revocation",
            Self::Introspection => "introspection",
            Self::TokenInfo => "tokeninfo",
            Self::UserInfo => "userinfo",
            Self::Management => "management",
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// An issuer has issued a credential.
    Issued,
    /// A credential was returned that was issued for an earlier request with an equal grant.
    Reused,
    /// The credential to revoke is not valid any more.
    Revoked,
    /// It was said whether a token is valid.
    Introspected,
    /// The profile of a user was told.
    ProfileRead,
    /// A call of the Management API has read or changed what it was to.
    Managed,
    /// A call of the Management API had a token without a scope that it needs.
    InsufficientScope,
    /// A call of the Management API conflicts with what is there.
    Conflict,
    /// A call of the Management API was about an older version of what it was to change.
    PreconditionFailed,
    /// The request was refused.
    Refused(RefusalKind),
}

impl Outcome {
    /// How many there are: each [`index`](Self::index) is below.
    pub const COUNT: usize = Self::BESIDES_REFUSALS.len() + RefusalKind::ALL.len();

    const BESIDES_REFUSALS: [Self; 9] = [
        Self::Issued,
        Self::Reused,
        Self::Revoked,
        Self::Introspected,
        Self::ProfileRead,
        Self::Managed,
        Self::InsufficientScope,
        Self::Conflict,
        Self::PreconditionFailed,
    ];

    /// All outcomes.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::BESIDES_REFUSALS.into_iter().chain(RefusalKind::ALL.into_iter().map(Self::Refused))
    }

    /// A number of its own.
    pub const fn index(self) -> usize {
        match self {
            Self::Issued => 0,
            Self::Reused => 1,
            Self::Revoked => 2,
            Self::Introspected => 3,
            Self::ProfileRead => 4,
            Self::Managed => 5,
            Self::InsufficientScope => 6,
            Self::Conflict => 7,
            Self::PreconditionFailed => 8,
            Self::Refused(kind) => Self::BESIDES_REFUSALS.len() + kind as usize,
        }
    }

    /// The name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Reused => "reused",
            Self::Revoked => "revoked",
            Self::Introspected => "introspected",
            Self::ProfileRead => "profile_read",
            Self::Managed => "managed",
            Self::InsufficientScope => "insufficient_scope",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::Refused(kind) => kind.name(),
        }
    }
}

impl From<&Refusal> for Outcome {
    fn from(refusal: &Refusal) -> Self {
        Self::Refused(refusal.kind())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_outcome_has_a_number_and_a_name_of_its_own() {
        let numbers: HashSet<usize> = Outcome::all().map(Outcome::index).collect();
        assert_eq!(numbers, (0..Outcome::COUNT).collect());
        let names: HashSet<&str> = Outcome::all().map(Outcome::as_str).collect();
        assert_eq!(names.len(), Outcome::COUNT);
    }

    #[test]
    fn steps_and_endpoints_are_at_their_places() {
        for (index, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step.index(), index, "{step:?}");
        }
        for (index, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            assert_eq!(endpoint.index(), index, "{endpoint:?}");
        }
    }
}
