//! Faults in the answer to an exchange that succeeds.

use serde_json::{Value, json};

use super::Found::{AllowedOtherwise, Failed, Warned};
use super::{KnownFault, change_claim_if_plain};
use crate::token_exchange::faulty_server::{Answered, Sent};

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "answers HTML",
        found_by: &[("tx.answer.media-type", Failed)],
        fault: |_, answered| {
            if answered.is_granted() {
                answered.set_header("content-type", "text/html");
            }
        },
    },
    KnownFault {
        what: "lets tokens be stored",
        found_by: &[("tx.answer.no-store", Failed)],
        fault: |_, answered| {
            if answered.is_granted() {
                answered.set_header("cache-control", "private");
            }
        },
    },
    KnownFault {
        what: "has no Pragma",
        found_by: &[("tx.answer.pragma", AllowedOtherwise)],
        fault: |_, answered| {
            answered.headers.remove("pragma");
        },
    },
    KnownFault {
        what: "has neither Pragma nor Cache-Control with tokens",
        found_by: &[("tx.answer.no-store", Failed), ("tx.answer.pragma", Failed)],
        fault: |_, answered| {
            if answered.is_granted() {
                answered.headers.remove("pragma");
                answered.headers.remove("cache-control");
            }
        },
    },
    KnownFault {
        what: "answers an empty token",
        found_by: &[("tx.answer.access-token", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "access_token", json!("")),
    },
    KnownFault {
        what: "does not name the issued type",
        found_by: &[("tx.answer.issued-token-type", Failed)],
        fault: |sent, answered| remove_if_plain(sent, answered, "issued_token_type"),
    },
    KnownFault {
        what: "abbreviates the issued type",
        found_by: &[("tx.answer.issued-token-type-is-a-uri", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "issued_token_type", json!("jwt")),
    },
    KnownFault {
        what: "has no token_type",
        found_by: &[("tx.answer.token-type", Failed)],
        fault: |sent, answered| remove_if_plain(sent, answered, "token_type"),
    },
    KnownFault {
        what: "has a token_type of two words",
        found_by: &[("tx.answer.token-type", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "token_type", json!("Bearer token")),
    },
    KnownFault {
        what: "says that an access token is none",
        found_by: &[("tx.answer.token-type-not-applicable", Failed)],
        fault: |sent, answered| {
            set_if_plain(sent, answered, "token_type", json!("N_A"));
            let name = "urn:ietf:params:oauth:token-type:access_token";
            set_if_plain(sent, answered, "issued_token_type", json!(name));
        },
    },
    KnownFault {
        what: "says that an id_token is a bearer token",
        found_by: &[("tx.answer.token-type-not-applicable", AllowedOtherwise)],
        fault: |sent, answered| {
            let name = "urn:ietf:params:oauth:token-type:id_token";
            set_if_plain(sent, answered, "issued_token_type", json!(name));
        },
    },
    KnownFault {
        what: "states no lifetime",
        found_by: &[("tx.answer.expires-in", Warned)],
        fault: |sent, answered| remove_if_plain(sent, answered, "expires_in"),
    },
    KnownFault {
        what: "states the lifetime as a text",
        found_by: &[("tx.answer.expires-in-is-a-number", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "expires_in", json!("300")),
    },
    KnownFault {
        what: "states another lifetime than the token has",
        found_by: &[("tx.answer.expires-in-is-true", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "expires_in", json!(330)),
    },
    KnownFault {
        what: "issues tokens that outlive the subject token by far",
        found_by: &[("tx.answer.lifetime", Warned)],
        fault: |sent, answered| {
            set_if_plain(sent, answered, "expires_in", json!(10_300));
            change_claim_if_plain(sent, answered, "exp", |exp| json!(exp.as_i64().unwrap() + 10_000));
        },
    },
    KnownFault {
        what: "separates scopes by commas and blanks",
        found_by: &[("tx.answer.scope-is-a-list", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "scope", json!("openid,  email")),
    },
    KnownFault {
        what: "answers a list of scopes",
        found_by: &[("tx.answer.scope-is-a-list", Failed)],
        fault: |sent, answered| set_if_plain(sent, answered, "scope", json!(["openid"])),
    },
    KnownFault {
        what: "answers a member twice",
        found_by: &[("tx.answer.no-repeated-member", Failed)],
        fault: |sent, answered| {
            if sent.is_plain() && answered.is_granted() {
                answered.body = answered.body.replacen('{', "{\"token_type\":\"Bearer\",", 1);
            }
        },
    },
    KnownFault {
        what: "adds a refresh token",
        found_by: &[("tx.answer.no-refresh-token", AllowedOtherwise)],
        fault: |sent, answered| set_if_plain(sent, answered, "refresh_token", json!("refresh")),
    },
    KnownFault {
        what: "issues a token of another subject",
        found_by: &[("tx.answer.subject", AllowedOtherwise)],
        fault: |sent, answered| change_claim_if_plain(sent, answered, "sub", |_| json!("auth0|bob")),
    },
];

fn set_if_plain(sent: &Sent, answered: &mut Answered, name: &str, value: Value) {
    if sent.is_plain() && answered.is_granted() {
        answered.set(name, value);
    }
}

fn remove_if_plain(sent: &Sent, answered: &mut Answered, name: &str) {
    if sent.is_plain() && answered.is_granted() {
        answered.remove(name);
    }
}
