//! A layer around a correct server, which changes one thing of its answers.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::from_fn;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// Changes an answer, if the request concerns it.
pub(super) type Fault = fn(&Sent, &mut Answered);

/// A request as the server sees it.
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) content_type: String,
    pub(super) authorization: String,
    pub(super) body: String,
    pub(super) form: Vec<(String, String)>,
}

/// An answer before it is sent.
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// The router with a fault. The tenant's domain in its answers is replaced by the base URL, as if that were its domain.
pub(super) fn around(router: Router, base_url: &str, fault: Option<Fault>) -> Router {
    let base_url = base_url.to_owned();
    router.layer(from_fn(move |request: Request, next: axum::middleware::Next| {
        let base_url = base_url.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let sent = Sent::of(&parts, &body);
            let request = Request::from_parts(parts, Body::from(body));
            let (mut parts, body) = next.run(request).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let mut answered = Answered {
                status: parts.status.as_u16(),
                headers: parts.headers.clone(),
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            if sent.path.starts_with("/.well-known/") {
                answered.body = answered.body.replace("https://acme.example.com", &base_url);
            }
            if let Some(fault) = fault {
                fault(&sent, &mut answered);
            }
            parts.status = answered.status.try_into().unwrap();
            parts.headers = answered.headers;
            parts.headers.remove("content-length");
            Response::from_parts(parts, Body::from(answered.body))
        }
    }))
}

impl Sent {
    fn of(parts: &axum::http::request::Parts, body: &[u8]) -> Self {
        let header = |name: &str| {
            let value = parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            value.unwrap_or_default()
        };
        let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect();
        Self {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
            content_type: header("content-type"),
            authorization: header("authorization"),
            body: String::from_utf8(body.to_vec()).unwrap(),
            form: pairs(body),
        }
    }

    pub(super) fn values(&self, name: &str) -> Vec<&str> {
        let named = self.form.iter().filter(|(own, _)| own == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.values(name).is_empty()
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.values(name) == [value]
    }

    /// Id and secret in the header `Authorization`, as they are before they are decoded.
    pub(super) fn basic(&self) -> String {
        let encoded = self.authorization.split_once(' ').map(|(_, encoded)| encoded).unwrap_or_default();
        String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap_or_default()).unwrap_or_default()
    }

    /// Whether it has only the parameters that every exchange has.
    pub(super) fn is_plain(&self) -> bool {
        const USUAL: [&str; 4] = ["grant_type", "subject_token", "subject_token_type", "audience"];
        self.form.len() == USUAL.len() && USUAL.iter().all(|name| self.has(name))
    }

    pub(super) fn is_metadata(&self) -> bool {
        self.path == "/.well-known/oauth-authorization-server"
    }
}

impl Answered {
    pub(super) fn is_granted(&self) -> bool {
        self.status == 200 && self.body.contains("\"access_token\"")
    }

    /// A token, whatever the server decided.
    pub(super) fn grant(&mut self) {
        self.status = 200;
        self.body = json!({
            "access_token": "granted", "issued_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_type": "Bearer",
        })
        .to_string();
    }

    pub(super) fn refuse(&mut self, status: u16, code: &str) {
        self.status = status;
        self.body = json!({"error": code, "error_description": "refused"}).to_string();
    }

    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        self.change(|body| {
            body.insert(name.to_owned(), value);
        });
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(|body| {
            body.shift_remove(name);
        });
    }

    fn change(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut body: Map<String, Value> = serde_json::from_str(&self.body).unwrap();
        change(&mut body);
        self.body = Value::Object(body).to_string();
    }

    /// Changes the claims of the issued token, whose signature the suite does not verify.
    pub(super) fn change_claims(&mut self, change: impl FnOnce(&mut Map<String, Value>)) {
        self.change(|body| {
            let token = body["access_token"].as_str().unwrap().to_owned();
            let parts: Vec<&str> = token.split('.').collect();
            let mut claims =
                serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
            change(&mut claims);
            let claims = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
            body["access_token"] = format!("{}.{claims}.{}", parts[0], parts[2]).into();
        });
    }

    pub(super) fn set_header(&mut self, name: &'static str, value: &'static str) {
        self.headers.insert(name, value.parse().unwrap());
    }
}
