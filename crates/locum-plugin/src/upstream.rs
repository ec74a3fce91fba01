//! Upstream calls as issuers make them: form posts out, OAuth 2.0 token objects and error codes back.
//!
//! Nothing of an upstream's prose leaves here, because the client reads what a refusal says: an error *code* goes
//! through if it looks like one.
//!
//! An issuer that needs an upstream answers with a call as long as there is no reply, and with the credential once
//! there is one. It keeps nothing in between: both times it is given the same grant.
//!
//! ```
//! use locum_plugin::prelude::*;
//! use locum_plugin::upstream::{granted_token, post_form};
//!
//! fn issue(grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
//!     match replies {
//!         [] => {
//!             let fields = [("grant_type", "client_credentials"), ("user", grant.user_id.as_str())];
//!             Ok(IssueAnswer::Call { request: post_form("https://upstream.example.com/token", &fields) })
//!         }
//!         [reply, ..] => Ok(grant.object(granted_token(reply)?, None)),
//!     }
//! }
//! # let _ = issue;
//! ```
//!
//! The host makes the request, and only to an origin that [`ApiType::calls`](crate::ApiType::calls) declares; it
//! answers the client itself when the upstream cannot be reached.

use locum_abi::answer::{Failure, FailureCode};
use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use serde_json::{Map, Value};

use crate::percent::query_of;
use crate::strict_json;

/// Longest error code that is passed on.
const CODE_BYTES_MAX: usize = 64;

/// A POST of an `application/x-www-form-urlencoded` body, to which a caller may add headers.
pub fn post_form(url: impl Into<String>, fields: &[(&str, &str)]) -> UpstreamRequest {
    UpstreamRequest {
        method: "POST".to_owned(),
        url: url.into(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: query_of(fields),
    }
}

/// The URL of an upstream that an operator wrote into a setting: `https`, or `http` to this machine, because what goes
/// there is as good as a password. No user info, query or fragment.
///
/// # Errors
/// What is wrong with it, for [`Failure::setting`].
pub fn endpoint(url: &str) -> Result<String, &'static str> {
    let (scheme, rest) = url.split_once("://").ok_or("it is not a URL that starts with https://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.is_empty() || !url.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\".contains(&byte)) {
        return Err("it must be a URL with a host and without blanks, user info, query and fragment");
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

/// The JSON object in a reply. `None` if the body is anything else, or if it holds a key twice in one object: another reader
/// could take the other value.
pub fn json_object(reply: &UpstreamReply) -> Option<Map<String, Value>> {
    strict_json::object(&reply.body)
}

/// What a token endpoint granted (RFC 6749 section 5.1): its object as it came, which holds an `access_token` and
/// no `error`.
///
/// # Errors
/// [`refusal`] with the endpoint's `error`, or [`Failure::upstream_nonsense`].
pub fn granted_token(reply: &UpstreamReply) -> Result<Map<String, Value>, Failure> {
    let object = json_object(reply).unwrap_or_default();
    let error = object.get("error");
    if reply.status != 200 {
        return Err(refusal(reply.status, error.and_then(Value::as_str)));
    }
    let token = object.get("access_token").and_then(Value::as_str);
    match token {
        Some(token) if !token.is_empty() && error.is_none() => Ok(object),
        _ => Err(Failure::upstream_nonsense("the token endpoint answered 200 without a token object")),
    }
}

/// The failure that an upstream's answer other than success is.
///
/// With 400, 401 and 403 the upstream said no, and `code` is passed on if it consists of at most 64 letters, digits and `._-`.
/// All other answers say nothing about the request, so they count as no answer; the same call may succeed later
/// after 429 and 5xx.
pub fn refusal(status: u16, code: Option<&str>) -> Failure {
    let code = code.filter(|code| is_code(code));
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

fn is_code(text: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> UpstreamReply {
        UpstreamReply { status, headers: Vec::new(), body: body.to_owned() }
    }

    #[test]
    fn a_form_is_posted_in_the_order_given() {
        let request = post_form("https://example.com/token", &[("b", "x y"), ("a", "1&2")]);
        assert_eq!((request.method.as_str(), request.body.as_str()), ("POST", "b=x%20y&a=1%262"));
    }

    #[test]
    fn a_token_given_twice_is_not_granted() {
        assert!(granted_token(&reply(200, r#"{"access_token": "a", "x": 1}"#)).is_ok());
        for body in [
            r#"{"access_token": "a", "access_token": "b"}"#,
            r#"{"access_token": "a", "x": {"y": 1, "y": 1}}"#,
        ] {
            assert!(granted_token(&reply(200, body)).is_err(), "{body}");
        }
        let refused = granted_token(&reply(400, r#"{"error": "a", "error": "b"}"#)).unwrap_err();
        assert_eq!(refused.upstream_code, None);
    }

    #[test]
    fn endpoints_are_encrypted_or_on_this_machine() {
        for good in [
            "https://sap.example.com:8443/sap/bc/sec/oauth2/token",
            "https://sts.example.com",
            "http://127.0.0.1:5000/",
            "http://[::1]:5000/",
            "http://[::1]/",
            "http://localhost",
        ] {
            assert_eq!(endpoint(good).as_deref(), Ok(good));
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
            assert!(endpoint(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_granted_token_comes_through_as_it_is() {
        let body = r#"{"token_type":"Bearer","expires_in":"600","access_token":"t","more":{"a":1}}"#;
        let granted = granted_token(&reply(200, body)).unwrap();
        assert_eq!(Value::Object(granted).to_string(), body);
    }

    #[test]
    fn success_without_a_token_or_with_an_error_is_nonsense() {
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
            let failure = granted_token(&reply(200, body)).unwrap_err();
            assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{body}");
        }
        assert!(granted_token(&reply(201, r#"{"access_token":"t"}"#)).is_err());
    }

    #[test]
    fn a_refusal_says_the_code_and_never_the_prose() {
        let body = r#"{"error":"invalid_grant","error_description":"user alice hasn't approved"}"#;
        let failure = granted_token(&reply(400, body)).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamRefused);
        assert_eq!(failure.upstream_code.as_deref(), Some("invalid_grant"));
        assert!(!failure.message.contains("alice"));
    }

    #[test]
    fn a_code_that_looks_like_prose_is_left_out() {
        for code in ["user alice", "a\nb", "<b>", "ä", "", &"x".repeat(65)] {
            let failure = refusal(403, Some(code));
            assert_eq!((failure.code, failure.upstream_code), (FailureCode::UpstreamRefused, None), "{code}");
        }
        assert!(refusal(403, Some(&"x".repeat(64))).upstream_code.is_some());
    }

    #[test]
    fn trouble_of_the_upstreams_own_is_no_refusal() {
        for (status, retryable) in
            [(500, true), (503, true), (429, true), (404, false), (302, false), (400, false)]
        {
            let failure = refusal(status, None);
            assert_eq!(
                (failure.code, failure.retryable),
                (FailureCode::UpstreamNonsense, retryable),
                "{status}"
            );
        }
    }
}
