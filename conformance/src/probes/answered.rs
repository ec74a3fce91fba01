//! What a probe's request got, and how two of them differ.

use locum_abi::answer::{Credential, FailureCode, Issued, RevokeAnswer};
use locum_abi::upstream::UpstreamRequest;
use locum_engine::ports::IssuerFailure;
use serde_json::Value;

use crate::exchange::parts::Parts;
use crate::fixtures::credential_reading::{CredentialReading, QueryReading};
use crate::report::Difference;

/// How many differences of one comparison are shown.
const DIFFERENCES_MAX: usize = 6;

/// What a request got, and what the plugin asked upstreams for it.
pub(crate) struct Answered {
    pub(crate) issued: Result<Issued, IssuerFailure>,
    pub(crate) requests: Vec<UpstreamRequest>,
}

/// What a revocation got, and how many requests the plugin made for it.
pub(crate) struct AnsweredRevocation {
    pub(crate) answer: Result<RevokeAnswer, IssuerFailure>,
    pub(crate) requests: usize,
}

impl Answered {
    /// Why there is no credential.
    pub(crate) fn refusal(&self) -> Option<String> {
        self.issued.as_ref().err().map(ToString::to_string)
    }

    /// Credential and requests, decoded.
    pub(crate) fn parts(&self, reading: &CredentialReading) -> Parts {
        let mut parts = Parts::default();
        match &self.issued {
            Err(failure) => parts.add("answer", format!("refused: {failure}")),
            Ok(Issued { credential, issued_at, expires_at }) => {
                parts.add("answer", "a credential");
                parts.add("issued_at", issued_at.to_string());
                parts.add("expires_at", expires_at.map_or_else(|| "absent".to_owned(), |at| at.to_string()));
                match (credential, reading) {
                    (Credential::Object(members), _) => {
                        parts.add_value("credential", &Value::Object(members.clone()));
                    }
                    (Credential::Text(text), CredentialReading::Query(reading)) => {
                        add_query(&mut parts, text, reading);
                    }
                    (Credential::Text(text) | Credential::Jwt(text), _) => parts.add_text("credential", text),
                }
            }
        }
        for (index, request) in self.requests.iter().enumerate() {
            parts.add_request(&format!("upstream request {}", index + 1), request);
        }
        parts
    }
}

fn add_query(parts: &mut Parts, text: &str, reading: &QueryReading) {
    let pairs = text.strip_prefix(&reading.after).unwrap_or(text);
    for pair in pairs.split('&') {
        match pair.split_once('=') {
            Some(("sig", signature)) => parts.add("credential/signature", signature),
            Some((name, value)) => parts.add(&format!("credential/{name}"), value),
            None => parts.add("credential", pair),
        }
    }
}

/// Where two differ, except at the paths that `ignored` has. `advice` follows the first expected value.
pub(crate) fn differences(
    what: &str,
    expected: &Parts,
    got: &Parts,
    ignored: &[String],
    advice: &str,
) -> Vec<Difference> {
    let differing = expected.differing(got).into_iter();
    let mut differences: Vec<Difference> = differing
        .filter(|(path, _, _)| !ignored.iter().any(|ignored| ignored == path))
        .map(|(path, expected, got)| {
            let expected = shown(path, expected, "");
            Difference::new(format!("{what}, {path}"), expected, shown(path, got, "another of "))
        })
        .collect();
    differences.truncate(DIFFERENCES_MAX);
    if let Some(first) = differences.first_mut() {
        first.expected = format!("{} ({advice})", first.expected);
    }
    differences
}

/// A value as a report may show it: of a signature, and of what may be a token as a whole, only the length.
fn shown(path: &str, value: Option<&str>, which: &str) -> String {
    let is_token =
        path == "credential" || path.ends_with("/signature") || path.contains("/header/authorization");
    match value {
        None => "absent".to_owned(),
        Some(value) if is_token => format!("{which}<{} bytes>", value.len()),
        Some(value) => value.to_owned(),
    }
}

/// What is wrong in the plugin itself, if this failure says so: clients are told of it by a 500.
pub(crate) fn fault(failure: &IssuerFailure) -> Option<String> {
    let is_fault = match failure {
        IssuerFailure::Failed(failure) => matches!(
            failure.code,
            FailureCode::SettingsRefused
                | FailureCode::Internal
                | FailureCode::Panicked
                | FailureCode::UnknownOp
                | FailureCode::Unknown
        ),
        IssuerFailure::ContractBroken(_) | IssuerFailure::Hung(_) | IssuerFailure::Quarantined => true,
        _ => false,
    };
    let code = match failure {
        IssuerFailure::Failed(failure) => format!("{:?}: ", failure.code),
        _ => String::new(),
    };
    is_fault.then(|| format!("500, {code}{failure}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_may_be_a_token_only_the_length_is_shown() {
        let parts = |text: &str| {
            let mut parts = Parts::default();
            parts.add("credential", text);
            parts.add("upstream request 1/header/authorization", text);
            parts.add("upstream request 1/header/accept", text);
            parts
        };
        let found = differences("later", &parts("abcdef"), &parts("xyz"), &[], "do this");
        let texts = found.iter().map(|found| format!("{}: {}; {}", found.what, found.expected, found.got));
        let expected = [
            "later, credential: <6 bytes> (do this); another of <3 bytes>",
            "later, upstream request 1/header/accept: abcdef; xyz",
            "later, upstream request 1/header/authorization: <6 bytes>; another of <3 bytes>",
        ];
        assert_eq!(texts.collect::<Vec<_>>(), expected);
        let ignored = ["credential".to_owned()];
        assert_eq!(differences("later", &parts("a"), &parts("b"), &ignored, "").len(), 2);
    }
}
