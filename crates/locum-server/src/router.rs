//! Which path and method belongs to which endpoint.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::{MethodFilter, get, on, post};
use locum_engine::{Engine, Refusal, RefusalKind};

use crate::endpoint::{
    delegation, discovery, health, introspection, jsonp, jwks, profile, revocation, saml_metadata, token,
};
use crate::options::ServerOptions;
use crate::panics::{contain_panics, contained};
use crate::response;
use crate::response::cors;
use crate::state::AppState;

/// Everything that Locum serves, around this engine.
///
/// Requests must carry `ConnectInfo<SocketAddr>`, which [`serve`](crate::serve()) and axum's
/// `into_make_service_with_connect_info` add: without it delegations and all requests under `/oauth/` are refused with
/// 500, since without an address there is no rate limit. The router needs a Tokio runtime with time enabled.
///
/// Another method is answered with 405 and `Allow`, another path with 404.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use locum_engine::Engine;
/// use locum_server::{ServerOptions, router};
///
/// fn with_metrics(engine: Arc<Engine>) -> axum::Router {
///     router(engine, ServerOptions::default()).route("/version", axum::routing::get("1"))
/// }
/// ```
pub fn router(engine: Arc<Engine>, options: ServerOptions) -> Router {
    // `get` alone would answer `HEAD` too.
    let delegation = on(MethodFilter::OPTIONS, delegation::options)
        .get(jsonp::get)
        .head(delegation::not_served)
        .fallback(delegation::not_served)
        .layer(from_fn(contain_panics))
        // A layer costs half a microsecond; this is the method that most requests use.
        .post(|state, request| contained(delegation::post(state, request)));
    Router::new()
        .route("/oauth/token", post(token::post).options(token::options))
        .route("/oauth/revoke", post(revocation::post))
        .route("/oauth/introspect", post(introspection::post))
        .route(
            "/tokeninfo",
            get(profile::get_token_info).post(profile::post_token_info).options(profile::options),
        )
        .route("/userinfo", get(profile::user_info).post(profile::user_info).options(profile::options))
        .route("/.well-known/jwks.json", get(jwks::get).options(cors::public_preflight))
        .route("/.well-known/openid-configuration", get(discovery::get).options(cors::public_preflight))
        .route("/.well-known/oauth-authorization-server", get(discovery::get).options(cors::public_preflight))
        .route("/samlp/metadata/{client_id}", get(saml_metadata::get))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .method_not_allowed_fallback(response::method_not_allowed)
        .fallback(no_such_path)
        .layer(from_fn(contain_panics))
        .route("/delegation", delegation)
        .with_state(Arc::new(AppState::new(engine, options)))
}

async fn no_such_path() -> Response {
    response::refusal(&Refusal::new(RefusalKind::NotFound, "there is nothing at this path"))
}
