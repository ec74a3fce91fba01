//! Refusals of the server itself.

use locum_engine::{Refusal, RefusalKind};

/// A request that is not answered at its deadline.
pub(crate) fn too_slow() -> Refusal {
    unavailable("the request took too long; try again")
}

/// A request that cannot be served now.
pub(crate) fn unavailable(description: &str) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, description)
}
