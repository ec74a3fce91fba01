//! Upstream calls as issuers make them: requests with forms and JSON, OAuth 2.0 token responses and error codes.
//!
//! An upstream's error *code* is passed on if it [is one](locum_abi::upstream::is_error_code). Its prose is not, because
//! clients are told why a request was refused, and prose may name other users.
//!
//! An issuer that needs an upstream answers with a call if it has no reply yet, and with the credential if it has one.
//! It keeps nothing between the two calls: both times it is given the same grant.
//!
//! ```
//! use locum_plugin::prelude::*;
//! use locum_plugin::upstream::{token_response, post_form};
//!
//! fn issue(grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
//!     match replies {
//!         [] => {
//!             let fields = [("grant_type", "client_credentials"), ("user", grant.user_id.as_str())];
//!             Ok(IssueAnswer::Call { request: post_form("https://upstream.example.com/token", &fields) })
//!         }
//!         [reply, ..] => Ok(grant.object(token_response(reply)?, None)),
//!     }
//! }
//! # let _ = issue;
//! ```
//!
//! The host makes the request, and only to an origin that [`ApiType::calls`](crate::ApiType::calls) declares. If it cannot
//! reach the upstream, it answers the client itself and does not call the issuer again.

use locum_abi::answer::{Failure, FailureCode};
use locum_abi::upstream::{UpstreamReply, UpstreamRequest, is_error_code};
use serde_json::{Map, Value};

use crate::percent::query_string;
use crate::strict_json;

/// How long clients are told to wait for an upstream that is busy and does not say for how long.
pub const RETRY_AFTER_SECONDS: u64 = 5;

/// A GET.
pub fn get(url: impl Into<String>) -> UpstreamRequest {
    UpstreamRequest::new("GET", url)
}

/// A POST of an `application/x-www-form-urlencoded` body.
pub fn post_form(url: impl Into<String>, fields: &[(&str, &str)]) -> UpstreamRequest {
    post(url, "application/x-www-form-urlencoded", query_string(fields))
}

/// A POST of a JSON body.
///
/// ```
/// # use locum_plugin::upstream::post_json;
/// # use serde_json::json;
/// let request = post_json("https://api.example.com/tokens", &json!({ "lifetime": "300s" })).bearer("t");
/// assert_eq!(request.body, r#"{"lifetime":"300s"}"#);
/// ```
pub fn post_json(url: impl Into<String>, body: &Value) -> UpstreamRequest {
    post(url, "application/json", body.to_string())
}

fn post(url: impl Into<String>, content_type: &str, body: String) -> UpstreamRequest {
    let mut request = UpstreamRequest::new("POST", url).with_header("content-type", content_type);
    request.body = body;
    request
}

/// Checks an upstream's URL that an operator wrote into a setting, and gives it back.
///
/// It must be `https`, because what is sent there is as valuable as a password; `http` is accepted only for this machine.
/// User info, a query and a fragment are refused.
///
/// ```
/// # use locum_plugin::upstream::checked_endpoint;
/// assert!(checked_endpoint("https://sts.example.com/token").is_ok());
/// assert!(checked_endpoint("http://127.0.0.1:5000/token").is_ok());
/// assert!(checked_endpoint("http://sts.example.com/token").is_err());
/// ```
///
/// # Errors
/// What is wrong with the URL, for [`Failure::setting`].
pub fn checked_endpoint(url: &str) -> Result<String, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it is not a URL that starts with https://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() || !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\".contains(&byte)) {
        return Err("it must be a URL with a host and without spaces, user info, query and fragment");
    }
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => authority,
    };
    match (scheme, host) {
        ("https", _) | ("http", "localhost" | "127.0.0.1" | "[::1]") => Ok(url.to_owned()),
        _ => Err("it must start with https://, or with http:// on this machine"),
    }
}

