//! Faults of the endpoint and of the metadata.

use serde_json::{Value, json};

use super::Found::{Failed, Warned};
use super::{KnownFault, grant_if, refuse_if};
use crate::token_exchange::faulty_server::{Answered, Sent};

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "serves GET",
        found_by: &[("tx.endpoint.get", Failed)],
        fault: |sent, answered| grant_if(sent.method == "GET" && sent.path == "/oauth/token", answered),
    },
    KnownFault {
        what: "reads parameters in the URL",
        found_by: &[("tx.endpoint.parameter-in-the-url", Failed)],
        fault: |sent, answered| grant_if(sent.method == "POST" && !sent.query.is_empty(), answered),
    },
    KnownFault {
        what: "does not read the content type",
        found_by: &[("tx.endpoint.content-type", Failed)],
        fault: |sent, answered| grant_if(sent.content_type == "text/plain", answered),
    },
    KnownFault {
        what: "knows no parameters of a media type",
        found_by: &[("tx.endpoint.charset", Warned)],
        fault: |sent, answered| refuse_if(sent.content_type.contains("charset"), answered, "invalid_request"),
    },
    KnownFault {
        what: "states another issuer",
        found_by: &[("tx.metadata.issuer", Failed)],
        fault: |sent, answered| set_metadata(sent, answered, "issuer", json!("https://other.example/")),
    },
    KnownFault {
        what: "states a relative endpoint",
        found_by: &[("tx.metadata.token-endpoint", Failed)],
        fault: |sent, answered| set_metadata(sent, answered, "token_endpoint", json!("/oauth/token")),
    },
    KnownFault {
        what: "does not state its grant types",
        found_by: &[("tx.metadata.grant-types", Warned)],
        fault: |sent, answered| {
            if sent.is_metadata() {
                answered.remove("grant_types_supported");
            }
        },
    },
    KnownFault {
        what: "does not state how clients authenticate",
        found_by: &[("tx.metadata.authentication-methods", Warned)],
        fault: |sent, answered| {
            let methods = json!(["private_key_jwt"]);
            set_metadata(sent, answered, "token_endpoint_auth_methods_supported", methods);
        },
    },
];

fn set_metadata(sent: &Sent, answered: &mut Answered, name: &str, value: Value) {
    if sent.is_metadata() {
        answered.set(name, value);
    }
}
