//! What an app token says: to the client that it is for, and to the one at whose request it was issued.

use serde_json::{Map, Value};

use crate::app_tokens::{AppToken, ClaimedAppToken};
use crate::introspection::user::is_blocked;
use crate::ports::Ports;
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::Refusal;
use crate::strict_json::{Members, Node};

/// The claims that are answered (RFC 7662 section 2.2, RFC 8693 section 4.1). Those about the user are left to the token.
const ANSWERED: [&str; 9] = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "scope", "act"];

/// The members of the answer, if the token is one of the tenant's and valid.
pub(super) async fn about_app_token(
    ports: &Ports,
    tenant: &PreparedTenant,
    client: &PreparedClient,
    token: &str,
    now: i64,
) -> Result<Option<Map<String, Value>>, Refusal> {
    let mut decoded = Vec::new();
    let Some(claimed) = ClaimedAppToken::read(token, &mut decoded) else { return Ok(None) };
    // The client that asks has authenticated, so what it is shown by others does not count against its address.
    let found = ports.directory.client(tenant, claimed.audience()).wait().await;
    let audience = found.map_err(Refusal::unavailable)?;
    let verified = audience.and_then(|audience| claimed.verify(tenant, audience, now));
    let Some(AppToken { audience, subject }) = verified else { return Ok(None) };
    let requested_by = subject.authorized_party.as_deref();
    let is_theirs = audience.id() == client.id() || requested_by == Some(client.id());
    if !is_theirs || is_blocked(ports, tenant, &subject.user_id).await? {
        return Ok(None);
    }
    let client_id = requested_by.unwrap_or(audience.id());
    let mut about = Map::from_iter([
        ("client_id".to_owned(), client_id.into()),
        ("token_type".to_owned(), "Bearer".into()),
    ]);
    about.extend(answered(&subject.claims));
    Ok(Some(about))
}

fn answered(claims: &Members<'_>) -> impl Iterator<Item = (String, Value)> {
    let claim = |name: &str| Some((name.to_owned(), claims.get(name).map(Node::to_value)?));
    ANSWERED.into_iter().filter_map(claim)
}
