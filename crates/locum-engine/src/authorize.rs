//! May: the one place that decides about client, target, api_type, scope and lifetime.

use std::sync::Arc;

use locum_abi::configuration::{Configuration, Tenant as TenantForIssuer};
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Need, Read};
use serde_json::{Map, Value};

use crate::admit::Admitted;
use crate::authenticate::{Authenticated, known_client};
use crate::claims::Subject;
use crate::ports::{Issuer, Issuers};
use crate::refusal::{Refusal, RefusalKind};
use crate::request::{DelegationRequest, SubjectToken};
use crate::reuse::Reuse;
use crate::scope::KnownUser;
use crate::tenant::{AddOn, Client, Tenant};

/// The api_type of the app target.
pub(crate) const APP: &str = "app";

/// What old SDKs call it.
const APP_SYNONYM: &str = "auth0";

/// A request that may have what it asks for: the grant, and the issuer that is to act on it.
pub struct Authorized {
    pub(crate) grant: Grant,
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) api_type: String,
    pub(crate) form: CredentialForm,
    pub(crate) reuse: Option<Reuse>,
    pub(crate) now_unix_ms: u64,
}

/// Authorises an admitted request. `reference` is told to the client when the fault is inside.
///
/// # Errors
/// The refusal: a client that may not delegate, a target that may not be had, an api_type that is not there, an
/// issuer that cannot work.
pub fn authorize(issuers: &dyn Issuers, admitted: Admitted, reference: &str) -> Result<Authorized, Refusal> {
    let Authenticated { tenant, request, subject, now_unix_ms } = admitted.authenticated;
    let client = known_client(&tenant, &request.client_id)?;
    check_client(client, &request.subject)?;
    let target = allowed_target(&tenant, client, request.target.as_deref())?;
    let add_on = chosen_add_on(issuers, target, request.api_type.as_deref())?;
    check_oidc_conformance(client, target, add_on)?;
    let manifest = issuers.manifest(&add_on.api_type).ok_or_else(|| not_available(&add_on.api_type))?;
    let issuer = ready_issuer(issuers, &tenant, add_on, manifest).map_err(|failure| {
        Refusal::fault(RefusalKind::ServerError, reference, format!("{}: {failure}", add_on.api_type))
    })?;
    let lifetime_seconds = lifetime(&tenant, add_on, manifest, &subject, now_unix_ms, reference)?;
    let grant = grant(&tenant, client, target, add_on, manifest, request, &subject, lifetime_seconds)?;
    let reuse = Reuse::of(&tenant.delegation, manifest, add_on, &grant);
    let (api_type, form) = (add_on.api_type.clone(), manifest.credential.clone());
    Ok(Authorized { grant, issuer, api_type, form, reuse, now_unix_ms })
}

fn check_client(client: &Client, subject: &SubjectToken) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new(RefusalKind::UnauthorizedClient, why));
    if !client.is_first_party {
        return refused("third-party clients cannot delegate");
    }
    match subject {
        SubjectToken::IdToken(_) if !client.grants.id_token => {
            refused("the legacy delegation grant for id_token is not allowed for the client")
        }
        SubjectToken::RefreshToken(_) if !client.grants.refresh_token => {
            refused("the legacy delegation grant for refresh_token is not allowed for the client")
        }
        _ => Ok(()),
    }
}

/// An unknown target and one that does not allow the client look alike: neither can be probed.
fn allowed_target<'t>(
    tenant: &'t Tenant,
    client: &'t Client,
    target: Option<&str>,
) -> Result<&'t Client, Refusal> {
    let Some(target) = target.filter(|target| *target != client.id) else {
        return Ok(client);
    };
    tenant
        .clients
        .get(target)
        .filter(|target| target.allowed_clients.is_empty() || target.allowed_clients.contains(&client.id))
        .ok_or_else(|| {
            Refusal::new(RefusalKind::Unauthorized, "the target is unknown or does not allow the client")
        })
}

fn chosen_add_on<'t>(
    issuers: &dyn Issuers,
    target: &'t Client,
    api_type: Option<&str>,
) -> Result<&'t AddOn, Refusal> {
    match api_type {
        Some(APP | APP_SYNONYM) => Ok(&target.app),
        Some(api_type) => target
            .add_ons
            .iter()
            .find(|add_on| add_on.api_type == api_type)
            .filter(|add_on| issuers.manifest(&add_on.api_type).is_some())
            .ok_or_else(|| not_available(api_type)),
        None => {
            let usable = target.add_ons.iter().find(|add_on| issuers.manifest(&add_on.api_type).is_some());
            Ok(usable.unwrap_or(&target.app))
        }
    }
}

fn not_available(api_type: &str) -> Refusal {
    let name: String =
        api_type.chars().filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c)).take(64).collect();
    Refusal::invalid_request(format!("api_type {name} is unknown or not enabled on the target"))
}

