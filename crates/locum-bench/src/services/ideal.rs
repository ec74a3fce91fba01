//! The ideal: what an engineer would write by hand for one tenant whose clients, keys and targets are known in advance.
//!
//! It makes the same checks and counts the same rate, and issues the same credentials, with keys that are parsed once. It
//! has no plugins, no tenants, no form bodies, no CORS, and **no audit log**: Locum's audit log is within Locum's figures.

mod buckets;
mod clients;
mod id_token;
mod mint;
mod refusal;
pub(crate) mod response;
mod sas;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use buckets::{Buckets, Decision};
use clients::{Client, Tenant};
use refusal::Refusal;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The service's state.
pub(crate) struct Ideal {
    tenant: Tenant,
    buckets: Buckets,
}

/// The parameters that it knows. Others are free-form, and ignored.
#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    grant_type: Cow<'a, str>,
    #[serde(borrow)]
    id_token: Cow<'a, str>,
    #[serde(borrow)]
    target: Option<Cow<'a, str>>,
    #[serde(borrow)]
    scope: Option<Cow<'a, str>>,
    #[serde(borrow)]
    api_type: Option<Cow<'a, str>>,
}

pub(crate) fn router() -> Result<Router> {
    let ideal = Ideal { tenant: Tenant::new()?, buckets: Buckets::default() };
    Ok(Router::new().route("/delegation", post(delegation)).with_state(Arc::new(ideal)))
}

async fn delegation(
    State(ideal): State<Arc<Ideal>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut rate = None;
    let outcome = ideal.exchange(&headers, &body, address, now.as_micros() as u64, &mut rate);
    response::of(outcome, rate.as_ref())
}

impl Ideal {
    /// The body of the response. `rate` is set once the request is counted.
    fn exchange(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        address: SocketAddr,
        now_us: u64,
        rate: &mut Option<Decision>,
    ) -> Result<Vec<u8>, Refusal> {
        let now = now_us / 1_000_000;
        if headers.get(CONTENT_TYPE).is_none_or(|value| value != "application/json") {
            return Err(Refusal::request("the body must be application/json"));
        }
        let request: Request<'_> =
            serde_json::from_slice(body).map_err(|_| Refusal::request("the body is not a delegation"))?;
        if request.grant_type != JWT_BEARER {
            return Err(Refusal::request("grant_type must be jwt-bearer"));
        }
        let client = self.tenant.client(&request.client_id).ok_or(Refusal::request("unknown client"))?;
        let mut payload = Vec::new();
        let claims = id_token::verify(&request.id_token, client, &self.tenant, now, &mut payload)?;
        let decision = self.buckets.try_acquire(&claims.sub, address.ip(), now_us);
        let conforms = decision.conforms;
        *rate = Some(decision);
        if !conforms {
            return Err(Refusal::TOO_MANY);
        }
        let target = match &request.target {
            Some(target) => self.tenant.client(target).ok_or(Refusal::request("unknown target"))?,
            None => client,
        };
        let scope = request.scope.as_deref().unwrap_or_default();
        self.issue(request.api_type.as_deref(), client, target, &claims, scope, now)
    }

    fn issue(
        &self,
        api_type: Option<&str>,
        client: &Client,
        target: &Client,
        claims: &id_token::Claims<'_>,
        scope: &str,
        now: u64,
    ) -> Result<Vec<u8>, Refusal> {
        match (api_type, &target.sas) {
            (None | Some("app"), _) => mint::app_token(&self.tenant, client, target, claims, scope, now),
            (Some("azure_blob"), Some(account)) => account.answer(now),
            _ => Err(Refusal::request("the target has no such issuer")),
        }
    }
}

#[cfg(test)]
mod tests;
