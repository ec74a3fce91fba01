//! `GET /delegation` with a callback (JSONP), for browsers without CORS. Off unless the tenant switches it on: the
//! token is in the query string, and any page may call.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use locum_engine::strict_json::{Members, Node};
use locum_engine::{DelegationRequest, Refusal};

use crate::endpoint::delegation_methods::{methods_served, serves_jsonp};
use crate::execution::delegate;
use crate::request::{caller, host, read_query};
use crate::response;
use crate::state::AppState;

/// The parameter that names the callback.
const CALLBACK: &str = "cbx";

/// Longest name of a callback, in bytes.
const CALLBACK_BYTES_MAX: usize = 128;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Delegates by the parameters of the query string. Once there is a callback every answer goes to it, with HTTP 200.
pub(crate) async fn get(State(state): State<Arc<AppState>>, request: Request) -> Response {
    let deadline = state.deadline();
    let (head, _) = request.into_parts();
    let tenant = match host(&head) {
        Ok(host) => state.find_tenant(&host, deadline).await,
        Err(_) => Ok(None),
    };
    let found = tenant.as_ref().ok().and_then(Option::as_deref);
    if !found.is_some_and(serves_jsonp) {
        return response::method_not_served(methods_served(found));
    }
    let caller = match caller(&head, &state.proxies) {
        Ok(caller) => caller,
        Err(refusal) => return response::refusal(&refusal),
    };
    let called = read_query(&head, &state.limits).and_then(|mut parameters| {
        let callback = take_callback(&mut parameters)?;
        Ok((callback, DelegationRequest::parse(parameters)))
    });
    let (callback, request) = match called {
        Ok(called) => called,
        Err(refusal) => return response::delegation(&state.engine.refuse_unread(refusal, found, &caller)),
    };
    let answer = delegate(&state, tenant, caller, deadline, request).await;
    let mut response = response::unstored(StatusCode::OK, script(&callback, &response::payload(&answer)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/javascript"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response::add_rate_headers(answer.rate, answer.outcome.as_ref().err(), headers);
    response
}

fn take_callback(parameters: &mut Members<'_>) -> Result<String, Refusal> {
    match parameters.remove(CALLBACK) {
        None => Err(Refusal::missing_parameter(CALLBACK)),
        Some(Node::Text(name)) if is_callback(&name) => Ok(name.into_owned()),
        Some(_) => {
            let grammar = "cbx parameter must be 1 to 128 letters, digits, dots, underscores or dollar signs";
            Err(Refusal::invalid_request(grammar))
        }
    }
}

/// A name; anything else could be a script of its own.
fn is_callback(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    (1..=CALLBACK_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

/// The call as a script. The comment at its start keeps the first bytes from being the caller's choice, which is how
/// JSONP answers were run as Flash (CVE-2014-4671). The script is ASCII: it is read in its page's encoding, and U+2028
/// ends a line in older JavaScript.
fn script(callback: &str, payload: &[u8]) -> Vec<u8> {
    let mut script = Vec::with_capacity(callback.len() + payload.len() + 8);
    script.extend_from_slice(b"/**/");
    script.extend_from_slice(callback.as_bytes());
    script.push(b'(');
    for character in String::from_utf8_lossy(payload).chars() {
        if character.is_ascii() {
            script.extend_from_slice(&[character as u8]);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                script.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        }
    }
    script.extend_from_slice(b");");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_callbacks() {
        for name in ["__auth0jp0", "a", "jQuery.cb_1", "$", &"c".repeat(128)] {
            assert!(is_callback(name), "{name}");
        }
    }

    #[test]
    fn anything_but_a_name_is_not_a_callback() {
        for name in ["", "a(", "a;b", "a b", "a\n", "a[0]", "a-b", "é", "a/**/", "<b>", &"c".repeat(129)] {
            assert!(!is_callback(name), "{name}");
        }
    }

    #[test]
    fn the_script_is_ascii_and_has_the_same_meaning() {
        let text = "é\u{2028}😀</script>";
        let payload = serde_json::to_vec(&serde_json::json!({ "name": text })).unwrap();
        let script = String::from_utf8(script("cb", &payload)).unwrap();
        assert_eq!(script, "/**/cb({\"name\":\"\\u00e9\\u2028\\ud83d\\ude00</script>\"});");
    }
}
