//! Is a revocation that the upstream has not confirmed reported as one?

use std::collections::BTreeMap;

use locum_abi::answer::{Credential, Issued, RevokeAnswer};
use serde_json::Value;

use crate::fixtures::credential_reading::CredentialReading;
use crate::fixtures::fixture::{UpstreamExchange, UpstreamOutcome};
use crate::probes::answered::fault;
use crate::probes::context::{Found, NotRun, ProbeContext};
use crate::report::Difference;

const EXPECTED: &str = "a failure, because the credential may still be valid (answer every status that confirms nothing with `failure_for_reply`)";

/// A status by which no upstream confirms anything, and whether it states when to try again.
const UNCONFIRMED: [(u16, bool); 5] = [(429, true), (429, false), (500, false), (503, true), (504, false)];

/// Revokes a credential at upstreams that are busy or fail: each exchange in turn, with its own body and without one.
pub(crate) async fn unconfirmed_revocation(context: &ProbeContext<'_>) -> Found {
    let exchanges = &context.spec.revocation;
    let request = context.request()?;
    let issuer = context.issuer_for(&request)?;
    let issued = context.ask(&*issuer, &request).await?.issued;
    let issued = issued.map_err(|why| NotRun(format!("needs a request that succeeds ({why})")))?;
    let credential = presented(&issued, &context.spec.credential);
    let (mut found, mut reached) = (Vec::new(), 0);
    for (index, exchange) in exchanges.iter().enumerate() {
        for (status, states_wait) in UNCONFIRMED {
            for outcome in outcomes(exchange, status, states_wait) {
                let failing = UpstreamExchange { outcome: Some(outcome), ..exchange.clone() };
                let script: Vec<_> = exchanges.iter().take(index).cloned().chain([failing]).collect();
                let revocation = context.revoke(&*issuer, &request, &credential, &script).await?;
                if revocation.requests <= index {
                    continue;
                }
                reached += 1;
                let got = match revocation.answer {
                    Ok(RevokeAnswer::Revoked) => Some("that it is revoked".to_owned()),
                    Ok(RevokeAnswer::AlreadyGone) => Some("that it was not valid before".to_owned()),
                    Ok(_) => Some("that it cannot be revoked".to_owned()),
                    Err(failure) => fault(&failure),
                };
                let wait = if states_wait { " with Retry-After" } else { "" };
                let what = format!("answer to a status {status}{wait} of exchange {}", index + 1);
                found.extend(got.map(|got| Difference::new(what, EXPECTED, got)));
            }
        }
    }
    if reached == 0 {
        return Err(NotRun(
            "needs `revocation` in plugin.yaml, and a credential for which it is used".to_owned(),
        ));
    }
    found.dedup();
    Ok(found)
}

/// The exchange's reply with another status: with its own body, and without one.
fn outcomes(exchange: &UpstreamExchange, status: u16, states_wait: bool) -> Vec<UpstreamOutcome> {
    let wait = ("retry-after".to_owned(), "30".to_owned());
    let mut headers: BTreeMap<String, String> = states_wait.then_some(wait).into_iter().collect();
    let mut outcomes = vec![UpstreamOutcome::Reply { status, headers: headers.clone(), body: String::new() }];
    if let Some(UpstreamOutcome::Reply { headers: own, body, .. }) = &exchange.outcome
        && !body.is_empty()
    {
        headers.extend(own.clone());
        outcomes.push(UpstreamOutcome::Reply { status, headers, body: body.clone() });
    }
    outcomes
}

/// What the holder of a credential presents to revoke it.
fn presented(issued: &Issued, reading: &CredentialReading) -> String {
    match (&issued.credential, reading) {
        (Credential::Jwt(text) | Credential::Text(text), _) => text.clone(),
        (Credential::Object(members), reading) => {
            let whole = Value::Object(members.clone());
            let pointer = match reading {
                CredentialReading::Object(reading) => reading.token.as_deref(),
                _ => None,
            };
            let token = pointer.and_then(|pointer| whole.pointer(pointer)?.as_str());
            token.map_or_else(|| whole.to_string(), str::to_owned)
        }
    }
}
