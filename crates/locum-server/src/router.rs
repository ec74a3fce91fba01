//! Which path is whose.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::any;
use locum_engine::{Engine, Refusal, RefusalKind};

use crate::contain::contain;
use crate::options::ServerOptions;
use crate::shared::Shared;
use crate::{delegation, discovery, health, keys, revocation, saml_metadata, wire};

/// Everything that Locum serves, around this engine.
///
/// Requests must carry `ConnectInfo<SocketAddr>`, as [`serve`](crate::serve()) and axum's
/// `into_make_service_with_connect_info` see to: without it delegations and revocations are refused with 500, since
/// no address means no rate limit. The router needs a Tokio runtime with time enabled.
///
/// Each path decides on methods itself and answers 405 with `Allow` for the rest; any other path is 404.
pub fn router(engine: Arc<Engine>, options: ServerOptions) -> Router {
    Router::new()
        .route("/delegation", any(delegation::answer))
        .route("/oauth/revoke", any(revocation::answer))
        .route("/.well-known/jwks.json", any(keys::answer))
        .route("/.well-known/openid-configuration", any(discovery::answer))
        .route("/samlp/metadata/{client_id}", any(saml_metadata::answer))
        .route("/healthz", any(health::live))
        .route("/readyz", any(health::ready))
        .fallback(no_such_path)
        .layer(from_fn(contain))
        .with_state(Arc::new(Shared::new(engine, options)))
}

async fn no_such_path() -> Response {
    wire::refused(&Refusal::new(RefusalKind::NotFound, "there is nothing at this path"))
}
