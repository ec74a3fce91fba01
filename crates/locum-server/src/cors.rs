//! Cross-origin rules: an origin is echoed if a client allows exactly it, and no other way; never with credentials.

use std::sync::Arc;

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue};
use locum_engine::tenant::Tenant;
use serde_json::{Map, Value};

use crate::shared::Shared;

/// The request headers that browsers may send along, lower case.
const REQUEST_HEADERS: [&str; 3] = ["content-type", "auth0-client", "accept-language"];

/// How long a browser may remember a preflight, in seconds. Chromium remembers none longer than 7200.
const PREFLIGHT_SECONDS: &str = "600";

/// The origin of a request, if a client may allow it at all: one, with a scheme. That leaves out the `null` that any
/// sandboxed page can send and a `*` that would open the answer to all, even where a client lists them.
pub(crate) fn origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(only), None) if only.to_str().is_ok_and(|text| text.contains("://")) => Some(only),
        _ => None,
    }
}

/// Whether the answer may be read by pages of this origin. The client that the request names decides; a request
/// that names none was refused before anybody's client mattered, and is judged as its preflight was.
pub(crate) fn may_read(shared: &Shared, tenant: &Arc<Tenant>, origin: &HeaderValue, named: &Named) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    match named {
        Named::Client(id) => {
            let client = tenant.clients.get(id);
            client.is_some_and(|client| client.allowed_origins.iter().any(|allowed| allowed == origin))
        }
        Named::Nobody => shared.origins.allow(tenant, origin),
    }
}

/// The client that a request names.
pub(crate) enum Named {
    /// This one, which need not exist.
    Client(String),
    /// None: there is no `client_id`, or the body was not read.
    Nobody,
}

impl Named {
    /// What `client_id` says; empty is absent.
    pub(crate) fn by(parameters: &Map<String, Value>) -> Self {
        match parameters.get("client_id").and_then(Value::as_str) {
            Some(id) if !id.is_empty() => Self::Client(id.to_owned()),
            _ => Self::Nobody,
        }
    }
}

/// Lets pages of this origin read the answer, the rate headers in it too.
pub(crate) fn let_read(origin: HeaderValue, answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"),
    );
}

/// Says that the answer depends on the origin, as every answer of the path does.
pub(crate) fn vary(answer: &mut HeaderMap) {
    answer.insert(VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a preflight (Fetch Standard, CORS-preflight fetch) that asks for what is served.
pub(crate) fn preflight(shared: &Shared, tenant: &Arc<Tenant>, asked: &HeaderMap, answer: &mut HeaderMap) {
    answer.insert(
        VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    let Some(origin) = origin(asked) else { return };
    if may_read(shared, tenant, origin, &Named::Nobody) && asks_for_what_is_served(asked) {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        answer.insert(
            ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Auth0-Client, Accept-Language"),
        );
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    }
}

fn asks_for_what_is_served(asked: &HeaderMap) -> bool {
    let served = |name: &[u8]| {
        let name = name.trim_ascii();
        name.is_empty() || REQUEST_HEADERS.iter().any(|served| name.eq_ignore_ascii_case(served.as_bytes()))
    };
    asked.get(ACCESS_CONTROL_REQUEST_METHOD).is_some_and(|method| method == "POST")
        && asked
            .get_all(ACCESS_CONTROL_REQUEST_HEADERS)
            .iter()
            .all(|value| value.as_bytes().split(|byte| *byte == b',').all(served))
}
