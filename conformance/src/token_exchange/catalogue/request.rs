//! The parameters of a request.

use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::{Changed, Granted, Refused};
use crate::token_exchange::case::Strength::Must;
use crate::token_exchange::catalogue::{given, is_granted};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::jwt;
use crate::token_exchange::need::Need;
use crate::token_exchange::refusal::Refusal;

/// The case on which all others build.
pub(crate) const EXCHANGE: &str = "tx.exchange";

/// Parameters that the request of the settings may lack.
const OPTIONAL: [&str; 6] =
    ["audience", "resource", "scope", "requested_token_type", "actor_token", "actor_token_type"];

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(super) const CASES: &[Case] = &[
    Case {
        id: EXCHANGE,
        title: "The exchange that the settings describe succeeds. No other case runs without it.",
        requirement: "RFC 8693 §2.2.1",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Granted(is_granted),
    },
    Case {
        id: "tx.request.unknown-parameter",
        title: "An unknown parameter is ignored.",
        requirement: "RFC 6749 §3.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(|request, _| request.with("locum_conformance", "unknown"), is_granted),
    },
    Case {
        id: "tx.request.empty-parameters",
        title: "Optional parameters without a value count as omitted.",
        requirement: "RFC 6749 §3.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(
            |request, _| OPTIONAL.iter().fold(request, |request, name| request.with_default(name, "")),
            is_granted,
        ),
    },
    Case {
        id: "tx.request.empty-subject-token",
        title: "A subject_token without a value counts as omitted, so the request is refused.",
        requirement: "RFC 6749 §3.2, RFC 8693 §2.2.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(|request, _| request.with("subject_token", ""), Refusal::of(&["invalid_request"])),
    },
    Case {
        id: "tx.request.no-grant-type",
        title: "A request without grant_type is refused.",
        requirement: "RFC 8693 §2.1, RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if a missing grant type counts as an unsupported one",
        needs: &[],
        check: Refused(
            |request, _| request.without("grant_type"),
            Refusal::of(&["invalid_request"]).or(&["unsupported_grant_type"]),
        ),
    },
    Case {
        id: "tx.request.unsupported-grant-type",
        title: "An unknown grant type is refused.",
        requirement: "RFC 6749 §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, _| request.with("grant_type", "urn:example:unknown-grant-type"),
            Refusal::of(&["unsupported_grant_type"]),
        ),
    },
    Case {
        id: "tx.request.no-subject-token",
        title: "A request without subject_token is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(|request, _| request.without("subject_token"), Refusal::of(&["invalid_request"])),
    },
    Case {
        id: "tx.request.no-subject-token-type",
        title: "A request without subject_token_type is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(|request, _| request.without("subject_token_type"), Refusal::of(&["invalid_request"])),
    },
    Case {
        id: "tx.request.repeated-grant-type",
        title: "A request with grant_type twice is refused.",
        requirement: "RFC 6749 §3.2, §5.2",
        strength: Must,
        otherwise: "RFC 6749 §5.2, if the two count as an unsupported one",
        needs: &[],
        check: Refused(
            |request, _| request.repeating("grant_type"),
            Refusal::of(&["invalid_request"]).or(&["unsupported_grant_type"]),
        ),
    },
    Case {
        id: "tx.request.repeated-subject-token",
        title: "A request with subject_token twice is refused.",
        requirement: "RFC 6749 §3.2, §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(|request, _| request.repeating("subject_token"), Refusal::of(&["invalid_request"])),
    },
    Case {
        id: "tx.request.repeated-subject-token-type",
        title: "A request with subject_token_type twice is refused.",
        requirement: "RFC 6749 §3.2, §5.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, _| request.repeating("subject_token_type"),
            Refusal::of(&["invalid_request"]),
        ),
    },
    Case {
        id: "tx.request.sparse-escapes",
        title: "Characters that delimit nothing in a form, such as the colons of a URI, need no escape.",
        requirement: "RFC 8693 §2.1, RFC 6749 Appendix B",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Changed(|request, _| request.sparsely_escaped(), is_granted),
    },
    Case {
        id: "tx.request.requested-token-type",
        title: "The issued token has the requested type.",
        requirement: "RFC 8693 §2.1, §2.2.1",
        strength: Must,
        otherwise: "an access token that is a JWT may be named by either type (RFC 8693 §3)",
        needs: &[Need::RequestedTokenType],
        check: Changed(
            |request, inputs| {
                request.with("requested_token_type", given(&inputs.settings.requested_token_type))
            },
            |answer, inputs| {
                if let Err(difference) = answer.granted() {
                    return Finding::Differs(difference);
                }
                let requested = given(&inputs.settings.requested_token_type);
                let issued = answer.text("issued_token_type").unwrap_or_default();
                let is_jwt = answer.text("access_token").and_then(jwt::claims).is_some();
                let are_both = [requested, issued].iter().all(|name| [ACCESS_TOKEN, JWT].contains(name));
                if requested != issued && is_jwt && are_both {
                    return Finding::Otherwise(format!("issued_token_type is {issued}"));
                }
                Finding::of(
                    requested == issued,
                    "issued_token_type",
                    requested,
                    answer.shown("issued_token_type"),
                )
            },
        ),
    },
    Case {
        id: "tx.request.unsupported-requested-token-type",
        title: "A requested_token_type that the server cannot issue is refused.",
        requirement: "RFC 8693 §2.2.2, RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 8693 §2.2.2, other error codes may be used",
        needs: &[],
        check: Refused(
            |request, _| request.with("requested_token_type", "urn:example:unknown-token-type"),
            Refusal::of(&["invalid_request"]).or(&["invalid_target", "unsupported_token_type"]),
        ),
    },
];
