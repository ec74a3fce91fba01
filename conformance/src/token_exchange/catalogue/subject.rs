//! Subject tokens that are not valid.

use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::{Refused, Repeated};
use crate::token_exchange::case::Strength::Must;
use crate::token_exchange::finding::Finding;
use crate::token_exchange::jwt;
use crate::token_exchange::need::Need;
use crate::token_exchange::refusal::Refusal;

/// How an invalid token is refused.
pub(super) const INVALID_TOKEN: Refusal = Refusal::of(&["invalid_request"]).or(&["invalid_grant"]);

/// Where another error code than `invalid_request` is allowed for an invalid token.
pub(super) const OTHER_CODE: &str = "other error codes may be used (RFC 8693 §2.2.2), and this one is that of an invalid grant (RFC 6749 §5.2)";

const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const SAML1: &str = "urn:ietf:params:oauth:token-type:saml1";
const SAML2: &str = "urn:ietf:params:oauth:token-type:saml2";

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.subject.malformed",
        title: "A subject token that is not a token is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[],
        check: Refused(|request, _| request.with("subject_token", "malformed"), INVALID_TOKEN),
    },
    Case {
        id: "tx.subject.wrong-signature",
        title: "A subject token with another signature is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[Need::JwtSubjectToken],
        check: Refused(
            |request, inputs| {
                let changed = jwt::with_another_signature(inputs.subject.text());
                request.with("subject_token", &changed.unwrap_or_default())
            },
            INVALID_TOKEN,
        ),
    },
    Case {
        id: "tx.subject.changed-claims",
        title: "A subject token whose sub was changed after it was signed is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[Need::JwtSubjectToken],
        check: Refused(
            |request, inputs| {
                let changed = jwt::for_another_subject(inputs.subject.text());
                request.with("subject_token", &changed.unwrap_or_default())
            },
            INVALID_TOKEN,
        ),
    },
    Case {
        id: "tx.subject.unsigned",
        title: "A subject token whose signature was removed, with alg none, is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2, RFC 8725 §3.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[Need::JwtSubjectToken],
        check: Refused(
            |request, inputs| {
                request.with("subject_token", &jwt::unsigned(inputs.subject.text()).unwrap_or_default())
            },
            INVALID_TOKEN,
        ),
    },
    Case {
        id: "tx.subject.expired",
        title: "An expired subject token is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[Need::ExpiredSubjectToken],
        check: Refused(
            |request, inputs| {
                let expired = inputs.token(Need::ExpiredSubjectToken);
                request.with("subject_token", expired.text()).with("subject_token_type", &expired.token_type)
            },
            INVALID_TOKEN,
        ),
    },
    Case {
        id: "tx.subject.unknown-type",
        title: "An unknown subject_token_type is refused.",
        requirement: "RFC 8693 §2.2.2, RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 8693 §2.2.2, other error codes may be used",
        needs: &[],
        check: Refused(
            |request, _| request.with("subject_token_type", "urn:example:unknown-token-type"),
            Refusal::of(&["invalid_request"]).or(&["invalid_grant", "unsupported_token_type"]),
        ),
    },
    Case {
        id: "tx.subject.other-type",
        title: "A subject token that is not of the stated type is refused, such as a JWT that is said to be SAML.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: "RFC 8693 §2.2.2, other error codes may be used",
        needs: &[],
        check: Refused(
            |request, inputs| {
                let is_saml = [SAML1, SAML2].contains(&inputs.subject.token_type.as_str());
                request.with("subject_token_type", if is_saml { JWT } else { SAML2 })
            },
            Refusal::of(&["invalid_request"]).or(&["invalid_grant", "unsupported_token_type"]),
        ),
    },
    Case {
        id: "tx.subject.twice",
        title: "A subject token that was exchanged stays valid, and can be exchanged again.",
        requirement: "RFC 8693 §2.1",
        strength: Must,
        otherwise: "the token may be for one use (RFC 8693 §2.1)",
        needs: &[],
        check: Repeated(|answer, _| match answer.granted() {
            Ok(()) => Finding::AsRequired,
            Err(_) => Finding::Otherwise(format!("the second exchange is answered {}", answer.summary())),
        }),
    },
];
