//! `/.well-known/openid-configuration`: where verifiers and OAuth clients find the rest.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::JWT_BEARER;
use locum_engine::prepared::PreparedTenant;
use serde::Serialize;

use crate::response;
use crate::state::AppState;

/// The members that common client libraries insist on (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2).
/// They want an `authorization_endpoint` even of a server that has no such page.
#[derive(Serialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 2],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 1],
}

pub(crate) async fn get(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    match state.tenant(&head, state.deadline()).await {
        Ok(tenant) => response::public(&Metadata::new(&tenant, &state.path_prefix)),
        Err(refusal) => response::refusal(&refusal),
    }
}

impl Metadata {
    /// All URLs are under the tenant's own domain, whatever host the request was for.
    fn new(tenant: &PreparedTenant, path_prefix: &str) -> Self {
        let under = |path: &str| format!("https://{}{path_prefix}/{path}", tenant.domain());
        Self {
            authorization_endpoint: under("authorize"),
            token_endpoint: under("oauth/token"),
            jwks_uri: under(".well-known/jwks.json"),
            revocation_endpoint: under("oauth/revoke"),
            introspection_endpoint: under("oauth/introspect"),
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["HS256", "RS256"],
            grant_types_supported: [JWT_BEARER],
            token_endpoint_auth_methods_supported: ["none"],
            issuer: tenant.issuer().to_owned(),
        }
    }
}