/// Checks the URL of a token endpoint that an operator wrote into a setting, and returns it. As [`checked_endpoint`],
/// but it may have a query, which stays as it is (RFC 6749 section 3.2).
///
/// ```
/// # use locum_plugin::upstream::checked_token_endpoint;
/// assert!(checked_token_endpoint("https://sap.example.com/token?sap-client=100").is_ok());
/// assert!(checked_token_endpoint("https://sap.example.com/token#client").is_err());
/// ```
///
/// # Errors
/// What is wrong with the URL, for [`Failure::setting`].
pub fn checked_token_endpoint(url: &str) -> Result<String, &'static str> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    checked_endpoint(path)?;
    if query.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\".contains(&byte)) {
        Ok(url.to_owned())
    } else {
        Err("its query has a space, a backslash, a fragment or a character that is not ASCII")
    }
}

/// The JSON object in a reply. `None` if the body is anything else, or if an object in it has a key twice: another parser
/// could take the other value.
pub fn json_object(reply: &UpstreamReply) -> Option<Map<String, Value>> {
    strict_json::object(&reply.body)
}

/// The JSON object of a reply whose status is a success, 200 to 299. `code_at` is the JSON pointer (RFC 6901) at which this
/// upstream states its error codes, such as `/error` or `/error/status`.
///
/// # Errors
/// [`failure_for_reply`] with the code there; [`Failure::upstream_nonsense`] if a success is no [`json_object`].
pub fn json_reply(reply: &UpstreamReply, code_at: &str) -> Result<Map<String, Value>, Failure> {
    let object = json_object(reply).map(Value::Object);
    match (reply.status, object) {
        (200..=299, Some(Value::Object(object))) => Ok(object),
        (200..=299, _) => Err(Failure::upstream_nonsense(format!(
            "the upstream answered {} without a JSON object",
            reply.status
        ))),
        (_, error) => {
            let code = error.as_ref().and_then(|error| error.pointer(code_at)).and_then(Value::as_str);
            Err(failure_for_reply(reply, code))
        }
    }
}

/// The response of a token endpoint (RFC 6749 section 5.1), unchanged: an object with an `access_token` and without an
/// `error`.
///
/// # Errors
/// [`failure_for_reply`] with the endpoint's `error`; [`Failure::upstream_nonsense`] if it answers 200 with anything else.
pub fn token_response(reply: &UpstreamReply) -> Result<Map<String, Value>, Failure> {
    let object = json_object(reply).unwrap_or_default();
    let error = object.get("error");
    if reply.status != 200 {
        return Err(failure_for_reply(reply, error.and_then(Value::as_str)));
    }
    let token = object.get("access_token").and_then(Value::as_str);
    match token {
        Some(token) if !token.is_empty() && error.is_none() => Ok(object),
        _ => Err(Failure::upstream_nonsense("the token endpoint answered 200 without a token object")),
    }
}

/// The failure for an upstream's answer that is not a success. `code` is the upstream's own error code.
///
/// With 400 and a code, 401 and 403 the upstream refused; the code is passed on if it [is one](is_error_code). All other
/// answers say nothing about the request and become [`Failure::upstream_nonsense`]. After 429 and 5xx the same call may
/// succeed later, so these failures are `retryable`.
pub fn failure_for_status(status: u16, code: Option<&str>) -> Failure {
    let code = code.filter(|code| is_error_code(code));
    match (status, code) {
        (400 | 401 | 403, Some(code)) => {
            Failure::upstream_refused(code, format!("the upstream answered {status} {code}"))
        }
        (401 | 403, None) => Failure::new(
            FailureCode::UpstreamRefused,
            format!("the upstream answered {status} without a code"),
        ),
        _ => {
            let mut failure = Failure::upstream_nonsense(format!("the upstream answered {status}"));
            failure.retryable = status == 429 || status >= 500;
            failure
        }
    }
}

/// The failure for a reply that is not a success. 429 and 503 mean that the upstream is busy: clients are told to wait as
/// long as the reply's `Retry-After` says, or [`RETRY_AFTER_SECONDS`]. For every other status see [`failure_for_status`].
pub fn failure_for_reply(reply: &UpstreamReply, code: Option<&str>) -> Failure {
    match reply.status {
        429 | 503 => Failure::upstream_busy(
            retry_after_seconds(reply),
            format!("the upstream answered {}", reply.status),
        ),
        status => failure_for_status(status, code),
    }
}

