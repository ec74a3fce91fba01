//! Cross-origin rules: an origin is echoed if a client allows exactly it, and no other way; never with credentials.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use locum_engine::Refusal;
use locum_engine::ports::Found;
use locum_engine::prepared::PreparedTenant;
use locum_engine::strict_json::{Members, Node};
use tokio::time::Instant;

use crate::state::{AppState, await_name};

/// The request headers that browsers may send along, lower case.
///
/// Old pages send the last three though nothing here reads them: without them their preflight would fail.
const REQUEST_HEADERS: [&str; 6] =
    ["content-type", "auth0-client", "accept-language", "authorization", "x-requested-with", "cache-control"];

/// The same, as a preflight is answered.
const REQUEST_HEADERS_ALLOWED: HeaderValue = HeaderValue::from_static(
    "Content-Type, Auth0-Client, Accept-Language, Authorization, X-Requested-With, Cache-Control",
);

/// How long a browser may remember a preflight, in seconds. Chromium remembers none longer than 7200.
const PREFLIGHT_SECONDS: &str = "600";

/// The origin of a request, if there is one and it has a scheme. A `null`, which any sandboxed page can send, and a `*`,
/// which would open the answer to all, are never allowed, even where a client lists them.
fn origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (Some(only), None) if only.to_str().is_ok_and(|text| text.contains("://")) => Some(only),
        _ => None,
    }
}

/// The origin whose pages may read the answer to a delegation: the one that sent the request, if it is allowed.
///
/// The client that the request names decides. A request without `client_id`, with an unknown one, or with a body that
/// was not read, is treated as its preflight was: the origins of all clients are allowed, so that a page can read
/// what is wrong.
pub(crate) async fn readable_by(
    state: &AppState,
    tenant: &Found<PreparedTenant>,
    headers: &HeaderMap,
    ip: IpAddr,
    parameters: Option<&Members<'_>>,
    deadline: Instant,
) -> Option<HeaderValue> {
    let origin = origin(headers)?;
    let tenant = tenant.as_ref().ok()?.as_deref()?;
    let lookup = Names { state, tenant, ip, deadline };
    let allowed = match parameters.and_then(named_client) {
        None => lookup.tenant_allows(origin).await,
        Some(client_id) => lookup.client_allows(client_id, origin).await,
    };
    // Where it cannot be looked up, no page reads the answer.
    allowed.unwrap_or(false).then(|| origin.clone())
}

/// Look-ups of what a request names.
struct Names<'a> {
    state: &'a AppState,
    tenant: &'a PreparedTenant,
    /// Who sent it.
    ip: IpAddr,
    deadline: Instant,
}

impl Names<'_> {
    /// Whether any client of the tenant allows the origin.
    async fn tenant_allows(&self, origin: &HeaderValue) -> Result<bool, Refusal> {
        let Self { state, tenant, ip, deadline } = *self;
        let Ok(origin) = origin.to_str() else { return Ok(false) };
        await_name(state.engine.allows_origin(tenant, origin, ip), tenant.domain(), deadline).await
    }

    /// Whether this client of the tenant allows the origin; if there is no such client, whether any does.
    async fn client_allows(&self, client_id: &str, origin: &HeaderValue) -> Result<bool, Refusal> {
        let Self { state, tenant, ip, deadline } = *self;
        let lookup = state.engine.find_client(tenant, client_id, ip);
        let client = await_name(lookup, tenant.domain(), deadline).await?;
        let Some(client) = client else { return self.tenant_allows(origin).await };
        let mut origins = client.client().allowed_origins.iter();
        Ok(origins.any(|allowed| allowed.as_bytes() == origin.as_bytes()))
    }
}

/// `client_id`; empty is absent.
fn named_client<'p>(parameters: &'p Members<'_>) -> Option<&'p str> {
    parameters.get("client_id").and_then(Node::as_text).filter(|id| !id.is_empty())
}

/// Lets pages of this origin read the answer, the rate headers in it too.
pub(crate) fn let_read(origin: HeaderValue, answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(
        ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After"),
    );
}

/// Lets pages of any origin read the answer. There is no `Vary`: it is the same for all of them.
pub(crate) fn let_any_origin_read(answer: &mut HeaderMap) {
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// The answer to a preflight for a public document. `*` does not include `Authorization` (Fetch Standard,
/// CORS-unsafe request headers), which some libraries send with every request.
pub(crate) async fn public_preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    let_any_origin_read(headers);
    headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*, Authorization"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    response
}

/// Says that the answer depends on the origin, as every answer of the path does.
pub(crate) fn vary(answer: &mut HeaderMap) {
    answer.insert(VARY, HeaderValue::from_static("Origin"));
}

/// The answer to a preflight (Fetch Standard, CORS-preflight fetch) that asks for one of these methods.
///
/// # Errors
/// If the directory cannot be asked, or the address has sent too many origins that no client allows. No page reads that answer.
pub(crate) async fn preflight(
    state: &AppState,
    tenant: &PreparedTenant,
    (requested, ip): (&HeaderMap, IpAddr),
    deadline: Instant,
    methods: &'static str,
    answer: &mut HeaderMap,
) -> Result<(), Refusal> {
    answer.insert(
        VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    let Some(origin) = origin(requested) else { return Ok(()) };
    let lookup = Names { state, tenant, ip, deadline };
    if requests_what_is_served(requested, methods) && lookup.tenant_allows(origin).await? {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS_ALLOWED);
        answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS));
    }
    Ok(())
}

fn requests_what_is_served(requested: &HeaderMap, methods: &str) -> bool {
    let served = |name: &[u8]| {
        let name = name.trim_ascii();
        name.is_empty() || REQUEST_HEADERS.iter().any(|served| name.eq_ignore_ascii_case(served.as_bytes()))
    };
    let is_served = |requested: &HeaderValue| methods.split(", ").any(|method| requested == method);
    requested.get(ACCESS_CONTROL_REQUEST_METHOD).is_some_and(is_served)
        && requested
            .get_all(ACCESS_CONTROL_REQUEST_HEADERS)
            .iter()
            .all(|value| value.as_bytes().split(|byte| *byte == b',').all(served))
}
