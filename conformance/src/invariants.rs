//! The rules that hold for every answer, whatever a fixture expects.

use std::ops::Range;

use locum_abi::manifest::CredentialForm;
use serde_json::{Map, Value};

use crate::comparison::Difference;
use crate::credential::DecodedCredential;
use crate::exchange::{Request, Transcript};
use crate::plugin_spec::{CredentialReading, VerifyingKey};
use crate::tenant::TenantDocument;

/// What the rules need to know of the issuer and of the tenant.
pub(crate) struct Invariants<'a> {
    pub(crate) form: &'a CredentialForm,
    pub(crate) reading: &'a CredentialReading,
    /// The key of this step, where it is not the sheet's.
    pub(crate) verifies_with: Option<&'a VerifyingKey>,
    pub(crate) settings: &'a Map<String, Value>,
    pub(crate) tenant: &'a TenantDocument,
    /// Secrets by name; none of them may be seen anywhere.
    pub(crate) secrets: &'a [(String, String)],
}

/// Shortest secret that is looked for: shorter ones stand in innocent texts.
pub(crate) const SECRET_BYTES_MIN: usize = 8;

/// The part of a long secret that is looked for by itself.
const PART: Range<usize> = 128..192;

impl Invariants<'_> {
    /// The rules that an exchange breaks.
    pub(crate) fn broken(
        &self,
        request: &Request,
        transcript: &Transcript,
        credential: Option<&Result<DecodedCredential, String>>,
    ) -> Vec<Difference> {
        let mut broken = Vec::new();
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
                        broken.push(Difference::new(format!("header {name}"), value, got.join(", ")));
                    }
                }
            }
            if response.status >= 400 {
                broken.extend(malformed_refusal(&response.body));
            }
        }
        broken.extend(rate_headers(transcript));
        if let Some(credential) = credential {
            broken.extend(self.untrue_credential(transcript, credential));
        }
        broken.extend(miscounted_events(request, transcript));
        broken.extend(self.leaked(transcript, credential));
        broken
    }

    fn untrue_credential(
        &self,
        transcript: &Transcript,
        credential: &Result<DecodedCredential, String>,
    ) -> Vec<Difference> {
        let decoded = match credential {
            Ok(decoded) => decoded,
            Err(why) => return vec![Difference::new("credential", "the form of the manifest", why)],
        };
        let mut broken = Vec::new();
        if *self.form == CredentialForm::Jwt {
            let lifetime = decoded.issued_at.zip(decoded.expires_at).map(|(from, to)| to - from);
            if decoded.expires_in != lifetime {
                broken.push(Difference::new(
                    "expires_in",
                    format!("exp - iat of the token, {}", seconds(lifetime)),
                    seconds(decoded.expires_in),
                ));
            }
        }
        if decoded.issued_at.is_some_and(|from| from > transcript.window.latest) {
            broken.push(Difference::new(
                "start of the credential",
                "not in the future",
                seconds(decoded.issued_at),
            ));
        }
        if decoded.expires_at.is_some_and(|to| to <= transcript.window.earliest) {
            broken.push(Difference::new(
                "end of the credential",
                "in the future",
                seconds(decoded.expires_at),
            ));
        }
        let of_spec = match self.reading {
            CredentialReading::Jwt(reading) => Some(&reading.verifies_with),
            _ => None,
        };
        if let Some(key) = self.verifies_with.or(of_spec)
            && let Err(why) = decoded.verify(key, self.settings, self.tenant)
        {
            broken.push(Difference::new("signature", "verified by the key of the fixture", why));
        }
        broken
    }

    fn leaked(
        &self,
        transcript: &Transcript,
        credential: Option<&Result<DecodedCredential, String>>,
    ) -> Vec<Difference> {
        let mut places = vec![("body", transcript.response.body.clone())];
        places.extend(transcript.response.headers.iter().map(|(_, value)| ("header", value.clone())));
        if let Some(Ok(decoded)) = credential {
            places.push(("credential", decoded.in_the_open()));
        }
        if let Some(internals) = &transcript.internals {
            places.extend(internals.log.iter().map(|line| ("log line", line.clone())));
            places.extend(
                internals.audit.iter().map(|event| ("audit event", Value::Object(event.clone()).to_string())),
            );
        }
        let mut broken = Vec::new();
        for (name, secret) in self.secrets {
            for piece in pieces(secret) {
                for (place, _) in places.iter().filter(|(_, text)| text.contains(piece)) {
                    broken.push(Difference::new(
                        *place,
                        format!("nothing of {name}"),
                        "a text that holds it",
                    ));
                }
            }
        }
        broken.dedup();
        broken
    }
}

/// What to look for of a secret: of a key in PEM each line, since its line breaks are escaped elsewhere; of a long line
/// also a part, since a record may cut it. The start of a token is that of every token.
fn pieces(secret: &str) -> impl Iterator<Item = &str> {
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| line.len() >= SECRET_BYTES_MIN && !line.starts_with("-----"));
    lines.flat_map(|line| [Some(line), line.get(PART)]).flatten()
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

/// All three or none, each once, each a whole number.
fn rate_headers(transcript: &Transcript) -> Option<Difference> {
    let names = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    let values: Vec<Vec<&str>> =
        names.iter().map(|name| transcript.response.header(name).collect()).collect();
    let none = values.iter().all(Vec::is_empty);
    let numbers = values.iter().all(|value| matches!(value.as_slice(), [one] if one.parse::<u64>().is_ok()));
    (!none && !numbers).then(|| {
        Difference::new("rate headers", "all three, each one whole number, or none", format!("{values:?}"))
    })
}

/// A delegation has one audit event; nothing has more.
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
