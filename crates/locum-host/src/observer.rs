//! The port to whoever measures the calls of plugins and of their upstreams.

use std::sync::Arc;

use locum_abi::operation::REVOKE;

use crate::isolation::Isolation;

/// Gives the observers of plugins.
pub trait CallObservers: Send + Sync {
    /// The observer of the calls of an issuer. It is asked for when an issuer is configured, not for each call; one
    /// observer may be given for many issuers.
    fn of_issuer(&self, plugin: &str, isolation: Isolation, api_type: &str) -> Arc<dyn CallObserver>;
}

/// Measures the calls of an issuer. It is called on the thread that serves the request: it must not block.
pub trait CallObserver: Send + Sync {
    /// Nanoseconds of a monotonic clock, counted from any origin. It is read before and after each call.
    fn now_nanos(&self) -> u64;

    /// A call of the plugin has ended, after so many nanoseconds.
    fn plugin_called(&self, operation: Operation, outcome: CallOutcome, nanos: u64);

    /// A call of an upstream has ended, after so many nanoseconds. `origin` is the one that the manifest or the settings declare: where the manifest
    /// has a pattern, it is the pattern.
    fn upstream_called(&self, origin: &str, outcome: UpstreamOutcome, nanos: u64);
}

/// What a plugin is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// To issue a credential. One credential may need several calls, with an upstream call or a signature between them.
    Issue,
    /// To revoke a credential.
    Revoke,
}

impl Operation {
    /// All of them, each at the place that [`index`](Self::index) returns.
    pub const ALL: [Self; 2] = [Self::Issue, Self::Revoke];

    pub(crate) fn of(op: u32) -> Self {
        if op == REVOKE { Self::Revoke } else { Self::Issue }
    }

    /// The place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Revoke => "revoke",
        }
    }
}

/// How a call of a plugin ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The plugin answered: with its result, or with what it needs next.
    Answered,
    /// The plugin refused: because of a parameter, of the user's attributes, or because its upstream refused.
    Refused,
    /// The plugin failed, and said so.
    Failed,
    /// Its answer breaks the contract.
    ContractBroken,
    /// It did not answer by its deadline.
    TimedOut,
    /// Its process ended.
    Died,
    /// It was not called: its process does not start, or this issuer has ended it too often.
    NotCalled,
}

impl CallOutcome {
    /// All of them, each at the place that [`index`](Self::index) returns.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Refused,
        Self::Failed,
        Self::ContractBroken,
        Self::TimedOut,
        Self::Died,
        Self::NotCalled,
    ];

    /// The place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::ContractBroken => "contract_broken",
            Self::TimedOut => "timed_out",
            Self::Died => "died",
            Self::NotCalled => "not_called",
        }
    }
}

/// How an upstream call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpstreamOutcome {
    /// It answered with a status below 400.
    Success,
    /// It answered with a status from 400 to 499.
    ClientError,
    /// It answered with another status.
    ServerError,
    /// It could not be reached, or its reply cannot be used.
    Unreachable,
    /// It did not answer in time.
    TimedOut,
}

impl UpstreamOutcome {
    /// All of them, each at the place that [`index`](Self::index) returns.
    pub const ALL: [Self; 5] =
        [Self::Success, Self::ClientError, Self::ServerError, Self::Unreachable, Self::TimedOut];

    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            0..=399 => Self::Success,
            400..=499 => Self::ClientError,
            _ => Self::ServerError,
        }
    }

    /// The place in [`ALL`](Self::ALL).
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ClientError => "client_error",
            Self::ServerError => "server_error",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
        }
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::operation::ISSUE;

    use super::*;

    #[test]
    fn everything_is_at_its_place() {
        assert!(Operation::ALL.iter().enumerate().all(|(index, it)| it.index() == index));
        assert!(CallOutcome::ALL.iter().enumerate().all(|(index, it)| it.index() == index));
        assert!(UpstreamOutcome::ALL.iter().enumerate().all(|(index, it)| it.index() == index));
        assert_eq!([ISSUE, REVOKE].map(Operation::of), [Operation::Issue, Operation::Revoke]);
    }

    /// Alerts and dashboards name them.
    #[test]
    fn the_names_for_metrics_stay() {
        assert_eq!(Operation::ALL.map(Operation::as_str), ["issue", "revoke"]);
        let outcomes = CallOutcome::ALL.map(CallOutcome::as_str);
        assert_eq!(outcomes[..4], ["answered", "refused", "failed", "contract_broken"]);
        assert_eq!(outcomes[4..], ["timed_out", "died", "not_called"]);
        let outcomes = UpstreamOutcome::ALL.map(UpstreamOutcome::as_str);
        assert_eq!(outcomes, ["success", "client_error", "server_error", "unreachable", "timed_out"]);
    }

    #[test]
    fn an_upstreams_status_is_reduced_to_its_class() {
        let outcomes = [200, 399, 400, 499, 500, 999].map(UpstreamOutcome::of_status);
        use UpstreamOutcome::{ClientError, ServerError, Success};
        assert_eq!(outcomes, [Success, Success, ClientError, ClientError, ServerError, ServerError]);
    }
}
