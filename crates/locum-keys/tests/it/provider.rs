//! A provider whose answers tests change while it runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use locum_engine::KeySet;
use locum_engine::model::{KeyLocation, RemoteKeys};
use locum_engine::ports::{IssuerKeys, StoreUnavailable};
use locum_engine::prepared::RemoteIssuer;
use locum_keys::FetchedKeys;
use locum_testing::{ACME, GLOBEX, jwk_set};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The path of the provider's JWK Set.
pub(crate) const KEYS: &str = "/keys";
/// The path of its OpenID configuration.
pub(crate) const CONFIGURATION: &str = "/.well-known/openid-configuration";

/// A provider, and the requests that it was sent.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    answers: Arc<Mutex<Answers>>,
}

#[derive(Default)]
struct Answers {
    by_path: HashMap<String, Answer>,
    requests: Vec<String>,
}

/// An answer to a request.
#[derive(Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) delay: Duration,
}

impl Answer {
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Provider {
    /// Starts a provider with the key of [`ACME`].
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { issuer, answers: Arc::default() };
        provider.answer(KEYS, Answer::ok(jwk_set(ACME)));
        provider.answer(CONFIGURATION, Answer::ok(provider.configuration().to_string()));
        let router = Router::new().fallback(answer).with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    pub(crate) fn configuration(&self) -> Value {
        json!({"issuer": self.issuer, "jwks_uri": format!("{}{KEYS}", self.issuer)})
    }

    /// Sets the answer to requests for this path.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.answers.lock().unwrap().by_path.insert(path.to_owned(), answer);
    }

    /// Publishes the keys of these tenants.
    pub(crate) fn publish(&self, domains: &[&str]) {
        self.answer(KEYS, Answer::ok(key_set(domains)));
    }

    /// How many requests for this path it was sent.
    pub(crate) fn requests(&self, path: &str) -> usize {
        self.answers.lock().unwrap().requests.iter().filter(|request| *request == path).count()
    }

    /// The provider as an issuer whose keys are found by discovery.
    pub(crate) fn by_discovery(&self) -> RemoteIssuer {
        let location = KeyLocation::discovery(&self.issuer).unwrap();
        RemoteIssuer::new(self.issuer.as_str(), RemoteKeys::new(location))
    }

    /// The provider as an issuer whose keys are at a known URL.
    pub(crate) fn by_url(&self) -> RemoteIssuer {
        let location = KeyLocation::JwkSet(format!("{}{KEYS}", self.issuer).parse().unwrap());
        RemoteIssuer::new(self.issuer.as_str(), RemoteKeys::new(location))
    }
}

/// The keys of these tenants as a JWK Set.
pub(crate) fn key_set(domains: &[&str]) -> String {
    let read = |domain: &&str| serde_json::from_str::<Value>(&jwk_set(domain)).unwrap()["keys"][0].clone();
    json!({"keys": domains.iter().map(read).collect::<Vec<_>>()}).to_string()
}

/// The name of the key of this tenant.
pub(crate) fn kid(domain: &str) -> String {
    assert!([ACME, GLOBEX].contains(&domain));
    format!("key of {domain}")
}

async fn answer(State(provider): State<Provider>, headers: HeaderMap, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let answer = {
        let mut answers = provider.answers.lock().unwrap();
        answers.requests.push(path.clone());
        answers.by_path.get(&path).cloned()
    };
    let Some(answer) = answer else { return 404_u16.into_status() };
    tokio::time::sleep(answer.delay).await;
    let condition = headers.get("if-none-match").and_then(|etag| etag.to_str().ok());
    let etag = answer.headers.iter().find(|(name, _)| *name == "etag").map(|(_, value)| value.as_str());
    let is_unchanged = etag.is_some() && etag == condition;
    let mut response = if is_unchanged { 304_u16.into_status() } else { answer.body.into_response() };
    if !is_unchanged {
        *response.status_mut() = answer.status.try_into().unwrap();
    }
    for (name, value) in answer.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

trait IntoStatus {
    fn into_status(self) -> Response;
}

impl IntoStatus for u16 {
    fn into_status(self) -> Response {
        axum::http::StatusCode::from_u16(self).unwrap().into_response()
    }
}

/// Whether the keys for a token with this `kid` have such a key.
pub(crate) async fn has(keys: &FetchedKeys, issuer: &RemoteIssuer, kid: &str) -> Result<bool, String> {
    let found: Result<Arc<KeySet>, StoreUnavailable> = keys.keys(issuer, Some(kid)).wait().await;
    found.map(|set| set.may_have(Some(kid))).map_err(|unavailable| unavailable.0)
}
