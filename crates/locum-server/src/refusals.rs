//! Refusals of the server itself.

use locum_engine::{Refusal, RefusalKind};

/// A request that is not answered at its deadline.
pub(crate) fn too_slow() -> Refusal {
    unavailable("the request took too long; try again")
}

/// A body that has not arrived at the request's deadline.
pub(crate) fn body_too_slow() -> Refusal {
    Refusal::new(RefusalKind::RequestTimeout, "the body did not arrive in time")
}

/// A request that cannot be served now.
pub(crate) fn unavailable(description: &str) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, description)
}
