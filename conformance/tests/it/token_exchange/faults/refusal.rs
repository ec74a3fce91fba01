//! Faults in the form of a refusal.

use super::Found::{Failed, Warned};
use super::{KnownFault, without_subject_token};

pub(super) const FAULTS: &[KnownFault] = &[
    KnownFault {
        what: "refuses with 403",
        found_by: &[("tx.refusal.status", Failed), ("tx.request.no-subject-token", Failed)],
        fault: |sent, answered| {
            if without_subject_token(sent) {
                answered.status = 403;
            }
        },
    },
    KnownFault {
        what: "refuses in plain text",
        found_by: &[("tx.refusal.media-type", Failed)],
        fault: |_, answered| {
            if !answered.is_granted() {
                answered.set_header("content-type", "text/plain");
            }
        },
    },
    KnownFault {
        what: "lets refusals be stored",
        found_by: &[("tx.refusal.no-store", Warned)],
        fault: |_, answered| {
            if !answered.is_granted() {
                answered.headers.remove("cache-control");
            }
        },
    },
    KnownFault {
        what: "has quotation marks in error",
        found_by: &[("tx.refusal.error", Failed), ("tx.request.no-subject-token", Failed)],
        fault: |sent, answered| {
            if without_subject_token(sent) {
                answered.set("error", "\"invalid_request\"");
            }
        },
    },
    KnownFault {
        what: "describes errors beyond ASCII",
        found_by: &[("tx.refusal.error-description", Failed)],
        fault: |sent, answered| {
            if without_subject_token(sent) {
                answered.set("error_description", "kein g\u{fc}ltiges Token");
            }
        },
    },
    KnownFault {
        what: "has an error_uri with blanks",
        found_by: &[("tx.refusal.error-uri", Failed)],
        fault: |sent, answered| {
            if without_subject_token(sent) {
                answered.set("error_uri", "see the manual");
            }
        },
    },
    KnownFault {
        what: "refuses with a token",
        found_by: &[("tx.refusal.no-token", Failed)],
        fault: |sent, answered| {
            if without_subject_token(sent) {
                answered.set("access_token", "token");
            }
        },
    },
    KnownFault {
        what: "repeats refused tokens",
        found_by: &[("tx.refusal.no-echo", Warned)],
        fault: |sent, answered| {
            if let [token] = sent.values("subject_token")[..]
                && token.ends_with("tampered")
            {
                answered.set("error_description", format!("invalid token {token}"));
            }
        },
    },
];
