//! Authorize: decides about client, target, api_type, scope and lifetime. Nothing else does.

use std::sync::Arc;

use locum_abi::grant::Grant;
use locum_abi::manifest::{IssuerManifest, Read};
use serde_json::{Map, Value};

use crate::credential::Promised;
use crate::delegation::act_claim::act_claim;
use crate::delegation::admit::Admitted;
use crate::delegation::authenticate::Authenticated;
use crate::delegation::lifetime;
use crate::delegation::request::{DelegationRequest, PresentedKind, Wanted};
use crate::delegation::scope::{self, KnownUser};
use crate::delegation::session;
use crate::delegation::snake_case::snake_case;
use crate::mask::mask_tokens;
use crate::model::Client;
use crate::observer::Endpoint;
use crate::ports::{Directory, Issuer};
use crate::prepared::{PreparedAddOn, PreparedClient, PreparedTenant, Reuse};
use crate::refusal::{Refusal, RefusalKind};

/// The api_type of the app target.
pub(super) const APP: &str = "app";

/// The name of the app target in old Auth0 SDKs.
const APP_SYNONYM: &str = "auth0";

/// An authorised request: the grant, and the issuer for it.
pub struct Authorized {
    pub(crate) tenant: Arc<PreparedTenant>,
    pub(crate) grant: Grant,
    pub(crate) issuer: Arc<dyn Issuer>,
    pub(crate) api_type: String,
    /// The granted scopes, separated by spaces; absent if they are the requested ones.
    pub(crate) scope: Option<String>,
    pub(crate) promised: Promised,
    pub(crate) reuse: Option<Reuse>,
    pub(crate) now_unix_ms: u64,
}

/// Authorises an admitted request. The refusal of an internal error contains `reference`.
///
/// # Errors
/// The client may not delegate, the target is unknown or does not allow the client, the api_type is not enabled, the
/// add-on does not work, or the directory is unavailable.
pub async fn authorize(
    directory: &dyn Directory,
    admitted: Admitted<'_>,
    reference: &str,
) -> Result<Authorized, Refusal> {
    let authenticated = admitted.authenticated;
    let client = authenticated.client.client();
    check_client(client, &authenticated.request)?;
    let about = about_token(directory, &authenticated).await?;
    let target = allowed_target(directory, &authenticated).await?;
    let (add_on, manifest) = chosen_add_on(&target, authenticated.request.api_type.as_deref())?;
    check_oidc_conformance(client, target.client(), add_on)?;
    let issuer = add_on.issuer().map_err(|failure| {
        Refusal::fault(RefusalKind::ServerError, reference, format!("{}: {failure}", add_on.api_type()))
    })?;
    let seconds = lifetime::granted_seconds(&authenticated, add_on, &manifest.lifetime, reference)?;
    let now_unix_ms = authenticated.now_unix_ms;
    let tenant = Arc::clone(&authenticated.tenant);
    let (grant, scope) = grant(authenticated, about, target.client(), add_on, manifest, seconds)?;
    Ok(Authorized {
        reuse: Reuse::of(tenant.delegation(), manifest, add_on.reusable(), &grant),
        tenant,
        grant,
        scope,
        issuer: Arc::clone(issuer),
        api_type: add_on.api_type().to_owned(),
        promised: Promised::of(manifest),
        now_unix_ms,
    })
}

pub(super) fn check_client(client: &Client, request: &DelegationRequest) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new(RefusalKind::UnauthorizedClient, why));
    if !client.is_first_party {
        return refused("third-party clients cannot delegate");
    }
    if request.wanted == Wanted::Refreshed {
        // A grant of its own, without which there is no refresh token.
        return Ok(());
    }
    match request.subject.kind {
        PresentedKind::RefreshToken if !client.grants.refresh_token => {
            refused("the legacy delegation grant for refresh_token is not allowed for the client")
        }
        PresentedKind::IdToken | PresentedKind::AccessToken | PresentedKind::Jwt
            if !client.grants.id_token =>
        {
            refused("the legacy delegation grant for id_token is not allowed for the client")
        }
        _ => Ok(()),
    }
}

