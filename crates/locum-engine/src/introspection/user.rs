//! The user of a token that is introspected.

use crate::ports::Ports;
use crate::prepared::PreparedTenant;
use crate::refusal::Refusal;

/// Whether the user of a token is blocked: it is then said to be inactive.
pub(super) async fn is_blocked(
    ports: &Ports,
    tenant: &PreparedTenant,
    user_id: &str,
) -> Result<bool, Refusal> {
    let user = ports.directory.user(tenant, user_id).wait().await.map_err(Refusal::unavailable)?;
    Ok(user.is_some_and(|user| user.blocked))
}
