//! Bodies and headers: an answer or a refusal of the engine becomes a response here and nowhere else.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, PRAGMA, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use locum_engine::{
    BucketDecision, Credential, DelegationResponse, Introspection, Issued, IssuedToken, ProfileResponse,
    Refusal, RefusalKind, RevocationResponse, TokenResponse,
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::response::cors;

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Headers of an answer with rate limit and CORS, so that the map is made once.
const HEADERS_TYPICAL: usize = 12;

/// Size of most bodies, so that they are not copied while they grow.
const BODY_BYTES_TYPICAL: usize = 1024;

/// The same of what is around a token in its body.
const BEARER_BYTES_AROUND: usize = 80;

/// Every error of every endpoint. `status` is there for JSONP alone, which has no other way to say it.
#[derive(Serialize)]
struct ErrorBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    error: &'static str,
    error_description: &'a str,
}

/// The response to a delegation.
pub(crate) fn delegation(answer: &DelegationResponse) -> Response {
    let mut response = match &answer.outcome {
        Ok(issued) => unstored(StatusCode::OK, issued_body(issued)),
        Err(refusal) => self::refusal(refusal),
    };
    add_rate_headers(answer.rate, answer.outcome.as_ref().err(), response.headers_mut());
    response
}

/// The response to a token request.
pub(crate) fn token(answer: &TokenResponse) -> Response {
    let mut response = match &answer.outcome {
        Ok(issued) => unstored(StatusCode::OK, written(&TokenBody::of(issued))),
        Err(refusal) => self::refusal(refusal),
    };
    add_rate_headers(answer.rate, answer.outcome.as_ref().err(), response.headers_mut());
    response
}

/// A credential as OAuth clients read it (RFC 8693 section 2.2.1).
#[derive(Serialize)]
struct TokenBody<'a> {
    access_token: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'a str>,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// Ours: a credential that is an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<&'a Map<String, Value>>,
}

impl<'a> TokenBody<'a> {
    fn of(token: &'a IssuedToken) -> Self {
        /// For what is no token that a request could carry as `Bearer` (RFC 8693 section 2.2.1).
        const NOT_APPLICABLE: &str = "N_A";
        let (access_token, token_type, credential) = match &token.issued.credential {
            Credential::Bearer { token, .. } => (Cow::Borrowed(token.as_str()), "Bearer", None),
            Credential::Text { text, .. } => (Cow::Borrowed(text.as_str()), NOT_APPLICABLE, None),
            Credential::Object(members) => match bearer_token(members) {
                Some(token) => (Cow::Borrowed(token), "Bearer", Some(members)),
                None => {
                    let json = String::from_utf8(written(members)).unwrap_or_default();
                    (Cow::Owned(json), NOT_APPLICABLE, Some(members))
                }
            },
        };
        Self {
            access_token,
            issued_token_type: token.issued_token_type.as_deref(),
            token_type,
            expires_in: token.expires_in,
            scope: token.scope.as_deref(),
            refresh_token: token.refresh_token.as_ref().map(|token| token.expose()),
            credential,
        }
    }
}

/// The token in an object that is an upstream's answer to a token request, if it is used as `Bearer` (RFC 6749 section 5.1).
fn bearer_token(members: &Map<String, Value>) -> Option<&str> {
    let token_type = members.get("token_type").map_or(Some("bearer"), Value::as_str)?;
    members.get("access_token")?.as_str().filter(|_| token_type.eq_ignore_ascii_case("bearer"))
}

/// The response to a revocation.
pub(crate) fn revocation(answer: &RevocationResponse) -> Response {
    let mut response = match &answer.outcome {
        Ok(()) => empty(StatusCode::OK),
        Err(refusal) => self::refusal(refusal),
    };
    add_rate_headers(answer.rate, answer.outcome.as_ref().err(), response.headers_mut());
    response
}

/// The response to an introspection.
pub(crate) fn introspection(answer: &Result<Introspection, Refusal>) -> Response {
    /// RFC 7662 section 2.2
    #[derive(Serialize)]
    struct Body<'a> {
        active: bool,
        #[serde(flatten)]
        about: Option<&'a Map<String, Value>>,
    }
    let body = match answer {
        Ok(Introspection::Active(about)) => Body { active: true, about: Some(about) },
        Ok(Introspection::Inactive) => Body { active: false, about: None },
        Err(refusal) => return self::refusal(refusal),
    };
    unstored(StatusCode::OK, written(&body))
}

/// The response to a request for a profile.
pub(crate) fn profile(answer: &ProfileResponse) -> Response {
    let mut response = match &answer.outcome {
        Ok(profile) => unstored(StatusCode::OK, written(profile)),
        Err(refusal) => self::refusal(refusal),
    };
    add_rate_headers(answer.rate, answer.outcome.as_ref().err(), response.headers_mut());
    response
}

