//! How a client is asked to authenticate.

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use locum_engine::Refusal;

/// Names the scheme to a client that failed to authenticate by the header `Authorization` (RFC 6749 section 5.2). In answer
/// to a page that sent no such header, a browser would ask its user for a password.
pub(crate) fn challenge(request: &HeaderMap, refusal: Option<&Refusal>, response: &mut HeaderMap) {
    if request.contains_key(AUTHORIZATION) && refusal.is_some_and(|refusal| refusal.status() == 401) {
        let scheme = HeaderValue::from_static("Basic realm=\"clients\", charset=\"UTF-8\"");
        response.insert(WWW_AUTHENTICATE, scheme);
    }
}

/// Names the scheme to a client whose access token is missing or invalid (RFC 6750 section 3).
pub(crate) fn challenge_bearer(response: &mut Response) {
    if response.status() == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer realm=\"users\", error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    }
}