/// Refuses an unknown target and one that does not allow the client with the same text, so that nobody can probe for
/// clients.
pub(super) async fn allowed_target(
    directory: &dyn Directory,
    authenticated: &Authenticated<'_>,
) -> Result<Arc<PreparedClient>, Refusal> {
    let Authenticated { client, request, actor, .. } = authenticated;
    let target = named_target(directory, authenticated).await?;
    let target = target.filter(|target| target.client().allows(client.id())).ok_or_else(|| {
        Refusal::new(RefusalKind::InvalidTarget, "the target is unknown or does not allow the client")
    })?;
    if target.client().require_actor && actor.is_none() {
        let instead = match request.endpoint {
            Endpoint::Token => "; send it as actor_token",
            _ => "; send it as actor_token to /oauth/token",
        };
        let description = format!("the target demands the token of an actor{instead}");
        return Err(Refusal::new(RefusalKind::UnauthorizedClient, description));
    }
    Ok(target)
}

/// The client that the request names as its target, by id, by a resource, or by both.
async fn named_target(
    directory: &dyn Directory,
    authenticated: &Authenticated<'_>,
) -> Result<Option<Arc<PreparedClient>>, Refusal> {
    let Authenticated { tenant, client, request, .. } = authenticated;
    let by_id = match request.target.as_deref() {
        Some(id) if id != client.id() => {
            Some(directory.client(tenant, id).wait().await.map_err(Refusal::unavailable)?)
        }
        Some(_) => Some(Some(Arc::clone(client))),
        None => None,
    };
    let Some(resource) = request.resource.as_deref() else {
        return Ok(by_id.unwrap_or_else(|| Some(Arc::clone(client))));
    };
    let by_resource =
        directory.client_by_resource(tenant, resource).wait().await.map_err(Refusal::unavailable)?;
    // Two names must be of one target.
    Ok(by_resource
        .filter(|target| by_id.is_none_or(|by_id| by_id.is_some_and(|by_id| by_id.id() == target.id()))))
}

/// The add-on of this api_type; without one, the first add-on, else the app. Add-ons whose plugin is not loaded are
/// skipped.
fn chosen_add_on<'t>(
    target: &'t PreparedClient,
    api_type: Option<&str>,
) -> Result<(&'t PreparedAddOn, &'t IssuerManifest), Refusal> {
    let served = |add_on: &'t PreparedAddOn| Some((add_on, add_on.manifest()?));
    let mut add_ons = target.add_ons().iter().filter_map(served);
    let app = served(target.app());
    match api_type {
        None => add_ons.next().or(app).ok_or_else(|| not_available(APP)),
        Some(APP | APP_SYNONYM) => app.ok_or_else(|| not_available(APP)),
        Some(api_type) => {
            add_ons.find(|(add_on, _)| add_on.api_type() == api_type).ok_or_else(|| not_available(api_type))
        }
    }
}

fn not_available(api_type: &str) -> Refusal {
    let name: String = mask_tokens(api_type)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "_-.".contains(*c))
        .take(64)
        .collect();
    Refusal::invalid_request(format!("api_type {name} is unknown or not enabled on the target"))
}

/// Refuses the app target if either client is OIDC-conformant, as Auth0 did. Add-ons are not affected.
fn check_oidc_conformance(client: &Client, target: &Client, add_on: &PreparedAddOn) -> Result<(), Refusal> {
    if add_on.api_type() == APP && (client.oidc_conformant || target.oidc_conformant) {
        return Err(Refusal::new(
            RefusalKind::UnauthorizedClient,
            "OIDC-conformant clients cannot take part in delegation with api_type app",
        ));
    }
    Ok(())
}

/// What the subject token means for the grant.
pub(super) struct AboutToken {
    pub(super) is_chain: bool,
    /// The claim `act`.
    pub(super) act: Option<Value>,
}

/// Checks whether this client may exchange the token, alone or with the actor of the request.
pub(super) async fn about_token(
    directory: &dyn Directory,
    authenticated: &Authenticated<'_>,
) -> Result<AboutToken, Refusal> {
    let is_chain = session::check_chain(directory, authenticated).await?;
    Ok(AboutToken { is_chain, act: act_claim(authenticated)? })
}

