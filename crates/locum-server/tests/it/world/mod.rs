//! A whole service in memory: a real engine on ports made for tests, and the router around it.

mod issuers;
mod ports;
mod tenant;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use locum_engine::{Engine, JWT_BEARER, Ports};
use locum_server::{ServerOptions, router};
use locum_store::MemoryBuckets;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use issuers::TestIssuers;
use ports::{FixedClock, FixedEntropy, Recorder, TestDirectory};

pub(crate) use tenant::{Tenants, id_token, rs256_id_token, tenant_key, token_of};

/// Unix seconds at which all tests take place.
pub(crate) const NOW: i64 = 1_900_000_000;

/// The host of the tenant that tests ask unless they say otherwise.
pub(crate) const ACME: &str = "acme.example.com";

/// The peer of every request that does not bring its own.
const PEER: &str = "203.0.113.7:4711";

/// A service, and what can be seen of it from behind.
pub(crate) struct World {
    router: Router,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) directory: Arc<TestDirectory>,
    pub(crate) issuers: Arc<TestIssuers>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Tenants::usual(), ServerOptions::default())
    }

    pub(crate) fn of(tenants: Tenants) -> Self {
        Self::with(tenants, ServerOptions::default())
    }

    pub(crate) fn with(tenants: Tenants, options: ServerOptions) -> Self {
        let recorder = Arc::new(Recorder::default());
        let directory = Arc::new(TestDirectory::new(tenants));
        let issuers = Arc::new(TestIssuers::new());
        let engine = Engine::new(Ports {
            clock: Arc::new(FixedClock),
            entropy: Arc::new(FixedEntropy),
            directory: Arc::clone(&directory) as _,
            buckets: Arc::new(MemoryBuckets::default()),
            audit: Arc::clone(&recorder) as _,
            issuers: Arc::clone(&issuers) as _,
        });
        Self { router: router(Arc::new(engine), options), recorder, directory, issuers }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, body }
    }

    /// Sends a delegation as JSON.
    pub(crate) async fn delegate(&self, parameters: Value) -> Reply {
        self.send(post(&parameters)).await
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The value of a header that stands there at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} stands there more than once");
        value
    }

    /// All headers, sorted; the length is the transport's to say.
    pub(crate) fn header_lines(&self) -> Vec<String> {
        let line =
            |(name, value): (_, &axum::http::HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        let stated = self.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
        let mut lines: Vec<String> = stated.map(line).collect();
        lines.sort();
        lines
    }

    pub(crate) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["error", "error_description"]);
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (self.status.as_u16(), text("error"), text("error_description"))
    }
}

/// The parameters of a delegation that is good.
pub(crate) fn good() -> Value {
    json!({ "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller") })
}

/// The same with one more, or another, parameter.
pub(crate) fn good_but(name: &str, value: impl Into<Value>) -> Value {
    let mut parameters = good();
    parameters[name] = value.into();
    parameters
}

/// A request to this path of the usual host.
pub(crate) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    let peer: SocketAddr = PEER.parse().unwrap();
    Request::builder().method(method).uri(path).header("host", ACME).extension(ConnectInfo(peer))
}

/// A delegation as JSON.
pub(crate) fn post(parameters: &Value) -> Request<Body> {
    let body = Body::from(parameters.to_string());
    request(Method::POST, "/delegation").header("content-type", "application/json").body(body).unwrap()
}

/// A delegation as a form.
pub(crate) fn post_form(parameters: &Value) -> Request<Body> {
    let body = Body::from(form(parameters.as_object().unwrap()));
    let form = "application/x-www-form-urlencoded";
    request(Method::POST, "/delegation").header("content-type", form).body(body).unwrap()
}

/// Parameters as a browser writes them.
pub(crate) fn form(parameters: &Map<String, Value>) -> String {
    let escaped = |text: &str| {
        text.bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                byte if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) => {
                    char::from(byte).to_string()
                }
                byte => format!("%{byte:02X}"),
            })
            .collect::<String>()
    };
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value.as_str().unwrap())));
    pairs.collect::<Vec<_>>().join("&")
}

/// Headers that every answer with a body of JSON has, sorted.
pub(crate) const UNSTORED: [&str; 4] = [
    "cache-control: no-store",
    "content-type: application/json",
    "pragma: no-cache",
    "x-content-type-options: nosniff",
];
