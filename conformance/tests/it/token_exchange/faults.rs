//! One fault for each case, and the cases that find it.

mod answer;
mod client;
mod endpoint;
mod refusal;
mod request;
mod target;
mod token;

use serde_json::Value;

use super::faulty_server::{Answered, Fault, Sent};

/// The result of a case that found a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Failed,
    Warned,
    AllowedOtherwise,
    /// It did not run.
    NotRun,
}

/// A fault, and every case that has another result than with a correct server.
pub(super) struct KnownFault {
    pub(super) what: &'static str,
    pub(super) found_by: &'static [(&'static str, Found)],
    pub(super) fault: Fault,
}

const UNKNOWN_TYPE: &str = "urn:example:unknown-token-type";
const SAML: &str = "urn:ietf:params:oauth:token-type:saml2";

/// Every fault.
pub(super) fn faults() -> Vec<&'static KnownFault> {
    let groups = [
        request::FAULTS,
        answer::FAULTS,
        refusal::FAULTS,
        token::FAULTS,
        target::FAULTS,
        client::FAULTS,
        endpoint::FAULTS,
    ];
    groups.into_iter().flatten().collect()
}

fn grant_if(concerned: bool, answered: &mut Answered) {
    if concerned {
        answered.grant();
    }
}

fn refuse_if(concerned: bool, answered: &mut Answered, code: &str) {
    if concerned {
        answered.refuse(if code == "invalid_client" { 401 } else { 400 }, code);
    }
}

fn change_claim_if_plain(sent: &Sent, answered: &mut Answered, name: &str, change: fn(&Value) -> Value) {
    if sent.is_plain() && answered.is_granted() {
        answered.change_claims(|claims| claims[name] = change(&claims[name]));
    }
}

fn without_subject_token(sent: &Sent) -> bool {
    is_form(sent) && !sent.has("subject_token")
}

fn is_form(sent: &Sent) -> bool {
    sent.method == "POST" && sent.content_type == "application/x-www-form-urlencoded"
}
