//! Faults about the parameters of a request.

use super::Found::{AllowedOtherwise, Failed};
use super::{KnownFault, SAML, UNKNOWN_TYPE, grant_if, is_form, refuse_if, without_subject_token};

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "refuses unknown parameters",
        found_by: &[("tx.request.unknown-parameter", Failed)],
        fault: |sent, answered| refuse_if(sent.has("locum_conformance"), answered, "invalid_request"),
    },
    KnownFault {
        what: "reads empty parameters as values",
        found_by: &[("tx.request.empty-parameters", Failed)],
        fault: |sent, answered| refuse_if(sent.is("actor_token", ""), answered, "invalid_request"),
    },
    KnownFault {
        what: "accepts an empty subject token",
        found_by: &[("tx.request.empty-subject-token", Failed)],
        fault: |sent, answered| grant_if(sent.is("subject_token", ""), answered),
    },
    KnownFault {
        what: "takes token exchange for the default grant type",
        found_by: &[("tx.request.no-grant-type", Failed)],
        fault: |sent, answered| grant_if(is_form(sent) && !sent.has("grant_type"), answered),
    },
    KnownFault {
        what: "says that a missing grant type is unsupported",
        found_by: &[("tx.request.no-grant-type", AllowedOtherwise)],
        fault: |sent, answered| {
            refuse_if(is_form(sent) && !sent.has("grant_type"), answered, "unsupported_grant_type");
        },
    },
    KnownFault {
        what: "has another code for unsupported grant types",
        found_by: &[("tx.request.unsupported-grant-type", Failed)],
        fault: |sent, answered| {
            let is_unknown = sent.is("grant_type", "urn:example:unknown-grant-type");
            refuse_if(is_unknown, answered, "invalid_request");
        },
    },
    KnownFault {
        what: "has another code for a missing subject token",
        found_by: &[("tx.request.no-subject-token", Failed)],
        fault: |sent, answered| refuse_if(without_subject_token(sent), answered, "invalid_grant"),
    },
    KnownFault {
        what: "guesses the type of the subject token",
        found_by: &[("tx.request.no-subject-token-type", Failed)],
        fault: |sent, answered| {
            grant_if(is_form(sent) && !sent.has("subject_token_type") && sent.query.is_empty(), answered);
        },
    },
    KnownFault {
        what: "takes one of two grant types",
        found_by: &[("tx.request.repeated-grant-type", Failed)],
        fault: |sent, answered| grant_if(sent.values("grant_type").len() == 2, answered),
    },
    KnownFault {
        what: "takes one of two subject tokens",
        found_by: &[("tx.request.repeated-subject-token", Failed)],
        fault: |sent, answered| grant_if(sent.values("subject_token").len() == 2, answered),
    },
    KnownFault {
        what: "takes one of two types of the subject token",
        found_by: &[("tx.request.repeated-subject-token-type", Failed)],
        fault: |sent, answered| grant_if(sent.values("subject_token_type").len() == 2, answered),
    },
    KnownFault {
        what: "wants colons to be escaped",
        found_by: &[("tx.request.sparse-escapes", Failed)],
        fault: |sent, answered| refuse_if(sent.body.contains(':'), answered, "invalid_request"),
    },
    KnownFault {
        what: "ignores the requested type",
        found_by: &[("tx.request.requested-token-type", Failed)],
        fault: |sent, answered| {
            if sent.has("requested_token_type") && answered.is_granted() {
                answered.set("issued_token_type", SAML);
            }
        },
    },
    KnownFault {
        what: "calls a JWT access token a JWT",
        found_by: &[("tx.request.requested-token-type", AllowedOtherwise)],
        fault: |sent, answered| {
            if sent.has("requested_token_type") && answered.is_granted() {
                answered.set("issued_token_type", "urn:ietf:params:oauth:token-type:jwt");
            }
        },
    },
    KnownFault {
        what: "issues a token although it does not know the requested type",
        found_by: &[("tx.request.unsupported-requested-token-type", Failed)],
        fault: |sent, answered| grant_if(sent.is("requested_token_type", UNKNOWN_TYPE), answered),
    },
];
