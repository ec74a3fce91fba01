//! Faults in the authentication of clients.

use super::Found::{AllowedOtherwise, Failed};
use super::{KnownFault, grant_if, refuse_if};

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "knows no client_secret_post",
        found_by: &[("tx.client.post", AllowedOtherwise)],
        fault: |sent, answered| {
            let is_post = sent.has("client_secret") && sent.authorization.is_empty();
            refuse_if(is_post, answered, "invalid_client");
        },
    },
    KnownFault {
        what: "does not decode credentials",
        found_by: &[("tx.client.basic-encoding", Failed)],
        fault: |sent, answered| refuse_if(sent.basic().starts_with("%65"), answered, "invalid_client"),
    },
    KnownFault {
        what: "knows the scheme Basic in one spelling",
        found_by: &[("tx.client.basic-scheme-case", Failed)],
        fault: |sent, answered| {
            refuse_if(sent.authorization.starts_with("basic"), answered, "invalid_client")
        },
    },
    KnownFault {
        what: "takes a client_id for a second authentication",
        found_by: &[("tx.client.same-client-id", Failed)],
        fault: |sent, answered| {
            let is_same = sent.is("client_id", "exchanger") && !sent.has("client_secret");
            refuse_if(is_same && !sent.authorization.is_empty(), answered, "invalid_request");
        },
    },
    KnownFault {
        what: "ignores the client_id beside the header",
        found_by: &[("tx.client.other-client-id", Failed)],
        fault: |sent, answered| grant_if(sent.is("client_id", "locum-conformance-unknown-client"), answered),
    },
    KnownFault {
        what: "accepts two authentications",
        found_by: &[("tx.client.two-methods", Failed)],
        fault: |sent, answered| {
            grant_if(sent.has("client_secret") && !sent.authorization.is_empty(), answered);
        },
    },
    KnownFault {
        what: "answers a wrong secret in the header with 400",
        found_by: &[("tx.client.wrong-secret", Failed)],
        fault: |sent, answered| {
            if sent.basic() == "exchanger:locum-conformance-wrong-secret" {
                answered.status = 400;
            }
        },
    },
    KnownFault {
        what: "does not challenge",
        found_by: &[("tx.client.challenge", Failed)],
        fault: |_, answered| {
            answered.headers.remove("www-authenticate");
        },
    },
    KnownFault {
        what: "challenges for a bearer token",
        found_by: &[("tx.client.challenge", Failed)],
        fault: |_, answered| {
            if answered.status == 401 {
                answered.set_header("www-authenticate", "Bearer realm=\"x\"");
            }
        },
    },
    KnownFault {
        what: "fails at a malformed header",
        found_by: &[("tx.client.malformed-header", Failed)],
        fault: |sent, answered| {
            if sent.authorization == "Basic malformed" {
                answered.refuse(500, "server_error");
            }
        },
    },
    KnownFault {
        what: "takes any bearer token for a client",
        found_by: &[("tx.client.other-scheme", Failed)],
        fault: |sent, answered| grant_if(sent.authorization.starts_with("Bearer "), answered),
    },
    KnownFault {
        what: "compares no secret in the body",
        found_by: &[("tx.client.wrong-secret-in-the-body", Failed)],
        fault: |sent, answered| {
            grant_if(sent.is("client_secret", "locum-conformance-wrong-secret"), answered)
        },
    },
    KnownFault {
        what: "has another code for unknown clients",
        found_by: &[("tx.client.unknown", Failed)],
        fault: |sent, answered| {
            if sent.basic().starts_with("locum-conformance-unknown-client") {
                answered.refuse(401, "unauthorized_client");
            }
        },
    },
    KnownFault {
        what: "does not demand the secret",
        found_by: &[("tx.client.no-secret", Failed)],
        fault: |sent, answered| {
            let is_bare = sent.is("client_id", "exchanger") && !sent.has("client_secret");
            grant_if(is_bare && sent.authorization.is_empty(), answered);
        },
    },
    KnownFault {
        what: "has no public clients",
        found_by: &[("tx.client.public", AllowedOtherwise)],
        fault: |sent, answered| refuse_if(sent.is("client_id", "spa"), answered, "invalid_client"),
    },
];
