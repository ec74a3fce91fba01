//! `GET /delegation` with a callback, for browsers from before CORS. Off unless the tenant switches it on: the token
//! travels in the query string, and any page may call.

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use locum_engine::tenant::Tenant;
use locum_engine::{Refusal, RefusalKind};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::caller::caller;
use crate::shared::Shared;
use crate::{delegation, form, wire};

/// The parameter that names the callback.
const CALLBACK: &str = "cbx";

/// Longest name of a callback, in bytes.
const CALLBACK_BYTES_MAX: usize = 128;

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Whether the tenant that is asked serves JSONP. No tenant serves none.
pub(crate) async fn is_on(shared: &Shared, head: &Parts) -> bool {
    shared.tenant(head).await.is_ok_and(|tenant| served_by(&tenant))
}

pub(crate) fn served_by(tenant: &Tenant) -> bool {
    tenant.delegation.enabled && tenant.delegation.jsonp
}

/// Delegates by the parameters of the query string. Once there is a callback every answer goes to it, with HTTP 200.
pub(crate) async fn delegate(shared: &Shared, head: &Parts) -> Response {
    let deadline = Instant::now() + shared.limits.request_deadline;
    let caller = match caller(head, &shared.proxies) {
        Ok(caller) => caller,
        Err(refusal) => return wire::refused(&refusal),
    };
    let called = query(head, shared).and_then(|mut parameters| {
        let callback = take_callback(&mut parameters)?;
        Ok((callback, parameters))
    });
    let (callback, parameters) = match called {
        Ok(called) => called,
        Err(refusal) => return wire::answered(&shared.engine.refuse_unread(refusal, &caller)),
    };
    let answer = delegation::work(shared, parameters, caller, deadline).await;
    let mut response = wire::unstored(StatusCode::OK, script(&callback, &wire::payload(&answer)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/javascript"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    wire::add_rate_headers(&answer, headers);
    response
}

fn query(head: &Parts, shared: &Shared) -> Result<Map<String, Value>, Refusal> {
    let query = head.uri.query().unwrap_or_default();
    let limits = &shared.limits;
    if query.len() > limits.body_bytes_max {
        let description = format!("send at most {} bytes", limits.body_bytes_max);
        return Err(Refusal::new(RefusalKind::BodyTooLarge, description));
    }
    form::parse(query.as_bytes(), limits.parameters_max)
}

fn take_callback(parameters: &mut Map<String, Value>) -> Result<String, Refusal> {
    match parameters.shift_remove(CALLBACK) {
        None => Err(Refusal::missing_parameter(CALLBACK)),
        Some(Value::String(name)) if is_callback(&name) => Ok(name),
        Some(_) => {
            let grammar = "cbx parameter must be 1 to 128 letters, digits, dots, underscores or dollar signs";
            Err(Refusal::invalid_request(grammar))
        }
    }
}

/// Names and nothing that could be more of a script than a name.
fn is_callback(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.');
    (1..=CALLBACK_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

/// The call as a script. The comment ahead keeps the first bytes from being the caller's choice, which is how JSONP
/// answers were made to run as Flash (CVE-2014-4671). Only ASCII leaves: a script is read in its page's encoding, and
/// U+2028 ends a line in older JavaScript.
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
    fn anything_more_than_a_name_is_not() {
        for name in ["", "a(", "a;b", "a b", "a\n", "a[0]", "a-b", "é", "a/**/", "<b>", &"c".repeat(129)] {
            assert!(!is_callback(name), "{name}");
        }
    }

    #[test]
    fn only_ascii_leaves_and_it_means_the_same() {
        let text = "é\u{2028}😀</script>";
        let payload = serde_json::to_vec(&serde_json::json!({ "name": text })).unwrap();
        let script = String::from_utf8(script("cb", &payload)).unwrap();
        assert_eq!(script, "/**/cb({\"name\":\"\\u00e9\\u2028\\ud83d\\ude00</script>\"});");
    }
}