/// Clients under the OIDC-conformant rules take no part in delegation from app to app; add-ons stay open to them.
fn check_oidc_conformance(client: &Client, target: &Client, add_on: &AddOn) -> Result<(), Refusal> {
    if add_on.api_type == APP && (client.oidc_conformant || target.oidc_conformant) {
        return Err(Refusal::new(
            RefusalKind::UnauthorizedClient,
            "OIDC-conformant clients cannot take part in delegation with api_type app",
        ));
    }
    Ok(())
}

/// The add-on's issuer, given no more of the tenant than its manifest asks for.
pub(crate) fn ready_issuer(
    issuers: &dyn Issuers,
    tenant: &Tenant,
    add_on: &AddOn,
    manifest: &IssuerManifest,
) -> Result<Arc<dyn Issuer>, locum_abi::answer::Failure> {
    add_on.slot.ready(|| {
        let signing_key = if manifest.needs.contains(&Need::TenantSigningKey) {
            tenant.keys.first().map(|key| key.signing.clone())
        } else {
            None
        };
        issuers.configure(Configuration {
            api_type: add_on.api_type.clone(),
            settings: add_on.settings.clone(),
            tenant: TenantForIssuer { domain: tenant.domain.clone(), signing_key },
        })
    })
}

/// What the settings ask for, within the issuer's maximum, the tenant's ceiling and, if the tenant says so, the rest
/// of the subject token's life.
fn lifetime(
    tenant: &Tenant,
    add_on: &AddOn,
    manifest: &IssuerManifest,
    subject: &Subject,
    now_unix_ms: u64,
    reference: &str,
) -> Result<u64, Refusal> {
    let promised = &manifest.lifetime;
    let asked = promised.setting.as_ref().and_then(|setting| {
        let units = add_on.settings.get(&setting.name)?.as_u64()?;
        Some(units.saturating_mul(setting.unit_seconds))
    });
    let ceiling = tenant.delegation.lifetime_ceiling_seconds.unwrap_or(u64::MAX);
    let lifetime = asked.unwrap_or(promised.default_seconds).min(promised.maximum_seconds).min(ceiling);
    if lifetime < promised.minimum_seconds {
        let inside = format!(
            "{lifetime} s are asked for or left by the tenant's ceiling; the issuer gives at least {} s",
            promised.minimum_seconds
        );
        return Err(Refusal::fault(RefusalKind::ServerError, reference, inside));
    }
    if !tenant.delegation.cap_to_subject_exp {
        return Ok(lifetime);
    }
    let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
    let left = u64::try_from(subject.expires_at.saturating_sub(now)).unwrap_or(0);
    if left < promised.minimum_seconds {
        return Err(Refusal::invalid_grant("id_token expires too soon for this api_type"));
    }
    Ok(lifetime.min(left))
}

#[expect(clippy::too_many_arguments, reason = "everything a grant is made of, each of its own type")]
fn grant(
    tenant: &Tenant,
    client: &Client,
    target: &Client,
    add_on: &AddOn,
    manifest: &IssuerManifest,
    request: DelegationRequest,
    subject: &Subject,
    lifetime_seconds: u64,
) -> Result<Grant, Refusal> {
    let user = KnownUser {
        user_id: &subject.user_id,
        stored: tenant.users.get(&subject.user_id).map(|user| &user.profile),
        presented: &subject.claims,
    };
    Ok(Grant {
        user_id: subject.user_id.clone(),
        client_id: client.id.clone(),
        target_id: target.id.clone(),
        claims: user.select(&request.scope, &target.scope_aliases),
        profile: read_profile(&user, add_on, manifest),
        parameters: named_as_in_manifest(request.extras, manifest)?,
        scopes: request.scope,
        lifetime_seconds,
    })
}

fn read_profile(user: &KnownUser<'_>, add_on: &AddOn, manifest: &IssuerManifest) -> Map<String, Value> {
    let names = manifest.reads.iter().flat_map(|read| match read {
        Read::Attribute { name } => vec![name.as_str()],
        Read::NamedBySetting { setting, default } => match add_on.settings.get(setting) {
            Some(Value::Object(names)) => names.values().filter_map(Value::as_str).collect(),
            named => named.and_then(Value::as_str).or(default.as_deref()).into_iter().collect(),
        },
        Read::Unknown => Vec::new(),
    });
    names.filter_map(|name| Some((name.to_owned(), user.attribute(name)?))).collect()
}

/// Gives parameters the names that the manifest uses: SDKs send `container_name` for `containerName`.
fn named_as_in_manifest(
    mut extras: Map<String, Value>,
    manifest: &IssuerManifest,
) -> Result<Map<String, Value>, Refusal> {
    let Some(Value::Object(properties)) = manifest.parameters_schema.get("properties") else {
        return Ok(extras);
    };
    for name in properties.keys() {
        let snake = snake_case(name);
        if snake == *name {
            continue;
        }
        if let Some(value) = extras.remove(&snake)
            && extras.insert(name.clone(), value).is_some()
        {
            return Err(Refusal::invalid_request(format!("send either {name} or {snake}, not both")));
        }
    }
    Ok(extras)
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
