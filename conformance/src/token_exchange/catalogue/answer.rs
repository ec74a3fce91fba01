//! The answer to an exchange that succeeds.

use serde_json::Value;
use url::Url;

use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::Granted;
use crate::token_exchange::case::Strength::{May, Must, Should};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;
use crate::token_exchange::jwt;
use crate::token_exchange::need::Need;

/// How far a stated lifetime may be from that of the token, in seconds: the answer takes time.
const LIFETIME_TOLERANCE_SECONDS: i64 = 10;

/// By how much a token may outlive the subject token without a warning, in seconds.
const SIGNIFICANT_SECONDS: i64 = 60;

/// Types of tokens that are no access tokens (RFC 8693 section 3).
const OTHER_TYPES: [&str; 4] = [
    "urn:ietf:params:oauth:token-type:id_token",
    "urn:ietf:params:oauth:token-type:refresh_token",
    "urn:ietf:params:oauth:token-type:saml1",
    "urn:ietf:params:oauth:token-type:saml2",
];

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.answer.media-type",
        title: "The media type is application/json.",
        requirement: "RFC 8693 §2.2.1, RFC 6749 §5.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let media_type = answer.media_type();
            Finding::of(media_type == "application/json", "Content-Type", "application/json", media_type)
        }),
    },
    Case {
        id: "tx.answer.no-store",
        title: "Cache-Control contains no-store.",
        requirement: "RFC 6749 §5.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let elements = answer.header_elements("cache-control");
            Finding::of(is_not_stored(answer), "Cache-Control", "no-store", elements.join(", "))
        }),
    },
    Case {
        id: "tx.answer.pragma",
        title: "Pragma contains no-cache.",
        requirement: "RFC 6749 §5.1",
        strength: Must,
        otherwise: "Cache-Control: no-store is enough, since Pragma is deprecated (RFC 9111 §5.4)",
        needs: &[],
        check: Granted(|answer, _| {
            let elements = answer.header_elements("pragma");
            if !elements.iter().any(|element| element == "no-cache") && is_not_stored(answer) {
                return Finding::Otherwise("Pragma does not contain no-cache".to_owned());
            }
            Finding::of(
                elements.iter().any(|element| element == "no-cache"),
                "Pragma",
                "no-cache",
                elements.join(", "),
            )
        }),
    },
    Case {
        id: "tx.answer.access-token",
        title: "access_token is a text that is not empty.",
        requirement: "RFC 8693 §2.2.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_text = answer.text("access_token").is_some_and(|token| !token.is_empty());
            Finding::of(is_text, "access_token", "a text that is not empty", "something else")
        }),
    },
    Case {
        id: "tx.answer.issued-token-type",
        title: "issued_token_type is present.",
        requirement: "RFC 8693 §2.2.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_text = answer.text("issued_token_type").is_some();
            Finding::of(is_text, "issued_token_type", "a text", answer.shown("issued_token_type"))
        }),
    },
    Case {
        id: "tx.answer.issued-token-type-is-a-uri",
        title: "issued_token_type, if present, is a URI.",
        requirement: "RFC 8693 §2.2.1, §3",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_uri = answer.text("issued_token_type").is_none_or(|name| Url::parse(name).is_ok());
            Finding::of(is_uri, "issued_token_type", "a URI", answer.shown("issued_token_type"))
        }),
    },
    Case {
        id: "tx.answer.token-type",
        title: "token_type is present and a name or a URI.",
        requirement: "RFC 8693 §2.2.1, RFC 6749 §5.1, Appendix A.13",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_type = answer.text("token_type").is_some_and(is_token_type);
            Finding::of(is_type, "token_type", "a name or a URI", answer.shown("token_type"))
        }),
    },
    Case {
        id: "tx.answer.token-type-not-applicable",
        title: "token_type is N_A if, and only if, the issued token is not usable as an access token.",
        requirement: "RFC 8693 §2.2.1",
        strength: Must,
        otherwise: "a token of another type may be usable as an access token (RFC 8693 §2.2.1)",
        needs: &[],
        check: Granted(|answer, _| {
            let is_other = answer.text("issued_token_type").is_some_and(|name| OTHER_TYPES.contains(&name));
            let is_access_token =
                answer.text("issued_token_type").is_some_and(|name| name.ends_with(":access_token"));
            let token_type = answer.text("token_type").unwrap_or_default();
            match (token_type.eq_ignore_ascii_case("N_A"), is_access_token, is_other) {
                (true, true, _) => Finding::differs("token_type", "that of an access token", token_type),
                (false, _, true) => {
                    Finding::Otherwise(format!("token_type is {}", answer.shown("token_type")))
                }
                _ => Finding::AsRequired,
            }
        }),
    },
    Case {
        id: "tx.answer.expires-in",
        title: "expires_in is present.",
        requirement: "RFC 8693 §2.2.1",
        strength: Should,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            Finding::of(answer.member("expires_in").is_some(), "expires_in", "a number of seconds", "absent")
        }),
    },
    Case {
        id: "tx.answer.expires-in-is-a-number",
        title: "expires_in, if present, is a whole number of seconds, not a text.",
        requirement: "RFC 6749 §5.1, Appendix A.14",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_number = answer.member("expires_in").is_none_or(Value::is_u64);
            Finding::of(is_number, "expires_in", "a whole number", answer.shown("expires_in"))
        }),
    },
    Case {
        id: "tx.answer.expires-in-is-true",
        title: "expires_in, if present, is the lifetime that the issued JWT has.",
        requirement: "RFC 8693 §2.2.1",
        strength: Must,
        otherwise: "",
        needs: &[Need::JwtAnswer],
        check: Granted(|answer, _| {
            let stated = answer.member("expires_in").and_then(Value::as_i64);
            let (Some(stated), Some(expiry)) = (stated, expiry_of_issued(answer)) else {
                return Finding::NotShown("needs expires_in, and a claim exp in the issued token".to_owned());
            };
            // By the clock of the server, which may differ from that of the suite, where the token states it.
            let issued_at = answer.claims().and_then(|claims| claims.get("iat")?.as_i64());
            let actual = expiry - issued_at.unwrap_or(answer.unix_seconds);
            let is_true = (stated - actual).abs() <= LIFETIME_TOLERANCE_SECONDS;
            Finding::of(
                is_true,
                "expires_in",
                &format!("about {actual}, by the claims of the token"),
                stated.to_string(),
            )
        }),
    },
    Case {
        id: "tx.answer.lifetime",
        title: "The issued token does not significantly outlive the subject token.",
        requirement: "RFC 7521 §4.1, for assertions",
        strength: Should,
        otherwise: "",
        needs: &[Need::JwtSubjectToken],
        check: Granted(|answer, inputs| {
            let stated = answer.member("expires_in").and_then(Value::as_i64);
            let by_statement = stated.map(|seconds| answer.unix_seconds + seconds);
            let subject = jwt::claims(inputs.subject.text()).and_then(|claims| claims.get("exp")?.as_i64());
            let (Some(expiry), Some(subject)) = (expiry_of_issued(answer).or(by_statement), subject) else {
                return Finding::NotShown(
                    "needs the expiry of the subject token and of the issued one".to_owned(),
                );
            };
            let by = expiry - subject;
            Finding::of(
                by <= SIGNIFICANT_SECONDS,
                "expiry",
                "not significantly later than that of the subject token",
                format!("{by} s later"),
            )
        }),
    },
    Case {
        id: "tx.answer.scope-is-a-list",
        title: "scope, if present, is a text of words separated by single blanks.",
        requirement: "RFC 6749 §3.3",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_list = match answer.member("scope") {
                None => true,
                Some(Value::String(scope)) => scope.split(' ').all(is_scope_token),
                Some(_) => false,
            };
            Finding::of(is_list, "scope", "words separated by single blanks", answer.shown("scope"))
        }),
    },
    Case {
        id: "tx.answer.no-repeated-member",
        title: "No member of the body is there twice.",
        requirement: "RFC 6749 §3.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| match answer.repeated_member() {
            None => Finding::AsRequired,
            Some(name) => Finding::differs("body", "each member once", format!("{name} twice")),
        }),
    },
    Case {
        id: "tx.answer.no-refresh-token",
        title: "There is no refresh_token beside the issued token.",
        requirement: "RFC 8693 §2.2.1",
        strength: May,
        otherwise: "",
        needs: &[],
        check: Granted(|answer, _| {
            let is_absent = answer.member("refresh_token").is_none();
            Finding::of(is_absent, "refresh_token", "absent", "present")
        }),
    },
    Case {
        id: "tx.answer.subject",
        title: "The issued token has the subject of the subject token.",
        requirement: "RFC 8693 §2.1",
        strength: May,
        otherwise: "",
        needs: &[Need::JwtSubjectToken, Need::JwtAnswer],
        check: Granted(same_subject),
    },
];

fn is_not_stored(answer: &Answer) -> bool {
    answer.header_elements("cache-control").iter().any(|element| element == "no-store")
}

fn expiry_of_issued(answer: &Answer) -> Option<i64> {
    answer.claims()?.get("exp")?.as_i64()
}

/// A `type-name` of RFC 6749 Appendix A.13, or a URI.
fn is_token_type(text: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !text.is_empty() && (text.chars().all(is_name) || Url::parse(text).is_ok())
}

/// A `scope-token` of RFC 6749 section 3.3.
fn is_scope_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
}

fn same_subject(answer: &Answer, inputs: &Inputs<'_>) -> Finding {
    let subject = |claims: Option<serde_json::Map<String, Value>>| {
        claims.and_then(|claims| Some(claims.get("sub")?.as_str()?.to_owned()))
    };
    let (presented, issued) = (subject(jwt::claims(inputs.subject.text())), subject(answer.claims()));
    match (presented, issued) {
        (Some(presented), Some(issued)) => {
            Finding::of(presented == issued, "claim sub", "that of the subject token", "another one")
        }
        _ => Finding::NotShown("needs a claim sub in the subject token and in the issued one".to_owned()),
    }
}
