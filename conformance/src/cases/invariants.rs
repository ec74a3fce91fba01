//! Invariants: the rules that every response must keep, whatever a fixture expects.

use locum_abi::manifest::CredentialForm;
use serde_json::{Map, Value};

use crate::cases::leaks::{Secrets, masked, token};
use crate::exchange::credential::DecodedCredential;
use crate::exchange::message::{Request, Transcript};
use crate::fixtures::credential_reading::{CredentialReading, VerifyingKey};
use crate::fixtures::tested_tenant::TestedTenant;
use crate::report::Difference;

/// What the rules need to know about issuer, tenant and step.
pub(crate) struct Invariants<'a> {
    pub(crate) form: &'a CredentialForm,
    pub(crate) reading: &'a CredentialReading,
    /// The verifying key of this step, if it is not that of the plugin spec.
    pub(crate) verifies_with: Option<&'a VerifyingKey>,
    pub(crate) settings: &'a Map<String, Value>,
    pub(crate) tenant: &'a TestedTenant,
    /// What may appear nowhere: the secrets of the case, and those of this step.
    pub(crate) secrets: [&'a Secrets; 2],
    /// What may appear in a successful response only: credentials and the tokens of upstreams.
    pub(crate) tokens: &'a Secrets,
}

impl Invariants<'_> {
    /// The violations in an exchange.
    pub(crate) fn violations(
        &self,
        request: &Request,
        transcript: &Transcript,
        credential: Option<&Result<DecodedCredential, String>>,
    ) -> Vec<Difference> {
        let mut violations = Vec::new();
        let response = &transcript.response;
        if response.header("content-type").next() == Some("application/json") {
            if !request.target.starts_with("/.well-known/") {
                for (name, value) in [
                    ("cache-control", "no-store"),
                    ("pragma", "no-cache"),
                    ("x-content-type-options", "nosniff"),
                ] {
                    let got: Vec<&str> = response.header(name).collect();
                    if got != [value] {
                        violations.push(Difference::new(format!("header {name}"), value, got.join(", ")));
                    }
                }
            }
            if response.status >= 400 {
                violations.extend(malformed_refusal(&response.body));
            }
        }
        violations.extend(rate_headers(transcript));
        if let Some(credential) = credential {
            violations.extend(self.credential_violations(transcript, credential));
        }
        violations.extend(miscounted_events(request, transcript));
        violations.extend(self.leaks(transcript, credential));
        violations
    }

    fn credential_violations(
        &self,
        transcript: &Transcript,
        credential: &Result<DecodedCredential, String>,
    ) -> Vec<Difference> {
        let decoded = match credential {
            Ok(decoded) => decoded,
            Err(why) => {
                return vec![Difference::new("credential", "the form that the manifest declares", why)];
            }
        };
        let mut violations = Vec::new();
        if *self.form == CredentialForm::Jwt {
            let lifetime = decoded.issued_at.zip(decoded.expires_at).map(|(from, to)| to - from);
            if decoded.expires_in != lifetime {
                violations.push(Difference::new(
                    "expires_in",
                    format!("exp - iat of the token, {}", seconds(lifetime)),
                    seconds(decoded.expires_in),
                ));
            }
        }
        if decoded.issued_at.is_some_and(|from| from > transcript.window.latest) {
            violations.push(Difference::new(
                "start of the credential",
                "not in the future",
                seconds(decoded.issued_at),
            ));
        }
        if decoded.expires_at.is_some_and(|to| to <= transcript.window.earliest) {
            violations.push(Difference::new(
                "expiry of the credential",
                "in the future",
                seconds(decoded.expires_at),
            ));
        }
        let of_runner = transcript.internals.iter().flat_map(|internals| &internals.runner_tokens);
        let of_runner: Vec<_> = of_runner.filter_map(|token| decoded.signed_anew(token)).collect();
        let key_of_spec = match self.reading {
            CredentialReading::Jwt(reading) => Some(&reading.verifies_with),
            _ => None,
        };
        if let Some(key) = self.verifies_with.or(key_of_spec) {
            let signatures = [("signature", decoded)]
                .into_iter()
                .chain(of_runner.iter().map(|token| ("signature in the runner", token)));
            for (name, token) in signatures {
                if let Err(why) = token.verify(key, self.settings, self.tenant) {
                    violations.push(Difference::new(name, "valid for the stated verifying key", why));
                }
            }
        }
        violations
    }

    fn leaks(
        &self,
        transcript: &Transcript,
        credential: Option<&Result<DecodedCredential, String>>,
    ) -> Vec<Difference> {
        let response = &transcript.response;
        let mut written = Vec::new();
        if let Some(internals) = &transcript.internals {
            written.extend(internals.log.iter().map(|line| ("log line", line.clone())));
            let events = internals.audit.iter();
            written.extend(events.map(|event| ("audit event", Value::Object(event.clone()).to_string())));
        }
        let mut answered = vec![("body", response.body.clone())];
        answered.extend(response.headers.iter().map(|(_, value)| ("header", value.clone())));
        if let Some(Ok(decoded)) = credential {
            answered.push(("credential", decoded.as_searchable_text()));
        }
        let mut violations = Vec::new();
        let mut found = |place: &str, name: &str| {
            let wanted = format!("a text without {name}");
            violations.push(Difference::new(place, wanted, "a text that contains it"));
        };
        for (place, text) in answered.iter().chain(&written) {
            let secrets = self.secrets.iter().flat_map(|secrets| secrets.found_in(text));
            secrets.chain(masked(text)).for_each(|name| found(place, name));
        }
        if response.status >= 400 {
            written.extend(answered);
        }
        for (place, text) in &written {
            self.tokens.found_in(text).chain(token(text)).for_each(|name| found(place, name));
        }
        violations.dedup();
        violations
    }
}

fn malformed_refusal(body: &str) -> Option<Difference> {
    let members: Option<Map<String, Value>> = serde_json::from_str(body).ok();
    let well_formed = members.as_ref().is_some_and(|members| {
        members.len() == 2
            && ["error", "error_description"]
                .iter()
                .all(|name| members.get(*name).is_some_and(Value::is_string))
    });
    (!well_formed).then(|| {
        Difference::new("body", "an object of the texts `error` and `error_description`", body.to_owned())
    })
}

/// The rate limit headers: all three or none, each once, each a whole number.
fn rate_headers(transcript: &Transcript) -> Option<Difference> {
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let values: Vec<Vec<&str>> =
        names.iter().map(|name| transcript.response.header(name).collect()).collect();
    let none = values.iter().all(Vec::is_empty);
    let numbers = values.iter().all(|value| matches!(value.as_slice(), [one] if one.parse::<u64>().is_ok()));
    (!none && !numbers).then(|| {
        Difference::new(
            "rate limit headers",
            "all three, each one whole number, or none",
            format!("{values:?}"),
        )
    })
}

/// A delegation has exactly one audit event; no request has more.
fn miscounted_events(request: &Request, transcript: &Transcript) -> Option<Difference> {
    let events = transcript.internals.as_ref()?.audit.len();
    let is_delegation =
        request.method == "POST" && request.target == "/delegation" && !request.host.is_empty();
    let miscounted = if is_delegation { events != 1 } else { events > 1 };
    let expected = if is_delegation { "1" } else { "at most 1" };
    miscounted.then(|| Difference::new("audit events", expected, events.to_string()))
}

fn seconds(value: Option<i64>) -> String {
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests;