/// The response to a refusal.
pub(crate) fn refusal(refusal: &Refusal) -> Response {
    let body =
        written(&ErrorBody { status: None, error: refusal.code(), error_description: refusal.description() });
    // The engine's table has valid statuses only; another one would be a fault of ours.
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = unstored(status, body);
    if let Some(seconds) = refusal.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if refusal.kind() == RefusalKind::RequestTimeout {
        // The rest of the body may still come (RFC 9110 section 15.5.9).
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The response to a method that the path does not serve. axum adds `Allow` (RFC 9110 section 15.5.6).
pub(crate) async fn method_not_allowed() -> Response {
    let description = "the path does not serve this method; the Allow header lists those that it serves";
    refusal(&Refusal::new(RefusalKind::MethodNotAllowed, description))
}

/// The same where the methods that are served depend on the tenant.
pub(crate) fn method_not_served(served: &'static str) -> Response {
    let mut response =
        refusal(&Refusal::new(RefusalKind::MethodNotAllowed, format!("this path serves {served}")));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(served));
    response
}

/// The JSON that a JSONP callback is called with, be it a credential or a refusal.
pub(crate) fn payload(answer: &DelegationResponse) -> Vec<u8> {
    match &answer.outcome {
        Ok(issued) => issued_body(issued),
        Err(refusal) => written(&ErrorBody {
            status: Some(refusal.status()),
            error: refusal.code(),
            error_description: refusal.description(),
        }),
    }
}

/// The rate limit as it stands, if the request was counted, and how long to wait, if the refusal says so.
pub(crate) fn add_rate_headers(
    rate: Option<BucketDecision>,
    refusal: Option<&Refusal>,
    headers: &mut HeaderMap,
) {
    let mut retry_after = refusal.and_then(Refusal::retry_after_seconds);
    if let Some(BucketDecision { limit, remaining, reset_unix_seconds, retry_after_seconds, .. }) = rate {
        headers.insert(X_RATELIMIT_LIMIT, limit.into());
        headers.insert(X_RATELIMIT_REMAINING, remaining.into());
        headers.insert(X_RATELIMIT_RESET, reset_unix_seconds.into());
        if refusal.is_some_and(|refusal| refusal.kind() == RefusalKind::TooManyRequests) {
            retry_after = Some(retry_after_seconds);
        }
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
}

/// JSON that no cache keeps (RFC 6749 section 5.1).
pub(crate) fn unstored(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(HEADERS_TYPICAL);
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Nothing but a status.
fn empty(status: StatusCode) -> Response {
    let mut response = unstored(status, Vec::new());
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// A JSON document that anybody may read and keep for a while, or why there is none. Pages of any origin may read it:
/// it holds nothing that is not public.
pub(crate) fn public(document: Result<impl Serialize, Refusal>) -> Response {
    let mut response = match document {
        Ok(document) => published(JSON, written(&document)),
        Err(refusal) => self::refusal(&refusal),
    };
    cors::let_any_origin_read(response.headers_mut());
    response
}

/// SAML metadata (media type: SAML 2.0 Metadata, appendix A) that anybody may read and keep for a while.
pub(crate) fn public_saml_metadata(document: String) -> Response {
    published(HeaderValue::from_static("application/samlmetadata+xml"), document.into_bytes())
}

/// How long anybody may keep a document that is published, such as the JWKS, in seconds.
pub const PUBLISHED_MAX_AGE_SECONDS: u64 = 300;
const PUBLISHED_CACHE_CONTROL: &str = "public, max-age=300";

fn published(content_type: HeaderValue, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(PUBLISHED_CACHE_CONTROL));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn issued_body(issued: &Issued) -> Vec<u8> {
    match &issued.credential {
        // A token of the form that OAuth clients know, the members in Auth0's order. A compact JWT, as which the engine
        // has checked it, has no character that JSON escapes.
        Credential::Bearer { token, expires_in } => {
            let mut json = String::with_capacity(token.len() + BEARER_BYTES_AROUND);
            // Writing into a text cannot fail.
            let _ = write!(json, r#"{{"token_type":"Bearer","expires_in":{expires_in},"id_token":""#);
            json.push_str(token);
            json.push_str(r#""}"#);
            json.into_bytes()
        }
        Credential::Text { member, text } => written(&std::collections::BTreeMap::from([(member, text)])),
        Credential::Object(members) => written(members),
    }
}

fn written(body: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::with_capacity(BODY_BYTES_TYPICAL);
    // Texts, numbers and maps keyed by texts: JSON can express all of them.
    let written = serde_json::to_writer(&mut json, body);
    debug_assert!(written.is_ok(), "texts, numbers and maps are JSON");
    json
}
