//! A fault in the plugin's requests to an upstream: one of them is changed in one place.

use locum_abi::upstream::UpstreamRequest;

use crate::exchange::request_builder::{DELEGATION, REVOCATION};
use crate::faults::request_change::RequestChange;

/// Which request is changed, and how.
#[derive(Debug)]
pub(crate) struct RequestFault {
    pub(crate) operation: Operation,
    /// The position among the operation's requests, from 0.
    pub(crate) exchange: usize,
    pub(crate) change: RequestChange,
}

/// What the plugin makes requests for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Delegation,
    Revocation,
}

impl Operation {
    /// The path at which clients ask for it.
    const fn path(self) -> &'static str {
        match self {
            Self::Delegation => DELEGATION,
            Self::Revocation => REVOCATION,
        }
    }
}

impl RequestFault {
    /// Changes the requests that the plugin made for a client's request of this path.
    pub(crate) fn change(&self, path: &str, requests: &mut [UpstreamRequest]) {
        if path == self.operation.path()
            && let Some(request) = requests.get_mut(self.exchange)
        {
            self.change.apply(request);
        }
    }

    /// The id, such as `delegation-1/form/scope/left-out`.
    pub(crate) fn id(&self) -> String {
        let operation = match self.operation {
            Operation::Delegation => "delegation",
            Operation::Revocation => "revocation",
        };
        format!("{operation}-{}/{}", self.exchange + 1, self.change.id())
    }

    /// What is wrong with the request, in one sentence.
    pub(crate) fn description(&self) -> String {
        let operation = match self.operation {
            Operation::Delegation => "a delegation",
            Operation::Revocation => "a revocation",
        };
        format!("Request {} of {operation} has {}.", self.exchange + 1, self.change.description())
    }
}
