//! Actor tokens, and the claims `act` and `may_act`.

use serde_json::Value;

use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::Case;
use crate::token_exchange::case::Check::{Changed, Refused};
use crate::token_exchange::case::Strength::{May, Must, Should};
use crate::token_exchange::catalogue::subject::{INVALID_TOKEN, OTHER_CODE};
use crate::token_exchange::catalogue::{is_granted, is_refused};
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;
use crate::token_exchange::jwt;
use crate::token_exchange::need::Need;
use crate::token_exchange::refusal::Refusal;
use crate::token_exchange::request::TokenRequest;

/// Claims about a token, which mean nothing about an actor (RFC 8693 section 4.1).
const CLAIMS_OF_TOKENS: [&str; 4] = ["aud", "exp", "nbf", "iat"];

pub(super) const CASES: &[Case] = &[
    Case {
        id: "tx.actor.no-type",
        title: "An actor_token without actor_token_type is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, inputs| request.with("actor_token", inputs.token(Need::ActorToken).text()),
            Refusal::of(&["invalid_request"]),
        ),
    },
    Case {
        id: "tx.actor.no-token",
        title: "An actor_token_type without actor_token is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: "",
        needs: &[],
        check: Refused(
            |request, inputs| request.with("actor_token_type", &inputs.subject.token_type),
            Refusal::of(&["invalid_request"]),
        ),
    },
    Case {
        id: "tx.actor.malformed",
        title: "An actor token that is not a token is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[],
        check: Refused(
            |request, inputs| {
                request.with("actor_token", "malformed").with("actor_token_type", &inputs.subject.token_type)
            },
            INVALID_TOKEN,
        ),
    },
    Case {
        id: "tx.actor.wrong-signature",
        title: "An actor token with another signature is refused.",
        requirement: "RFC 8693 §2.1, §2.2.2",
        strength: Must,
        otherwise: OTHER_CODE,
        needs: &[Need::ActorToken, Need::JwtActorToken],
        check: Refused(
            |request, inputs| {
                let changed = jwt::with_another_signature(inputs.token(Need::ActorToken).text());
                with_actor(request, inputs).with("actor_token", &changed.unwrap_or_default())
            },
            INVALID_TOKEN,
        ),
    },
    Case {
        id: "tx.actor.unknown-type",
        title: "An unknown actor_token_type is refused.",
        requirement: "RFC 8693 §2.2.2, RFC 6749 §5.2",
        strength: Must,
        otherwise: "RFC 8693 §2.2.2, other error codes may be used",
        needs: &[Need::ActorToken],
        check: Refused(
            |request, inputs| {
                with_actor(request, inputs).with("actor_token_type", "urn:example:unknown-token-type")
            },
            Refusal::of(&["invalid_request"]).or(&["invalid_grant", "unsupported_token_type"]),
        ),
    },
    Case {
        id: "tx.actor.accepted",
        title: "The exchange with the actor token succeeds.",
        requirement: "RFC 8693 §2.1, §2.2.1",
        strength: Must,
        otherwise: "",
        needs: &[Need::ActorToken],
        check: Changed(with_actor, is_granted),
    },
    Case {
        id: "tx.actor.act",
        title: "The claim act of the issued token names the actor.",
        requirement: "RFC 8693 §4.1",
        strength: Must,
        otherwise: "the actor may impersonate the subject, and then there is no act (RFC 8693 §1.1)",
        needs: &[Need::ActorToken, Need::JwtActorToken, Need::JwtAnswer],
        check: Changed(with_actor, |answer, inputs| match act(answer) {
            None => Finding::Otherwise("the issued token has no act".to_owned()),
            Some(act) => names_actor(&act, inputs),
        }),
    },
    Case {
        id: "tx.actor.act-identifies-only",
        title: "The claim act, if present, holds only claims that identify, not aud, exp, nbf or iat.",
        requirement: "RFC 8693 §4.1",
        strength: Should,
        otherwise: "",
        needs: &[Need::ActorToken, Need::JwtAnswer],
        check: Changed(with_actor, |answer, _| {
            let act = act(answer).unwrap_or_default();
            let found = CLAIMS_OF_TOKENS.into_iter().filter(|name| act.get(name).is_some());
            let found = found.collect::<Vec<_>>().join(", ");
            Finding::of(found.is_empty(), "members of act", "none about a token", found)
        }),
    },
    Case {
        id: "tx.actor.chain",
        title: "A new actor is outermost in act, and the previous one is nested in it.",
        requirement: "RFC 8693 §4.1",
        strength: Must,
        otherwise: "previous actors may be left out, since they are informational (RFC 8693 §4.1)",
        needs: &[Need::SubjectTokenWithAct, Need::ActorToken, Need::JwtActorToken, Need::JwtAnswer],
        check: Changed(
            |request, inputs| with_subject(with_actor(request, inputs), inputs, Need::SubjectTokenWithAct),
            |answer, inputs| {
                let before = jwt::claims(inputs.token(Need::SubjectTokenWithAct).text());
                let before = before.and_then(|mut claims| claims.remove("act"));
                let Some(before) = before else {
                    return Finding::NotShown("needs a claim act in `subject_token_with_act`".to_owned());
                };
                let Some(act) = act(answer) else {
                    return Finding::Otherwise("the issued token has no act".to_owned());
                };
                match (names_actor(&act, inputs), act.get("act")) {
                    (Finding::AsRequired, None) => {
                        Finding::Otherwise("act does not hold the previous actor".to_owned())
                    }
                    (Finding::AsRequired, Some(nested)) => {
                        let expected = format!("act of the subject token: {before}");
                        Finding::of(*nested == before, "act in act", &expected, nested.to_string())
                    }
                    (other, _) => other,
                }
            },
        ),
    },
    Case {
        id: "tx.actor.may-act",
        title: "An actor whom the claim may_act of the subject token does not name is refused.",
        requirement: "RFC 8693 §4.4",
        strength: May,
        otherwise: "",
        needs: &[Need::SubjectTokenForAnotherActor, Need::ActorToken],
        check: Changed(
            |request, inputs| {
                with_subject(with_actor(request, inputs), inputs, Need::SubjectTokenForAnotherActor)
            },
            is_refused,
        ),
    },
];

fn with_actor(request: TokenRequest, inputs: &Inputs<'_>) -> TokenRequest {
    let actor = inputs.token(Need::ActorToken);
    request.with("actor_token", actor.text()).with("actor_token_type", &actor.token_type)
}

fn with_subject(request: TokenRequest, inputs: &Inputs<'_>, need: Need) -> TokenRequest {
    let subject = inputs.token(need);
    request.with("subject_token", subject.text()).with("subject_token_type", &subject.token_type)
}

fn act(answer: &Answer) -> Option<Value> {
    answer.claims()?.remove("act")
}

/// Whether `act` has the `sub` of the actor token.
fn names_actor(act: &Value, inputs: &Inputs<'_>) -> Finding {
    let actor = jwt::claims(inputs.token(Need::ActorToken).text());
    let Some(subject) = actor.as_ref().and_then(|claims| claims.get("sub")) else {
        return Finding::NotShown("needs a claim sub in the actor token".to_owned());
    };
    let named = act.get("sub");
    let got = named.map_or_else(|| "absent".to_owned(), Value::to_string);
    Finding::of(named == Some(subject), "sub of act", &subject.to_string(), got)
}