/// The grant, and the granted scopes unless they are the requested ones.
fn grant(
    authenticated: Authenticated<'_>,
    about: AboutToken,
    target: &Client,
    add_on: &PreparedAddOn,
    manifest: &IssuerManifest,
    lifetime_seconds: u64,
) -> Result<(Grant, Option<String>), Refusal> {
    let Authenticated { tenant, client, request, subject, user, .. } = authenticated;
    let bound = subject.scope.as_deref();
    scope::check_bound(&request.scope, bound, request.subject.parameter)?;
    let known = KnownUser::of(&subject, user.as_deref(), about.is_chain);
    let policy = tenant.delegation();
    let mut claims = known.select(&request.scope, &target.scope_aliases, &policy.private_attributes);
    let scope = match request.endpoint {
        Endpoint::Delegation if !policy.carry_scope => Vec::new(),
        _ => known.granted(&request.scope, bound, &target.scope_aliases, &policy.private_attributes),
    };
    if add_on.api_type() == APP {
        if policy.session_seconds.is_some() {
            // The next exchange counts from the same sign-in.
            claims.insert("auth_time".to_owned(), subject.signed_in_at.into());
        }
        if !scope.is_empty() {
            claims.insert("scope".to_owned(), scope.join(" ").into());
        }
        claims.extend(about.act.map(|act| ("act".to_owned(), act)));
    }
    let scope = (!scope.is_empty() && scope != request.scope).then(|| scope.join(" "));
    let grant = Grant {
        claims,
        profile: read_profile(&known, add_on, manifest),
        parameters: named_as_in_manifest(request.extras, manifest)?,
        scopes: request.scope,
        user_id: subject.user_id,
        client_id: client.id().to_owned(),
        target_id: target.id.clone(),
        lifetime_seconds,
    };
    Ok((grant, scope))
}

fn read_profile(
    user: &KnownUser<'_>,
    add_on: &PreparedAddOn,
    manifest: &IssuerManifest,
) -> Map<String, Value> {
    let names = manifest.reads.iter().flat_map(|read| match read {
        Read::Attribute { name } => vec![name.as_str()],
        Read::NamedBySetting { setting, default } => match add_on.setting(setting) {
            Some(Value::Object(names)) => names.values().filter_map(Value::as_str).collect(),
            named => named.and_then(Value::as_str).or(default.as_deref()).into_iter().collect(),
        },
        Read::Unknown => Vec::new(),
    });
    names.filter_map(|name| Some((name.to_owned(), user.attribute(name)?))).collect()
}

/// Renames parameters to the names in the manifest: some SDKs send `container_name` for `containerName`.
fn named_as_in_manifest(
    mut extras: Map<String, Value>,
    manifest: &IssuerManifest,
) -> Result<Map<String, Value>, Refusal> {
    if extras.is_empty() {
        return Ok(extras);
    }
    let Some(Value::Object(properties)) = manifest.parameters_schema.get("properties") else {
        return Ok(extras);
    };
    for name in properties.keys() {
        let snake = snake_case(name);
        // Both spellings may be parameters of the issuer's own.
        if snake == *name || properties.contains_key(&snake) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delegation::request::PresentedToken;

    #[test]
    fn each_kind_of_subject_token_needs_its_own_grant() {
        for (id_token, refresh_token) in [(true, true), (true, false), (false, true), (false, false)] {
            let request = |kind| DelegationRequest::new("caller", PresentedToken::new(kind, "token"));
            let mut client = Client::new("caller");
            client.grants = crate::model::LegacyGrants { id_token, refresh_token };
            for (kind, expected) in [
                (PresentedKind::IdToken, id_token),
                (PresentedKind::AccessToken, id_token),
                (PresentedKind::Jwt, id_token),
                (PresentedKind::RefreshToken, refresh_token),
            ] {
                client.is_first_party = true;
                assert_eq!(check_client(&client, &request(kind)).is_ok(), expected, "{kind:?}");
                client.is_first_party = false;
                assert!(check_client(&client, &request(kind)).is_err());
            }
        }
    }
}
