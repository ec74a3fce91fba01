//! Faults about subject tokens and actor tokens.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Found::{AllowedOtherwise, Failed, Warned};
use super::{KnownFault, SAML, UNKNOWN_TYPE, grant_if, refuse_if};
use crate::token_exchange::faulty_server::{Answered, Sent};
use crate::token_exchange::subject_tokens::tokens;

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "accepts any text as a subject token",
        found_by: &[("tx.subject.malformed", Failed)],
        fault: |sent, answered| grant_if(sent.is("subject_token", "malformed"), answered),
    },
    KnownFault {
        what: "says that an invalid subject token is an invalid client",
        found_by: &[("tx.subject.malformed", Failed)],
        fault: |sent, answered| refuse_if(sent.is("subject_token", "malformed"), answered, "invalid_client"),
    },
    KnownFault {
        what: "verifies no signature",
        found_by: &[("tx.subject.wrong-signature", Failed)],
        fault: |sent, answered| {
            grant_if(has_another_signature(sent, "subject_token", &tokens().subject), answered)
        },
    },
    KnownFault {
        what: "verifies the signature of other claims",
        found_by: &[("tx.subject.changed-claims", Failed)],
        fault: |sent, answered| {
            let is_changed = part(sent, "subject_token", 1)
                .is_some_and(|claims| claims["sub"] == "locum-conformance-somebody-else");
            grant_if(is_changed, answered);
        },
    },
    KnownFault {
        what: "accepts alg none",
        found_by: &[("tx.subject.unsigned", Failed)],
        fault: |sent, answered| {
            let is_unsigned = part(sent, "subject_token", 0).is_some_and(|header| header["alg"] == "none");
            grant_if(is_unsigned, answered);
        },
    },
    KnownFault {
        what: "accepts expired tokens",
        found_by: &[("tx.subject.expired", Failed)],
        fault: |sent, answered| grant_if(sent.is("subject_token", &tokens().expired), answered),
    },
    KnownFault {
        what: "accepts unknown types of subject tokens",
        found_by: &[("tx.subject.unknown-type", Failed)],
        fault: |sent, answered| grant_if(sent.is("subject_token_type", UNKNOWN_TYPE), answered),
    },
    KnownFault {
        what: "takes every token for what it is said to be",
        found_by: &[("tx.subject.other-type", Failed)],
        fault: |sent, answered| grant_if(sent.is("subject_token_type", SAML), answered),
    },
    KnownFault {
        what: "guesses the type of the actor token",
        found_by: &[("tx.actor.no-type", Failed)],
        fault: |sent, answered| grant_if(sent.has("actor_token") && !sent.has("actor_token_type"), answered),
    },
    KnownFault {
        what: "ignores the type of an actor token that is not there",
        found_by: &[("tx.actor.no-token", Failed)],
        fault: |sent, answered| grant_if(!sent.has("actor_token") && sent.has("actor_token_type"), answered),
    },
    KnownFault {
        what: "ignores malformed actor tokens",
        found_by: &[("tx.actor.malformed", Failed)],
        fault: |sent, answered| grant_if(sent.is("actor_token", "malformed"), answered),
    },
    KnownFault {
        what: "does not verify the signature of actor tokens",
        found_by: &[("tx.actor.wrong-signature", Failed)],
        fault: |sent, answered| {
            grant_if(has_another_signature(sent, "actor_token", &tokens().actor), answered)
        },
    },
    KnownFault {
        what: "accepts unknown types of actor tokens",
        found_by: &[("tx.actor.unknown-type", Failed)],
        fault: |sent, answered| grant_if(sent.is("actor_token_type", UNKNOWN_TYPE), answered),
    },
    KnownFault {
        what: "refuses every actor",
        found_by: &[("tx.actor.accepted", Failed)],
        fault: |sent, answered| refuse_if(has_actor(sent), answered, "invalid_request"),
    },
    KnownFault {
        what: "does not name the actor",
        found_by: &[("tx.actor.act", AllowedOtherwise)],
        fault: |sent, answered| {
            if has_actor(sent) && sent.is("subject_token", &tokens().subject) && answered.is_granted() {
                answered.change_claims(|claims| {
                    claims.remove("act");
                });
            }
        },
    },
    KnownFault {
        what: "names the subject as the actor",
        found_by: &[("tx.actor.act", Failed)],
        fault: |sent, answered| {
            if has_actor(sent) && sent.is("subject_token", &tokens().subject) && answered.is_granted() {
                answered.change_claims(|claims| claims["act"] = json!({"sub": "auth0|alice"}));
            }
        },
    },
    KnownFault {
        what: "writes the actor token's expiry into act",
        found_by: &[("tx.actor.act-identifies-only", Warned)],
        fault: |sent, answered| {
            if has_actor(sent) && answered.is_granted() {
                answered.change_claims(|claims| claims["act"]["exp"] = json!(1));
            }
        },
    },
    KnownFault {
        what: "names only the last actor",
        found_by: &[("tx.actor.chain", AllowedOtherwise)],
        fault: |sent, answered| {
            change_chain(sent, answered, |act| {
                act.as_object_mut().unwrap().remove("act");
            })
        },
    },
    KnownFault {
        what: "nests the new actor in the previous one",
        found_by: &[("tx.actor.chain", Failed)],
        fault: |sent, answered| {
            change_chain(sent, answered, |act| {
                *act = json!({"sub": "auth0|first", "act": {"sub": "auth0|support"}});
            })
        },
    },
    KnownFault {
        what: "names another actor as the previous one",
        found_by: &[("tx.actor.chain", Failed)],
        fault: |sent, answered| change_chain(sent, answered, |act| act["act"] = json!({"sub": "auth0|x"})),
    },
    KnownFault {
        what: "does not read may_act",
        found_by: &[("tx.actor.may-act", AllowedOtherwise)],
        fault: |sent, answered| grant_if(sent.is("subject_token", &tokens().for_another_actor), answered),
    },
];

fn change_chain(sent: &Sent, answered: &mut Answered, change: fn(&mut Value)) {
    if sent.is("subject_token", &tokens().with_act) && answered.is_granted() {
        answered.change_claims(|claims| change(&mut claims["act"]));
    }
}

/// Whether it has the actor token of the settings, with its type.
fn has_actor(sent: &Sent) -> bool {
    sent.is("actor_token", &tokens().actor)
        && sent.has("actor_token_type")
        && !sent.is("actor_token_type", UNKNOWN_TYPE)
}

/// Whether a token has the header and the claims of this one, and another signature.
fn has_another_signature(sent: &Sent, name: &str, genuine: &str) -> bool {
    let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
    let [token] = sent.values(name)[..] else { return false };
    token != genuine && !token.ends_with("tampered") && signed(token) == signed(genuine)
}

/// A part of a JWT.
fn part(sent: &Sent, name: &str, index: usize) -> Option<Value> {
    let [token] = sent.values(name)[..] else { return None };
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(index)?).ok()?).ok()
}
