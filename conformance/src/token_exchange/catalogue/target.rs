//! The service for which a token is requested: `audience` and `resource`.

use serde_json::Value;

use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::{Changed, Granted, Refused};
use crate::token_exchange::case::Strength::{May, Must, Should};
use crate::token_exchange::catalogue::{given, is_granted};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;
use crate::token_exchange::need::Need;
use crate::token_exchange::refusal::Refusal;
use crate::token_exchange::request::TokenRequest;

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.target.unknown-audience",
        title: "An audience for which the server issues no token is refused as invalid_target.",
        requirement: "RFC 8693 §2.2.2",
        strength: Should,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, inputs| request.without("resource").with("audience", &inputs.settings.unknown_audience),
            Refusal::of(&["invalid_target"]),
        ),
    },
    Case {
        id: "tx.target.audience-twice",
        title: "Several audiences are not a repeated parameter: they get a token, or are refused as invalid_target.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Should,
        otherwise: "",
        needs: &[Need::Audience],
        check: Changed(
            |request, _| request.repeating("audience"),
            |answer, _| {
                let is_refused =
                    answer.response.status == 400 && answer.text("error") == Some("invalid_target");
                let fits = is_refused || answer.is_granted();
                Finding::of(fits, "answer", "200 with access_token, or 400 invalid_target", answer.summary())
            },
        ),
    },
    Case {
        id: "tx.target.audience-of-the-token",
        title: "The claim aud of the issued token contains the requested audience.",
        requirement: "RFC 8693 §2.1",
        strength: May,
        otherwise: "",
        needs: &[Need::Audience, Need::JwtAnswer],
        check: Granted(|answer, inputs| {
            let requested = given(&inputs.settings.audience);
            let audience = answer.claims().and_then(|mut claims| claims.remove("aud")).unwrap_or_default();
            let contains = match &audience {
                Value::Array(several) => several.iter().any(|one| one == requested),
                one => one == requested,
            };
            Finding::of(contains, "claim aud", requested, audience.to_string())
        }),
    },
    Case {
        id: "tx.target.resource",
        title: "A resource of the settings gets a token.",
        requirement: "RFC 8693 §2.1",
        strength: Must,
        otherwise: "",
        needs: &[Need::Resource],
        check: Changed(
            |request, inputs| with_resource(request, given(&inputs.settings.resource)),
            is_granted,
        ),
    },
    Case {
        id: "tx.target.unknown-resource",
        title: "A resource for which the server issues no token is refused as invalid_target.",
        requirement: "RFC 8693 §2.2.2, RFC 8707 §2",
        strength: Should,
        otherwise: "",
        needs: &[Need::Resource],
        check: Refused(
            |request, inputs| with_resource(request, &inputs.settings.unknown_resource),
            Refusal::of(&["invalid_target"]),
        ),
    },
    Case {
        id: "tx.target.relative-resource",
        title: "A resource that is not an absolute URI is refused.",
        requirement: "RFC 8693 §2.1, RFC 8707 §2",
        strength: Must,
        otherwise: "",
        needs: &[Need::Resource],
        check: Refused(
            |request, _| with_resource(request, "/relative"),
            Refusal::of(&["invalid_target", "invalid_request"]),
        ),
    },
    Case {
        id: "tx.target.resource-with-fragment",
        title: "A resource with a fragment is refused.",
        requirement: "RFC 8693 §2.1, RFC 8707 §2",
        strength: Must,
        otherwise: "",
        needs: &[Need::Resource],
        check: Refused(
            |request: TokenRequest, inputs: &Inputs<'_>| {
                with_resource(request, &format!("{}#fragment", given(&inputs.settings.resource)))
            },
            Refusal::of(&["invalid_target", "invalid_request"]),
        ),
    },
];

fn with_resource(request: TokenRequest, resource: &str) -> TokenRequest {
    request.without("audience").with("resource", resource)
}