/// The `Retry-After` of a reply (RFC 9110 section 10.2.3), or [`RETRY_AFTER_SECONDS`] if it has none or states a date.
pub fn retry_after_seconds(reply: &UpstreamReply) -> u64 {
    let seconds = reply.header("retry-after").map(str::trim);
    let seconds = seconds.filter(|seconds| seconds.bytes().all(|byte| byte.is_ascii_digit()));
    seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(RETRY_AFTER_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> UpstreamReply {
        UpstreamReply::new(status, body)
    }

    #[test]
    fn a_form_is_posted_in_the_order_given() {
        let request = post_form("https://example.com/token", &[("b", "x y"), ("a", "1&2")]);
        assert_eq!((request.method.as_str(), request.body.as_str()), ("POST", "b=x%20y&a=1%262"));
    }

    #[test]
    fn a_request_states_the_form_of_its_body_and_its_bearer() {
        let request = post_json("https://example.com/", &serde_json::json!({ "b": 1, "a": "x" })).bearer("t");
        assert_eq!(request.body, r#"{"b":1,"a":"x"}"#);
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(headers, [("content-type", "application/json"), ("authorization", "Bearer t")]);
        assert_eq!((get("u").method, get("u").body), ("GET".to_owned(), String::new()));
    }

    #[test]
    fn a_json_reply_is_an_object_with_any_status_of_success() {
        for status in [200, 201, 299] {
            assert_eq!(json_reply(&reply(status, r#"{"a":1}"#), "/error").unwrap()["a"], 1);
            for body in ["", "[]", "{", r#"{"a":1,"a":1}"#, "<p>"] {
                let failure = json_reply(&reply(status, body), "/error").unwrap_err();
                assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{status} {body}");
            }
        }
    }

    #[test]
    fn the_code_of_a_failed_reply_is_where_the_upstream_states_it() {
        let body = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"alice may not"}}"#;
        let failure = json_reply(&reply(403, body), "/error/status").unwrap_err();
        assert_eq!(failure.upstream_code.as_deref(), Some("PERMISSION_DENIED"));
        for elsewhere in ["/error", "/error/code", "/code", ""] {
            let failure = json_reply(&reply(403, body), elsewhere).unwrap_err();
            assert_eq!(
                (failure.code, failure.upstream_code),
                (FailureCode::UpstreamRefused, None),
                "{elsewhere}"
            );
        }
        assert_eq!(json_reply(&reply(503, "{}"), "/error").unwrap_err().retry_after_seconds, Some(5));
        assert!(json_reply(&reply(302, r#"{"a":1}"#), "/error").is_err());
    }

    #[test]
    fn a_token_response_with_a_repeated_key_is_refused() {
        assert!(token_response(&reply(200, r#"{"access_token": "a", "x": 1}"#)).is_ok());
        for body in [
            r#"{"access_token": "a", "access_token": "b"}"#,
            r#"{"access_token": "a", "x": {"y": 1, "y": 1}}"#,
        ] {
            assert!(token_response(&reply(200, body)).is_err(), "{body}");
        }
        let refused = token_response(&reply(400, r#"{"error": "a", "error": "b"}"#)).unwrap_err();
        assert_eq!(refused.upstream_code, None);
    }

    #[test]
    fn endpoints_use_https_or_are_on_this_machine() {
        for good in [
            "https://sap.example.com:8443/sap/bc/sec/oauth2/token",
            "https://sts.example.com",
            "http://127.0.0.1:5000/",
            "http://[::1]:5000/",
            "http://[::1]/",
            "http://localhost",
        ] {
            assert_eq!(checked_endpoint(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "sts.example.com",
            "https://",
            "https:///x",
            "ftp://example.com/",
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com:80/",
            "https://a@example.com/",
            "http://127.0.0.1:80@example.com/",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "https://example.com/a b",
            "https://example.com\\a",
            "https://ex\u{e4}mple.com/",
        ] {
            assert!(checked_endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_endpoint_may_have_a_query_and_no_fragment() {
        for good in ["https://sap.example.com/token?sap-client=100&a=b@c?d", "https://sap.example.com/token?"]
        {
            assert_eq!(checked_token_endpoint(good).as_deref(), Ok(good));
        }
        for bad in [
            "https://sap.example.com/token?a#b",
            "https://sap.example.com/token?a b",
            "https://sap.example.com/token?a\\b",
            "https://sap.example.com/token?ä",
            "http://sap.example.com/token?a",
            "https://a@sap.example.com/token?a",
            "https://?a",
        ] {
            assert!(checked_token_endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_response_is_passed_on_unchanged() {
        let body = r#"{"token_type":"Bearer","expires_in":"600","access_token":"t","more":{"a":1}}"#;
        let granted = token_response(&reply(200, body)).unwrap();
        assert_eq!(Value::Object(granted).to_string(), body);
    }

    #[test]
    fn a_200_without_a_token_or_with_an_error_is_a_fault_of_the_upstream() {
        let bodies = [
            "",
            "[]",
            "null",
            "{",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"token_type":"Bearer"}"#,
            r#"{"access_token":"t","error":"e"}"#,
            r#"{"access_token":"t","error":null}"#,
            "<html></html>",
        ];
        for body in bodies {
            let failure = token_response(&reply(200, body)).unwrap_err();
            assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{body}");
        }
        assert!(token_response(&reply(201, r#"{"access_token":"t"}"#)).is_err());
    }

    #[test]
    fn a_failure_holds_the_upstreams_code_and_never_its_prose() {
        let body = r#"{"error":"invalid_grant","error_description":"user alice hasn't approved"}"#;
        let failure = token_response(&reply(400, body)).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamRefused);
        assert_eq!(failure.upstream_code.as_deref(), Some("invalid_grant"));
        assert!(!failure.message.contains("alice"));
    }

    #[test]
    fn a_code_that_looks_like_prose_is_dropped() {
        for code in ["user alice", "a\nb", "<b>", "ä", "", &"x".repeat(65)] {
            let failure = failure_for_status(403, Some(code));
            assert_eq!((failure.code, failure.upstream_code), (FailureCode::UpstreamRefused, None), "{code}");
        }
        assert!(failure_for_status(403, Some(&"x".repeat(64))).upstream_code.is_some());
    }

    #[test]
    fn a_busy_upstream_is_named_as_busy_with_the_time_to_wait() {
        for status in [429, 503] {
            let waits = [
                (Some("120"), 120),
                (Some(" 0 "), 0),
                (None, 5),
                (Some("soon"), 5),
                (Some("-1"), 5),
                (Some("+1"), 5),
            ];
            for (header, seconds) in waits {
                let mut reply = reply(status, r#"{"error":"invalid_grant"}"#);
                reply.headers.extend(header.map(|wait| ("retry-after".to_owned(), wait.to_owned())));
                let failure = token_response(&reply).unwrap_err();
                assert_eq!(failure.code, FailureCode::UpstreamNonsense);
                assert_eq!(
                    (failure.retryable, failure.retry_after_seconds),
                    (true, Some(seconds)),
                    "{header:?}"
                );
            }
        }
        for status in [400, 403, 500, 502, 504] {
            assert_eq!(token_response(&reply(status, "")).unwrap_err().retry_after_seconds, None, "{status}");
        }
    }

    #[test]
    fn other_statuses_are_faults_of_the_upstream_and_not_refusals() {
        for (status, retryable) in
            [(500, true), (503, true), (429, true), (404, false), (302, false), (400, false)]
        {
            let failure = failure_for_status(status, None);
            assert_eq!(
                (failure.code, failure.retryable),
                (FailureCode::UpstreamNonsense, retryable),
                "{status}"
            );
        }
    }
}
