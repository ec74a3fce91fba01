//! Revocation (RFC 7009): what can be taken back is, what cannot be is said to be so.

use locum_abi::answer::RevokeAnswer;
use locum_abi::manifest::Revocation;
use serde_json::{Map, Value};

use crate::admit::{count, rate_limited_address};
use crate::audit::Record;
use crate::authenticate::{delegating_tenant, known_client};
use crate::authorize::ready_issuer;
use crate::engine::Ports;
use crate::issue::refusal_of;
use crate::limits::SUBJECT_TOKEN_BYTES_MAX;
use crate::ports::{BucketKey, CallContext};
use crate::refusal::{Refusal, RefusalKind};
use crate::request::Caller;
use crate::tenant::{AddOn, Client, Tenant};

pub(crate) async fn revoke(
    ports: &Ports,
    parameters: Map<String, Value>,
    caller: &Caller,
    record: &mut Record,
) -> Result<(), Refusal> {
    let client_id = text(&parameters, "client_id")?.ok_or_else(|| Refusal::missing_parameter("client_id"))?;
    let token = text(&parameters, "token")?.ok_or_else(|| Refusal::missing_parameter("token"))?;
    let api_type = text(&parameters, "api_type")?;
    if token.len() > SUBJECT_TOKEN_BYTES_MAX {
        return Err(Refusal::invalid_request("token is too long"));
    }
    let tenant = delegating_tenant(&*ports.directory, &caller.host).await?;
    let client = known_client(&tenant, client_id)?;
    record.revoking(&tenant, client_id, token);
    if lives_until_it_expires(token) {
        return Err(not_revocable());
    }
    let add_ons = revocable_add_ons(ports, client, api_type)?;
    if !add_ons.is_empty() {
        admit(ports, &tenant, client_id, caller, record).await?;
    }
    for add_on in add_ons {
        if revoke_upstream(ports, &tenant, add_on, token, record).await? {
            break;
        }
    }
    // A token that nobody knows has no power: RFC 7009 section 2.2 calls that revoked.
    Ok(())
}

/// JWTs and signed URLs carry their own proof; nobody is asked when they are used.
fn lives_until_it_expires(token: &str) -> bool {
    let jwt = token.split('.').count() == 3 && token.starts_with("eyJ");
    let signed_url = token.split(['?', '&', ' ']).any(|member| member.starts_with("sig="));
    jwt || signed_url
}

fn not_revocable() -> Refusal {
    Refusal::new(
        RefusalKind::UnsupportedTokenType,
        "this credential cannot be revoked; it lives until it expires",
    )
}

/// The add-ons of the client whose credentials an upstream takes back.
fn revocable_add_ons<'c>(
    ports: &Ports,
    client: &'c Client,
    api_type: Option<&str>,
) -> Result<Vec<&'c AddOn>, Refusal> {
    let upstream = |add_on: &&AddOn| {
        ports
            .issuers
            .manifest(&add_on.api_type)
            .is_some_and(|manifest| manifest.revocation == Revocation::Upstream)
    };
    match api_type {
        None => Ok(client.add_ons.iter().filter(upstream).collect()),
        Some(api_type) => client
            .add_ons
            .iter()
            .find(|add_on| add_on.api_type == api_type)
            .filter(upstream)
            .map(|add_on| vec![add_on])
            .ok_or_else(not_revocable),
    }
}

/// Upstream calls cost: one bucket for each client at each address.
async fn admit(
    ports: &Ports,
    tenant: &Tenant,
    client_id: &str,
    caller: &Caller,
    record: &mut Record,
) -> Result<(), Refusal> {
    // No user id holds a control character, so that this key meets no user's.
    let user_id = format!("\nrevocations of {client_id}");
    let key = BucketKey { tenant: &tenant.domain, ip: rate_limited_address(caller.ip), user_id: &user_id };
    let exceeded = "rate limit of this client at this address exceeded";
    let count = count(&*ports.buckets, key, &tenant.delegation, exceeded, record.now_unix_ms).await;
    record.counted(count.rate, &count.outcome);
    count.outcome
}

/// Whether the upstream knew the credential.
async fn revoke_upstream(
    ports: &Ports,
    tenant: &Tenant,
    add_on: &AddOn,
    token: &str,
    record: &Record,
) -> Result<bool, Refusal> {
    let fault =
        |inside: &dyn std::fmt::Display| Refusal::fault(RefusalKind::ServerError, &record.reference, inside);
    let manifest = ports.issuers.manifest(&add_on.api_type).ok_or_else(|| fault(&"its manifest is gone"))?;
    let issuer = ready_issuer(&*ports.issuers, tenant, add_on, manifest)
        .map_err(|failure| fault(&format!("{}: {failure}", add_on.api_type)))?;
    let context = CallContext { now_unix_ms: record.now_unix_ms, entropy: ports.entropy.draw() };
    match issuer.revoke(token, context).await.map_err(|failure| refusal_of(failure, &record.reference))? {
        RevokeAnswer::Revoked => Ok(true),
        RevokeAnswer::AlreadyGone => Ok(false),
        RevokeAnswer::NotRevocable => Err(not_revocable()),
        RevokeAnswer::Call { .. } | RevokeAnswer::Unknown => Err(fault(&"an answer that is none")),
    }
}

fn text<'p>(parameters: &'p Map<String, Value>, name: &str) -> Result<Option<&'p str>, Refusal> {
    match parameters.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid_request(format!("{name} parameter must be a string"))),
    }
}
