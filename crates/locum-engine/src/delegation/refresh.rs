//! Issues refresh tokens, and renews those that were used.

use std::sync::Arc;

use locum_abi::secret::Secret;

use crate::credential::{Credential, Issued};
use crate::delegation::admit::Admitted;
use crate::delegation::authenticate::Authenticated;
use crate::delegation::authorize::{about_token, allowed_target, check_client};
use crate::delegation::refresh_subject::{UsedRefreshToken, reused, rules_of, unknown};
use crate::delegation::request::Wanted;
use crate::delegation::scope::{KnownUser, check_bound};
use crate::delegation::session;
use crate::limits::AUDIT_TEXT_MAX;
use crate::model::RefreshTokenRules;
use crate::ports::{Entropy, Ports};
use crate::prepared::PreparedTenant;
use crate::refresh_tokens::{RefreshToken, RefreshTokenHash, Rotation};
use crate::refusal::{Refusal, RefusalKind};

/// The scope word that a request for a refresh token needs (OpenID Connect Core section 11).
const OFFLINE_ACCESS: &str = "offline_access";

/// What the answer calls a refresh token, where other credentials have their api_type: no plugin issues it.
pub(crate) const REFRESH_TOKEN_TYPE: &str = "refresh_token";

/// How much later a token's idle time must end for that to be stored: a use is no reason to write each time.
const KEPT_SECONDS_MIN: i64 = 60;

/// Issues a refresh token to the calling client for itself. Returns it with the granted scopes, separated by spaces, unless they
/// are the requested ones.
///
/// # Errors
/// The client may not have one, asks for another client or without `offline_access`, or presents a token that cannot become
/// one; or a store is unavailable.
pub(crate) async fn issue_refresh_token(
    ports: &Ports,
    admitted: Admitted<'_>,
) -> Result<(Issued, Option<String>), Refusal> {
    let authenticated = admitted.authenticated;
    let Authenticated { tenant, client, request, subject, user, refresh_token: used, .. } = &authenticated;
    check_client(client.client(), request)?;
    let about = about_token(&*ports.directory, &authenticated).await?;
    let target = allowed_target(&*ports.directory, &authenticated).await?;
    let rules = rules_for(&authenticated, target.id())?;
    let bound = subject.scope.as_deref();
    check_bound(&request.scope, bound, request.subject.parameter)?;
    let known = KnownUser::of(subject, user.as_deref(), about.is_chain);
    let private = &tenant.delegation().private_attributes;
    let aliases = &target.client().scope_aliases;
    let is_granted =
        |word: &&String| *word == OFFLINE_ACCESS || known.is_granted(word, bound, aliases, private);
    let scope: Vec<String> = request.scope.iter().filter(is_granted).cloned().collect();
    let now = authenticated.now();
    let ends = [
        rules.expires_at(now),
        session::seconds_left(&authenticated)?.map(|left| now.saturating_add_unsigned(left)),
        used.as_ref().and_then(|used| used.token.expires_at),
        tenant.delegation().cap_to_subject_exp.then_some(subject.expires_at),
    ];
    let (text, hash) = RefreshTokenHash::of_new_token(ports.entropy.draw());
    let token = RefreshToken {
        client_id: client.id().to_owned(),
        user_id: subject.user_id.clone(),
        family: family(used.as_deref(), &*ports.entropy),
        act: about.act,
        signed_in_at: subject.signed_in_at,
        device: request.device.as_deref().map(stored),
        created_at: now,
        expires_at: ends.into_iter().flatten().min(),
        idle_expires_at: rules.idle_expires_at(now),
        rotated_at: None,
        revoked_at: None,
        scope,
    };
    let expires_at = token.ends_at();
    let scope = (token.scope != request.scope).then(|| token.scope.join(" "));
    let added = ports.refresh_tokens.add(tenant.domain(), hash, token).wait().await;
    if !added.map_err(Refusal::unavailable)? {
        // The one that it follows from was revoked meanwhile.
        return Err(unknown(request.subject.parameter));
    }
    let credential =
        Credential::Text { member: REFRESH_TOKEN_TYPE.to_owned(), text: text.expose().to_owned() };
    Ok((Issued { credential, expires_at, reused: false }, scope))
}

