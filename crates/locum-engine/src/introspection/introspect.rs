//! Introspect: authenticates the client, and reads the token if the client may know it.

use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::client_authentication::{ClientProof, IdentifiedClient, identified_client};
use crate::introspection::app_token::about_app_token;
use crate::introspection::refresh_token::about_refresh_token;
use crate::introspection::request::IntrospectionRequest;
use crate::observer::Endpoint;
use crate::ports::{Found, Ports};
use crate::prepared::PreparedTenant;
use crate::refresh_tokens::RefreshTokenHash;
use crate::refusal::{Refusal, RefusalKind};

/// What is said about a token.
#[derive(Debug, Clone, PartialEq)]
pub enum Introspection {
    /// It is not valid, or not for this client to know.
    Inactive,
    /// It is valid: the members of the answer besides `active` (RFC 7662 section 2.2).
    Active(Map<String, Value>),
}

/// What a token says. `now_unix_ms` is in milliseconds since the unix epoch.
///
/// # Errors
/// The host or the client is unknown, the client does not authenticate, or a store is unavailable.
pub(crate) async fn introspect(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: &IntrospectionRequest,
    ip: IpAddr,
    now_unix_ms: u64,
) -> Result<Introspection, Refusal> {
    let presented = (request.client_id.as_str(), request.client_credential.as_ref());
    let IdentifiedClient { tenant, client, proof } =
        identified_client(ports, tenant, presented, Endpoint::Introspection, ip, now_unix_ms).await?;
    if proof != ClientProof::Authenticated {
        // Otherwise whoever finds a token could ask whether it is worth using (RFC 7662 section 2.1).
        let description = "only a client that authenticates can introspect; this one does not";
        return Err(Refusal::new(RefusalKind::InvalidClient, description));
    }
    let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
    let about = match RefreshTokenHash::of(&request.token) {
        Some(hash) => about_refresh_token(ports, &tenant, &client, &hash, now).await?,
        None => about_app_token(ports, &tenant, &client, request.token.expose(), now).await?,
    };
    Ok(about.map_or(Introspection::Inactive, Introspection::Active))
}
