//! `/.well-known/jwks.json`: the public halves of the tenant's keys.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use locum_engine::prepared::TenantKey;
use serde::Serialize;

use crate::response;
use crate::state::AppState;

/// A JWK Set (RFC 7517 section 5).
#[derive(Serialize)]
struct KeySet<'a> {
    keys: Vec<Key<'a>>,
}

/// An RSA key that signs (RFC 7517 section 4, RFC 7518 section 6.3.1).
#[derive(Serialize)]
struct Key<'a> {
    kty: &'static str,
    #[serde(rename = "use")]
    public_key_use: &'static str,
    alg: &'static str,
    kid: &'a str,
    n: &'a str,
    e: &'a str,
}

pub(crate) async fn get(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    match state.tenant(&head, state.deadline()).await {
        Ok(tenant) => response::public(&KeySet { keys: tenant.keys().iter().map(Key::of).collect() }),
        Err(refusal) => response::refusal(&refusal),
    }
}

impl<'a> Key<'a> {
    fn of(key: &'a TenantKey) -> Self {
        Self {
            kty: "RSA",
            public_key_use: "sig",
            alg: "RS256",
            kid: &key.kid,
            n: &key.public.n,
            e: &key.public.e,
        }
    }
}
