//! What a refresh token says: to its own client, as long as it is one that would be accepted. To ask is no use of it.

use serde_json::{Map, Value, json};

use crate::introspection::user::is_blocked;
use crate::ports::Ports;
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refresh_tokens::RefreshTokenHash;
use crate::refusal::Refusal;

/// The members of the answer, if the token is valid.
pub(super) async fn about_refresh_token(
    ports: &Ports,
    tenant: &PreparedTenant,
    client: &PreparedClient,
    hash: &RefreshTokenHash,
    now: i64,
) -> Result<Option<Map<String, Value>>, Refusal> {
    let found = ports.refresh_tokens.find(tenant.domain(), hash).wait().await;
    let Some(token) = found.map_err(Refusal::unavailable)? else { return Ok(None) };
    let is_valid = token.client_id == client.id()
        && client.client().refresh_tokens.is_some()
        && token.revoked_at.is_none()
        && token.rotated_at.is_none()
        && !token.has_expired(now);
    if !is_valid || is_blocked(ports, tenant, &token.user_id).await? {
        return Ok(None);
    }
    let ends_at = token.ends_at();
    let mut about = Map::from_iter([
        ("iss".to_owned(), tenant.issuer().into()),
        ("client_id".to_owned(), token.client_id.into()),
        ("sub".to_owned(), token.user_id.into()),
        ("scope".to_owned(), token.scope.join(" ").into()),
        ("iat".to_owned(), json!(token.created_at)),
    ]);
    about.extend(ends_at.map(|end| ("exp".to_owned(), json!(end))));
    about.extend(token.act.map(|act| ("act".to_owned(), act)));
    Ok(Some(about))
}
