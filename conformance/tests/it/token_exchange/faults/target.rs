//! Faults about targets and scopes.

use serde_json::json;

use super::Found::{AllowedOtherwise, Failed, Warned};
use super::{KnownFault, change_claim_if_plain, grant_if, refuse_if};

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "issues for every audience",
        found_by: &[("tx.target.unknown-audience", Warned)],
        fault: |sent, answered| grant_if(sent.is("audience", "locum-conformance-unknown-audience"), answered),
    },
    KnownFault {
        what: "refuses several audiences as a repeated parameter",
        found_by: &[("tx.target.audience-twice", Warned)],
        fault: |sent, answered| refuse_if(sent.values("audience").len() == 2, answered, "invalid_request"),
    },
    KnownFault {
        what: "issues for another audience",
        found_by: &[("tx.target.audience-of-the-token", AllowedOtherwise)],
        fault: |sent, answered| change_claim_if_plain(sent, answered, "aud", |_| json!(["other-api"])),
    },
    KnownFault {
        what: "knows no resource",
        found_by: &[("tx.target.resource", Failed)],
        fault: |sent, answered| {
            refuse_if(sent.is("resource", "https://orders.example.com/"), answered, "invalid_target");
        },
    },
    KnownFault {
        what: "issues for every resource",
        found_by: &[("tx.target.unknown-resource", Warned)],
        fault: |sent, answered| grant_if(sent.is("resource", "https://unknown-resource.invalid/"), answered),
    },
    KnownFault {
        what: "accepts relative resources",
        found_by: &[("tx.target.relative-resource", Failed)],
        fault: |sent, answered| grant_if(sent.is("resource", "/relative"), answered),
    },
    KnownFault {
        what: "drops the fragment of a resource",
        found_by: &[("tx.target.resource-with-fragment", Failed)],
        fault: |sent, answered| {
            grant_if(sent.is("resource", "https://orders.example.com/#fragment"), answered)
        },
    },
    KnownFault {
        what: "refuses scopes",
        found_by: &[("tx.scope.granted", Failed)],
        fault: |sent, answered| refuse_if(sent.is("scope", "openid email"), answered, "invalid_scope"),
    },
    KnownFault {
        what: "grants fewer scopes and says so",
        found_by: &[("tx.scope.granted", AllowedOtherwise)],
        fault: |sent, answered| {
            if sent.is("scope", "openid email") {
                answered.set("scope", "openid");
            }
        },
    },
    KnownFault {
        what: "grants every scope",
        found_by: &[("tx.scope.refused", Failed)],
        fault: |sent, answered| grant_if(sent.is("scope", "admin"), answered),
    },
    KnownFault {
        what: "ignores scopes and says so",
        found_by: &[("tx.scope.refused", AllowedOtherwise)],
        fault: |sent, answered| {
            if sent.is("scope", "admin") {
                answered.grant();
                answered.set("scope", "openid");
            }
        },
    },
    KnownFault {
        what: "ignores unknown scopes and does not say so",
        found_by: &[("tx.scope.unknown", Failed)],
        fault: |sent, answered| grant_if(sent.is("scope", "locum-conformance-unknown-scope"), answered),
    },
    KnownFault {
        what: "grants malformed scopes",
        found_by: &[("tx.scope.malformed", Failed)],
        fault: |sent, answered| grant_if(sent.is("scope", "locum\"conformance"), answered),
    },
];
