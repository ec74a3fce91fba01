//! `/.well-known/openid-configuration`: where verifiers and OAuth clients find the rest.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::JWT_BEARER;
use locum_engine::prepared::PreparedTenant;
use serde::Serialize;

use crate::response;
use crate::state::AppState;

/// What there is (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2), and an `authorization_endpoint`, which
/// client libraries want even of a server that has no such page. A `token_endpoint` is not required beside the response
/// type `id_token` alone, so none is named as long as there is none.
#[derive(Serialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 7],
    grant_types_supported: [&'static str; 1],
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
}

pub(crate) async fn get(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let tenant = state.tenant(&head, state.deadline()).await;
    response::public(tenant.map(|tenant| Metadata::new(&tenant, &state.path_prefix)))
}

impl Metadata {
    /// All URLs are under the tenant's own domain, whatever host the request was for.
    fn new(tenant: &PreparedTenant, path_prefix: &str) -> Self {
        let under = |path: &str| format!("https://{}{path_prefix}/{path}", tenant.domain());
        Self {
            authorization_endpoint: under("authorize"),
            jwks_uri: under(".well-known/jwks.json"),
            revocation_endpoint: under("oauth/revoke"),
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            // Those that a target can be configured with. Which of them a tenant uses, the directory cannot list.
            id_token_signing_alg_values_supported: [
                "HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "EdDSA",
            ],
            grant_types_supported: [JWT_BEARER],
            revocation_endpoint_auth_methods_supported: ["none"],
            issuer: tenant.issuer().to_owned(),
        }
    }
}
