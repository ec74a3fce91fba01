//! Is the expiry of the credential the one that the upstream states?

use std::collections::BTreeSet;

use locum_abi::answer::{FailureCode, Issued};
use locum_engine::ports::IssuerFailure;
use serde_json::{Map, Value, json};

use crate::fixtures::fixture::{BaseExchange, UpstreamExchange, UpstreamOutcome};
use crate::probes::context::{Found, NotRun, ProbeContext};
use crate::probes::harmless::succeeds;
use crate::report::Difference;

/// Ten years.
const SECONDS: u64 = 315_360_000;

/// Ten years after the time of probes.
const TIME: &str = "2040-01-08T18:45:14Z";

/// Before that time, and long after that of probes; unix seconds.
const LATER: i64 = 2_000_000_000;

/// Numbers from here on are times, and smaller ones seconds from now.
const TIMES_FROM: u64 = 1_000_000_000;

const ADVICE_ON_LONG: &str = "a refusal (compare the stated expiry with `grant.expires_at()`: the credential may not be valid for longer)";

const ADVICE_ON_UNKNOWN: &str =
    "a refusal, or a credential without an expiry (state only what the upstream has said)";

/// Changes each expiry in the last reply: ten years later, absent, and of another type.
pub(crate) async fn stated_expiry(context: &ProbeContext<'_>) -> Found {
    let request = context.request()?;
    let (issuer, _) = succeeds(context, &request).await?;
    let exchanges = context.exchanges(&request)?;
    let Some((last, before)) = exchanges.split_last() else {
        return Err(NotRun("needs an exchange in plugin.yaml".to_owned()));
    };
    let stated = stated_in(last);
    if stated.is_empty() {
        return Err(NotRun("needs an expiry in the last reply of plugin.yaml".to_owned()));
    }
    let mut found = Vec::new();
    for (name, later) in stated {
        for (change, changed, expected) in [
            (format!("{name} ten years later"), set(&name, later), ADVICE_ON_LONG),
            (format!("without {name}"), removed(&name), ADVICE_ON_UNKNOWN),
            (format!("{name} of another type"), set(&name, json!(["soon"])), ADVICE_ON_UNKNOWN),
        ] {
            // Elements of XML have texts only.
            let Ok(reply) = changed.based_on(Some(last)) else { continue };
            let script = before.iter().cloned().chain([reply]).collect();
            let got = context.ask_with(&issuer, &request, script).await?;
            let wrong = match &got.issued {
                Err(IssuerFailure::Failed(failure)) if failure.code == FailureCode::Panicked => {
                    Some("a panic".to_owned())
                }
                // Of settings that ask for too much, an issuer may say that they are at fault.
                Err(_) => None,
                // The host refuses it.
                Ok(Issued { expires_at: Some(at), .. }) if expected == ADVICE_ON_LONG && *at >= LATER => None,
                Ok(Issued { expires_at: None, .. }) if expected == ADVICE_ON_UNKNOWN => None,
                Ok(Issued { expires_at: Some(at), .. }) => Some(format!("a credential that expires at {at}")),
                Ok(Issued { expires_at: None, .. }) => Some("a credential without an expiry".to_owned()),
            };
            found.extend(wrong.map(|got| Difference::new(format!("last reply, {change}"), expected, got)));
        }
    }
    Ok(found)
}

/// The names of members and elements that state an expiry, each with one ten years later.
fn stated_in(exchange: &UpstreamExchange) -> Vec<(String, Value)> {
    let Some(UpstreamOutcome::Reply { body, .. }) = &exchange.outcome else { return Vec::new() };
    match serde_json::from_str::<Map<String, Value>>(body) {
        Ok(members) => members.iter().filter_map(|(name, value)| stated(name, value)).collect(),
        Err(_) => {
            let names: BTreeSet<&str> = body.split('<').filter_map(|tag| tag.split('>').next()).collect();
            let names = names.into_iter().filter(|name| name.chars().all(char::is_alphanumeric));
            names.filter_map(|name| stated(name, &json!(TIME))).collect()
        }
    }
}

fn stated(name: &str, value: &Value) -> Option<(String, Value)> {
    let later = match value {
        Value::Number(number) if number.as_u64()? < TIMES_FROM => json!(SECONDS),
        Value::Number(number) => json!(number.as_u64()? + SECONDS),
        Value::String(text) if text.parse::<u64>().is_ok() => json!(SECONDS.to_string()),
        Value::String(_) => json!(TIME),
        _ => return None,
    };
    let name_of_expiry = name.to_ascii_lowercase();
    // Entra's `ext_expires_in` is for times when it cannot be reached.
    let is_expiry = name_of_expiry.contains("expir") && !name_of_expiry.starts_with("ext_");
    is_expiry.then(|| (name.to_owned(), later))
}

fn set(name: &str, value: Value) -> UpstreamExchange {
    let set = [(name.to_owned(), value)].into_iter().collect();
    UpstreamExchange { from: Some(BaseExchange::Plugin), set, ..UpstreamExchange::default() }
}

fn removed(name: &str) -> UpstreamExchange {
    let remove = vec![name.to_owned()];
    UpstreamExchange { from: Some(BaseExchange::Plugin), remove, ..UpstreamExchange::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_number_of_seconds_a_time_or_a_date() {
        let names = |body: &str| {
            let outcome =
                UpstreamOutcome::Reply { status: 200, headers: Default::default(), body: body.to_owned() };
            stated_in(&UpstreamExchange { outcome: Some(outcome), ..UpstreamExchange::default() })
        };
        assert_eq!(names(r#"{"expires_in":3600,"a":1}"#), [("expires_in".to_owned(), json!(SECONDS))]);
        assert_eq!(
            names(r#"{"expiresAt":1900000000}"#),
            [("expiresAt".to_owned(), json!(1_900_000_000 + SECONDS))]
        );
        assert_eq!(
            names(r#"{"expireTime":"2030-01-01T00:00:00Z"}"#),
            [("expireTime".to_owned(), json!(TIME))]
        );
        assert_eq!(
            names("<a><Expiration>2030-01-01T00:00:00Z</Expiration></a>"),
            [("Expiration".to_owned(), json!(TIME))]
        );
        assert!(names("").is_empty() && names(r#"{"token":"t"}"#).is_empty());
    }
}
