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
///
/// It has no `alg`, which is optional: one key signs RS256, RS384, RS512 and PS256, and verifiers that read `alg` refuse
/// every other algorithm than the one it names. Entries of one `kid` for each algorithm are no way out, since some
/// verifiers take the first entry with the `kid`.
#[derive(Serialize)]
struct Key<'a> {
    kty: &'static str,
    #[serde(rename = "use")]
    public_key_use: &'static str,
    kid: &'a str,
    n: &'a str,
    e: &'a str,
}

pub(crate) async fn get(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let tenant = state.tenant(&head, state.deadline()).await;
    let keys = tenant.as_ref().map(|tenant| KeySet { keys: tenant.keys().iter().map(Key::of).collect() });
    response::public(keys.map_err(Clone::clone))
}

impl<'a> Key<'a> {
    fn of(key: &'a TenantKey) -> Self {
        Self { kty: "RSA", public_key_use: "sig", kid: &key.kid, n: &key.public.n, e: &key.public.e }
    }
}