/// The rules for the refresh token that a request asks for.
fn rules_for(authenticated: &Authenticated<'_>, target: &str) -> Result<RefreshTokenRules, Refusal> {
    let Authenticated { client, request, refresh_token, .. } = authenticated;
    let invalid_target = |why: &str| Refusal::new(RefusalKind::InvalidTarget, why);
    if target != client.id() {
        return Err(invalid_target("a refresh token is only issued for the calling client itself"));
    }
    if !request.scope.iter().any(|word| word == OFFLINE_ACCESS) {
        return Err(invalid_target("a refresh token needs the scope offline_access"));
    }
    let rules = rules_of(client)?;
    // The theft of a token is seen when its successor is used twice, and one made beside it would never be seen.
    if rules.rotates && refresh_token.is_some() {
        return Err(invalid_target(
            "another refresh token is made from one that rotates only by the grant refresh_token",
        ));
    }
    Ok(rules)
}

/// What is stored of the parameter `device`: a name for people to read.
fn stored(device: &str) -> String {
    device.chars().filter(|c| !c.is_control()).take(AUDIT_TEXT_MAX).collect()
}

fn family(used: Option<&UsedRefreshToken>, entropy: &dyn Entropy) -> String {
    used.map_or_else(|| RefreshToken::new_family(entropy.draw()), |used| used.token.family.clone())
}

/// What remains to be done with a refresh token for which a credential is issued.
pub(crate) struct Renewal {
    tenant: Arc<PreparedTenant>,
    used: Box<UsedRefreshToken>,
    parameter: &'static str,
    device: Option<String>,
    /// Whether the answer can carry a successor.
    is_refreshed: bool,
    now: i64,
}

impl Renewal {
    /// That of a request, if it presents a refresh token.
    pub(crate) fn of(admitted: &Admitted<'_>) -> Option<Self> {
        let Authenticated { tenant, request, refresh_token, .. } = &admitted.authenticated;
        Some(Self {
            used: refresh_token.clone()?,
            tenant: Arc::clone(tenant),
            parameter: request.subject.parameter,
            device: request.device.as_deref().map(stored),
            is_refreshed: request.wanted == Wanted::Refreshed,
            now: admitted.authenticated.now(),
        })
    }

    /// After the credential was issued: replaces a token that rotates and returns its successor, or notes that the token was
    /// used.
    ///
    /// # Errors
    /// Another request has replaced the token, or the store is unavailable. The credential must not be handed out.
    pub(crate) async fn complete(self, ports: &Ports) -> Result<Option<Secret>, Refusal> {
        let Self { tenant, now, .. } = self;
        let UsedRefreshToken { hash, token, rules } = *self.used;
        let store = &ports.refresh_tokens;
        let idle_expires_at = rules.idle_expires_at(now);
        if self.is_refreshed && rules.rotates {
            let (text, successor) = RefreshTokenHash::of_new_token(ports.entropy.draw());
            let record = RefreshToken {
                device: self.device.or(token.device),
                created_at: now,
                idle_expires_at,
                rotated_at: None,
                ..token
            };
            let rotation = store
                .rotate(tenant.domain(), &hash, (successor, record), now, rules.leeway_seconds)
                .wait()
                .await
                .map_err(Refusal::unavailable)?;
            return match rotation {
                Rotation::Done => Ok(Some(text)),
                Rotation::Reused => Err(reused(self.parameter)),
                Rotation::Gone => Err(unknown(self.parameter)),
            };
        }
        let kept = |end: &i64| token.idle_expires_at.is_none_or(|old| end - old >= KEPT_SECONDS_MIN);
        if let Some(end) = idle_expires_at.filter(kept) {
            store.keep_until(tenant.domain(), &hash, end).wait().await.map_err(Refusal::unavailable)?;
        }
        Ok(None)
    }
}
