//! `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`: where verifiers and OAuth clients find the rest.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::model::PublicKeyAlgorithm;
use locum_engine::prepared::PreparedTenant;
use locum_engine::{CLIENT_CREDENTIALS, JWT_BEARER, REFRESH_TOKEN, TOKEN_EXCHANGE};
use serde::Serialize;

use crate::response;
use crate::state::AppState;

/// The methods of the endpoints where clients authenticate.
const CLIENT_AUTHENTICATION: [&str; 4] =
    ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/// The methods where nobody may call without.
const CLIENT_AUTHENTICATION_REQUIRED: [&str; 3] =
    ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// What there is (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2), and an `authorization_endpoint`, which
/// client libraries want even of a server that has no such page.
#[derive(Serialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    /// Where the tenant allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    userinfo_endpoint: Option<String>,
    response_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 7],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 4],
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 7],
    revocation_endpoint_auth_methods_supported: [&'static str; 4],
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 7],
    introspection_endpoint_auth_methods_supported: [&'static str; 3],
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 7],
}

pub(crate) async fn get(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let tenant = state.tenant(&head, state.deadline()).await;
    response::public(tenant.map(|tenant| Metadata::new(&tenant, &state.path_prefix)))
}

impl Metadata {
    /// All URLs are under the tenant's own domain, whatever host the request was for.
    fn new(tenant: &PreparedTenant, path_prefix: &str) -> Self {
        // RFC 8414 section 2 demands them where clients may send assertions.
        let assertion_algorithms = PublicKeyAlgorithm::ALL.map(PublicKeyAlgorithm::name);
        let under = |path: &str| format!("https://{}{path_prefix}/{path}", tenant.domain());
        Self {
            authorization_endpoint: under("authorize"),
            token_endpoint: under("oauth/token"),
            jwks_uri: under(".well-known/jwks.json"),
            revocation_endpoint: under("oauth/revoke"),
            introspection_endpoint: under("oauth/introspect"),
            userinfo_endpoint: tenant.delegation().profile_endpoints.then(|| under("userinfo")),
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            // Those that a target can be configured with. Which of them a tenant uses, the directory cannot list.
            id_token_signing_alg_values_supported: [
                "HS256", "RS256", "RS384", "RS512", "PS256", "ES256", "EdDSA",
            ],
            grant_types_supported: grant_types(tenant),
            token_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
            token_endpoint_auth_signing_alg_values_supported: assertion_algorithms,
            revocation_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION,
            revocation_endpoint_auth_signing_alg_values_supported: assertion_algorithms,
            introspection_endpoint_auth_methods_supported: CLIENT_AUTHENTICATION_REQUIRED,
            introspection_endpoint_auth_signing_alg_values_supported: assertion_algorithms,
            issuer: tenant.issuer().to_owned(),
        }
    }
}

/// A client acts for itself only at a tenant that has management tokens.
fn grant_types(tenant: &PreparedTenant) -> Vec<&'static str> {
    let management = tenant.has_management_tokens().then_some(CLIENT_CREDENTIALS);
    [TOKEN_EXCHANGE, JWT_BEARER, REFRESH_TOKEN].into_iter().chain(management).collect()
}
