//! Which clients of a tenant play the caller and the target: the named ones, or the first ones that can.

use locum_abi::manifest::IssuerManifest;
use locum_engine::model::{Client, ClientKey};
use locum_store::TenantData;

use crate::fixtures::tenant_document::APP;
use crate::fixtures::tested_tenant::{Roles, lifetime_seconds, settings_of};

/// The clients that the operator named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedClients<'a> {
    pub(crate) caller: Option<&'a str>,
    /// For each api_type, the first one that can be its target.
    pub(crate) targets: &'a [String],
}

/// Chooses caller and target for an api_type. The clients about which most cases can be asked come first.
///
/// # Errors
/// Why no client can be the caller, or the target of this api_type.
pub(crate) fn choose(
    data: &TenantData,
    manifest: &IssuerManifest,
    named: NamedClients<'_>,
) -> Result<Roles, String> {
    let callers = callers(data, manifest, named.caller)?;
    let (targets, mut why) = targets(data, manifest, named.targets)?;
    for caller in &callers {
        for target in targets.iter().filter(|target| target.id != caller.id) {
            match usable(data, manifest, caller, target) {
                Ok(()) => return Ok(Roles { caller: caller.id.clone(), target: target.id.clone() }),
                Err(reason) => why = why.or(Some(reason)),
            }
        }
    }
    let api_type = &manifest.api_type;
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    Err(format!(
        "no other client can be a target of {api_type} for {}{why}; name one with --target, or another caller with --caller",
        callers.first().map(|caller| caller.id.as_str()).unwrap_or_default()
    ))
}

fn callers<'d>(
    data: &'d TenantData,
    manifest: &IssuerManifest,
    named: Option<&str>,
) -> Result<Vec<&'d Client>, String> {
    if let Some(id) = named {
        let client = known(data, id, "--caller")?;
        return match unable_to_call(client, manifest) {
            None => Ok(vec![client]),
            Some(why) => {
                Err(format!("the client {id} cannot be the caller: {why}; name another with --caller"))
            }
        };
    }
    let mut able: Vec<&Client> =
        data.clients.iter().filter(|client| unable_to_call(client, manifest).is_none()).collect();
    able.sort_by_key(|client| (client.key == ClientKey::TenantKeys, client.allowed_origins.is_empty()));
    if !able.is_empty() {
        return Ok(able);
    }
    let reasons = data
        .clients
        .iter()
        .filter_map(|client| Some(format!("{}: {}", client.id, unable_to_call(client, manifest)?)));
    let reasons: Vec<String> = reasons.take(REASONS_MAX).collect();
    Err(format!("no client of the tenant can be the caller ({})", reasons.join("; ")))
}

/// The clients that an error lists.
const REASONS_MAX: usize = 5;

/// The possible targets, and why a named client is not among them.
fn targets<'d>(
    data: &'d TenantData,
    manifest: &IssuerManifest,
    named: &[String],
) -> Result<(Vec<&'d Client>, Option<String>), String> {
    let mut candidates = Vec::new();
    for id in named {
        candidates.push(known(data, id, "--target")?);
    }
    if named.is_empty() {
        candidates.extend(&data.clients);
    }
    let api_type = &manifest.api_type;
    let (mut able, unable): (Vec<&Client>, Vec<&Client>) =
        candidates.into_iter().partition(|client| unable_to_be_targeted(client, api_type).is_none());
    let reason = unable
        .first()
        .and_then(|client| Some(format!("{}: {}", client.id, unable_to_be_targeted(client, api_type)?)));
    if able.is_empty() {
        return Err(match (named.is_empty(), reason) {
            (true, _) if api_type != APP => format!("no client of the tenant has the add-on {api_type}"),
            (_, Some(reason)) => format!("no client can be a target of {api_type} ({reason})"),
            (_, None) => "the tenant has no clients".to_owned(),
        });
    }
    if named.is_empty() && api_type == APP {
        let uses_tenant_key =
            |client: &Client| client.app.settings.get("alg").is_some_and(|alg| alg != "HS256");
        let has_lifetime = |client: &Client| client.app.settings.contains_key("lifetime_in_seconds");
        able.sort_by_key(|client| {
            (uses_tenant_key(client), !client.add_ons.is_empty(), has_lifetime(client))
        });
    }
    Ok((able, reason))
}

fn known<'d>(data: &'d TenantData, id: &str, flag: &str) -> Result<&'d Client, String> {
    let found = data.clients.iter().find(|client| client.id == id);
    found.ok_or_else(|| format!("the tenant file has no client {id}; check {flag}"))
}

fn unable_to_call(client: &Client, manifest: &IssuerManifest) -> Option<&'static str> {
    if !client.is_first_party {
        Some("it is a third-party client")
    } else if !client.grants.id_token {
        Some("it lacks the legacy delegation grant for id_token")
    } else if client.key == ClientKey::None {
        Some("it has no client_secret, so the suite cannot sign its id_tokens")
    } else if client.oidc_conformant && manifest.api_type == APP {
        Some("it is OIDC-conformant, and api_type app is not for such clients")
    } else {
        None
    }
}

fn unable_to_be_targeted(client: &Client, api_type: &str) -> Option<&'static str> {
    if api_type != APP {
        let has_add_on = client.add_ons.iter().any(|add_on| add_on.api_type == api_type);
        return (!has_add_on).then_some("it lacks the add-on");
    }
    let is_verifiable = match client.app.settings.get("alg").and_then(|alg| alg.as_str()) {
        Some("HS256") => matches!(client.key, ClientKey::Secret(_)),
        Some("RS256") => client.key == ClientKey::TenantKeys,
        _ => false,
    };
    if client.oidc_conformant {
        Some("it is OIDC-conformant, and api_type app is not for such clients")
    } else if !is_verifiable {
        Some("the suite can verify only HS256 tokens of a client with a client_secret, and RS256 tokens")
    } else {
        None
    }
}

fn usable(
    data: &TenantData,
    manifest: &IssuerManifest,
    caller: &Client,
    target: &Client,
) -> Result<(), String> {
    let allowed = &target.allowed_clients;
    if !allowed.is_empty() && !allowed.contains(&caller.id) {
        return Err(format!("{} does not allow it", target.id));
    }
    let settings = settings_of(target, &manifest.api_type);
    let lifetime = lifetime_seconds(&settings, &data.tenant.delegation, manifest);
    let minimum = manifest.lifetime.minimum_seconds;
    if lifetime < minimum {
        return Err(format!(
            "{} gets a lifetime of {lifetime} s, below the minimum of {minimum} s",
            target.id
        ));
    }
    Ok(())
}
