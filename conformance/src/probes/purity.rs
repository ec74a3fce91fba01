//! Is the issuer a pure function: do equal grants give equal credentials?

use crate::probes::context::ProbeContext;
use crate::report::Difference;

/// The differences between two issuers that are configured alike and get the same grant.
pub(crate) async fn equal_grants_give_equal_credentials(context: &ProbeContext<'_>) -> Vec<Difference> {
    match (context.issue().await, context.issue().await) {
        (Ok(first), Ok(second)) if first == second => Vec::new(),
        (Ok(_), Ok(_)) => {
            vec![Difference::new("credential of the second issuer", "equal to that of the first", "another")]
        }
        (Err(why), _) | (_, Err(why)) => vec![Difference::new("credential", "a credential", why)],
    }
}
