//! The router around an engine on test doubles, called without a socket; and the requests that tests send to it.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, Method, Request, request};
use http_body_util::BodyExt;
use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::grant::Grant;
use locum_abi::manifest::CredentialForm;
use locum_engine::model::{AddOn, ClientKey};
use locum_engine::ports::{CallContext, IssuerFailure};
use locum_server::{ServerOptions, router};
use locum_testing::{ACME, TestEngine, TestSetup, client, well_behaved};
use serde_json::{Map, Value};
use tower::ServiceExt;

/// The peer of every request that names no other.
const PEER: &str = "203.0.113.7:4711";

/// Text of an upstream that no client may read.
pub(crate) const UPSTREAM_TEXT: &str = "arn:aws:iam::123456789012:role/secret-role";

/// Headers of every response with a JSON body that must not be cached.
pub(crate) const UNCACHED_JSON: [&str; 4] = [
    "cache-control: no-store",
    "content-type: application/json",
    "pragma: no-cache",
    "x-content-type-options: nosniff",
];

/// A router, and the test doubles behind it.
pub(crate) struct TestServer {
    router: Router,
    pub(crate) doubles: TestEngine,
}

impl TestServer {
    /// Two tenants with the same clients. `caller` allows the origin `https://app.example` at `acme.example.com` and
    /// `https://globex.example` at the other tenant.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// The same, changed.
    pub(crate) fn with(change: impl FnOnce(&mut TestSetup)) -> Self {
        Self::build(change, ServerOptions::default())
    }

    /// The usual tenants, served with these options.
    pub(crate) fn with_options(options: ServerOptions) -> Self {
        Self::build(|_| {}, options)
    }

    /// The usual tenants; `acme.example.com` serves JSONP.
    pub(crate) fn with_jsonp() -> Self {
        Self::with(|setup| setup.acme.tenant.delegation.jsonp = true)
    }

    pub(crate) fn build(change: impl FnOnce(&mut TestSetup), options: ServerOptions) -> Self {
        let doubles = TestEngine::with(|setup| {
            add_clients(setup);
            change(setup);
        });
        doubles.script.answers_revocations("salesforce_api", |token| {
            Ok(if token == "known" { RevokeAnswer::Revoked } else { RevokeAnswer::AlreadyGone })
        });
        Self { router: router(doubles.engine.clone(), options), doubles }
    }

    /// From now on the issuer of app tokens answers this.
    pub(crate) fn app_answers(
        &self,
        issue: impl Fn(&Grant, CallContext) -> Result<Issued, IssuerFailure> + Send + Sync + 'static,
    ) {
        self.doubles.script.answers("app", issue);
    }

    /// From now on the issuer of app tokens refuses with this failure.
    pub(crate) fn app_fails(&self, failure: Failure) {
        self.app_answers(move |_, _| Err(IssuerFailure::Failed(failure.clone())));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// Requests a delegation by a JSON body.
    pub(crate) async fn delegate(&self, parameters: Map<String, Value>) -> Reply {
        self.send(post(&parameters)).await
    }

    /// Requests a document.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(empty(Method::GET, path)).await
    }
}

fn add_clients(setup: &mut TestSetup) {
    setup.client("caller").allowed_origins = vec!["https://app.example".to_owned()];
    setup.client("other").allowed_origins = vec!["https://other.example".to_owned()];
    setup.client("wildcard").allowed_origins = vec!["null".to_owned(), "*".to_owned()];
    setup.client("closed").allowed_clients = vec!["other".to_owned()];
    setup.client("rs256").key = ClientKey::TenantKeys;
    setup.client("cloud").add_ons = vec![AddOn::new("aws", Map::new())];
    let mut crm = client("crm");
    crm.add_ons = vec![AddOn::new("salesforce_api", Map::new())];
    setup.acme.clients.push(crm.clone());
    setup.globex.clients.push(crm);
    let globex_caller = setup.globex.clients.iter_mut().find(|client| client.id == "caller");
    globex_caller.unwrap().allowed_origins = vec!["https://globex.example".to_owned()];
}

/// What the issuer of app tokens answers where a test says nothing else.
pub(crate) fn app_token(grant: &Grant, context: CallContext) -> Issued {
    well_behaved(&CredentialForm::Jwt, grant, context)
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The value of a header that is there at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} is there more than once");
        value
    }

    /// All headers, sorted, without the length, which the transport sets.
    pub(crate) fn header_lines(&self) -> Vec<String> {
        let headers = self.headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
        let mut lines: Vec<String> =
            headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    /// The methods that `Allow` lists, sorted.
    pub(crate) fn allowed_methods(&self) -> Vec<&str> {
        let mut methods: Vec<&str> = self.header("allow").unwrap().split(',').map(str::trim).collect();
        methods.sort_unstable();
        methods
    }

    /// Status, code and description of a body that is an error and nothing else.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(members, ["error", "error_description"]);
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (self.status, text("error"), text("error_description"))
    }

    /// Status and code of an error.
    pub(crate) fn error_code(&self) -> (u16, String) {
        let (status, code, _) = self.error();
        (status, code)
    }
}

/// What [`Reply::error_code`] gives for an error.
pub(crate) fn code(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

/// A request at `acme.example.com`.
pub(crate) fn request(method: Method, path: &str) -> request::Builder {
    let peer: SocketAddr = PEER.parse().unwrap();
    Request::builder().method(method).uri(path).header("host", ACME).extension(ConnectInfo(peer))
}

/// The same without a body.
pub(crate) fn empty(method: Method, path: &str) -> Request<Body> {
    request(method, path).body(Body::empty()).unwrap()
}

/// The same request at another host.
pub(crate) fn at(host: &str, mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("host", host.parse().unwrap());
    request
}

/// The same request with another body.
pub(crate) fn with_body(mut request: Request<Body>, body: impl Into<Body>) -> Request<Body> {
    *request.body_mut() = body.into();
    request
}

/// A delegation as JSON.
pub(crate) fn post(parameters: &Map<String, Value>) -> Request<Body> {
    let body = Value::Object(parameters.clone()).to_string();
    post_body("/delegation", "application/json", body)
}

/// A delegation as a form.
pub(crate) fn post_form(parameters: &Map<String, Value>) -> Request<Body> {
    post_body("/delegation", FORM, form(parameters))
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn post_body(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, path).header("content-type", content_type).body(body.into()).unwrap()
}

/// A delegation by JSONP.
pub(crate) fn get_jsonp(parameters: &Map<String, Value>) -> Request<Body> {
    empty(Method::GET, &format!("/delegation?{}", form(parameters)))
}

/// Parameters as a browser encodes a form.
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
