//! The form of an error response, which a request without a subject token gets.

use serde_json::Value;

use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::Changed;
use crate::token_exchange::case::Strength::{Must, Should};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;
use crate::token_exchange::request::TokenRequest;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.refusal.status",
        title: "The status is 400.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            let status = answer.response.status;
            Finding::of(status == 400, "status", "400", status.to_string())
        }),
    },
    Case {
        id: "tx.refusal.media-type",
        title: "The media type is application/json.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            let media_type = answer.media_type();
            Finding::of(media_type == "application/json", "Content-Type", "application/json", media_type)
        }),
    },
    Case {
        id: "tx.refusal.no-store",
        title: "Cache-Control contains no-store, as in the example of that paragraph.",
        requirement: "RFC 6749 §5.2",
        strength: Should,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            let elements = answer.header_elements("cache-control");
            let is_there = elements.iter().any(|element| element == "no-store");
            Finding::of(is_there, "Cache-Control", "no-store", elements.join(", "))
        }),
    },
    Case {
        id: "tx.refusal.error",
        title: "error is present, and consists of printable ASCII without quotation marks and backslashes.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            let is_allowed =
                answer.text("error").is_some_and(|error| !error.is_empty() && is_description(error));
            Finding::of(is_allowed, "error", "allowed characters", answer.shown("error"))
        }),
    },
    Case {
        id: "tx.refusal.error-description",
        title: "error_description, if present, is a text of the same characters.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            let is_allowed = is_absent_or(answer, "error_description", is_description);
            Finding::of(
                is_allowed,
                "error_description",
                "allowed characters",
                answer.shown("error_description"),
            )
        }),
    },
    Case {
        id: "tx.refusal.error-uri",
        title: "error_uri, if present, is a text of the characters of a URI.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            let is_allowed =
                is_absent_or(answer, "error_uri", |uri| is_description(uri) && !uri.contains(' '));
            Finding::of(is_allowed, "error_uri", "the characters of a URI", answer.shown("error_uri"))
        }),
    },
    Case {
        id: "tx.refusal.no-token",
        title: "There is no access_token.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(without_subject_token, |answer, _| {
            Finding::of(answer.member("access_token").is_none(), "access_token", "absent", "present")
        }),
    },
    Case {
        id: "tx.refusal.no-echo",
        title: "A refused subject token is not repeated.",
        requirement: "RFC 6749 §10.3",
        strength: Should,
        otherwise: "",
        needs: &[],
        check: Changed(
            |request, inputs| request.with("subject_token", &tampered(inputs)),
            |answer, inputs| {
                let is_repeated = answer.response.body.contains(inputs.subject.text());
                Finding::of(!is_repeated, "body", "no subject token", "the subject token")
            },
        ),
    },
];

fn without_subject_token(request: TokenRequest, _: &Inputs<'_>) -> TokenRequest {
    request.without("subject_token")
}

/// A token that no server knows, and that contains the one that it knows.
fn tampered(inputs: &Inputs<'_>) -> String {
    format!("{}tampered", inputs.subject.text())
}

fn is_absent_or(answer: &Answer, name: &str, is_allowed: impl Fn(&str) -> bool) -> bool {
    match answer.member(name) {
        None => true,
        Some(Value::String(text)) => is_allowed(text),
        Some(_) => false,
    }
}

/// The characters of `error` and `error_description`.
fn is_description(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))
}
