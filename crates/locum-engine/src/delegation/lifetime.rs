//! The lifetime that is granted to a credential.

use locum_abi::manifest::Lifetime;

use crate::delegation::authenticate::Authenticated;
use crate::delegation::session;
use crate::prepared::PreparedAddOn;
use crate::refusal::{Refusal, RefusalKind};

/// The lifetime in seconds: that of the add-on's setting, else the issuer's default; limited by the issuer's maximum,
/// the tenant's ceiling and, if the tenant requires it, what is left of the subject token and of the session.
pub(super) fn granted_seconds(
    authenticated: &Authenticated<'_>,
    add_on: &PreparedAddOn,
    limits: &Lifetime,
    reference: &str,
) -> Result<u64, Refusal> {
    let policy = authenticated.tenant.delegation();
    let session = session::seconds_left(authenticated)?;
    let stated = limits.setting.as_ref().and_then(|setting| {
        let units = add_on.setting(&setting.name)?.as_u64()?;
        Some(units.saturating_mul(setting.unit_seconds))
    });
    let lifetime = limited(stated, limits, policy.lifetime_ceiling_seconds);
    if lifetime < limits.minimum_seconds {
        let inside = format!(
            "the settings or the tenant's ceiling allow {lifetime} s; the issuer's minimum is {} s",
            limits.minimum_seconds
        );
        return Err(Refusal::fault(RefusalKind::ServerError, reference, inside));
    }
    let token = policy
        .cap_to_subject_exp
        .then(|| seconds_left(authenticated.subject.expires_at, authenticated.now()));
    for (left, too_soon) in [
        (token, "id_token expires too soon for this api_type"),
        (session, "the session ends too soon for this api_type; sign the user in again"),
    ] {
        if left.is_some_and(|left| left < limits.minimum_seconds) {
            return Err(Refusal::invalid_grant(too_soon));
        }
    }
    Ok([Some(lifetime), token, session].into_iter().flatten().min().unwrap_or(lifetime))
}

fn limited(stated: Option<u64>, limits: &Lifetime, ceiling_seconds: Option<u64>) -> u64 {
    let ceiling = ceiling_seconds.unwrap_or(u64::MAX);
    stated.unwrap_or(limits.default_seconds).min(limits.maximum_seconds).min(ceiling)
}

/// Seconds until `expires_at`; zero if it is past. Both are in unix seconds.
fn seconds_left(expires_at: i64, now: i64) -> u64 {
    u64::try_from(expires_at.saturating_sub(now)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Lifetime =
        Lifetime { minimum_seconds: 60, default_seconds: 3600, maximum_seconds: 36_000, setting: None };

    #[test]
    fn the_stated_lifetime_replaces_the_default() {
        assert_eq!(limited(None, &LIMITS, None), 3600);
        assert_eq!(limited(Some(120), &LIMITS, None), 120);
        assert_eq!(limited(Some(7200), &LIMITS, None), 7200);
    }

    #[test]
    fn maximum_and_ceiling_limit_every_lifetime() {
        assert_eq!(limited(Some(u64::MAX), &LIMITS, None), 36_000);
        assert_eq!(limited(Some(u64::MAX), &LIMITS, Some(600)), 600);
        assert_eq!(limited(None, &LIMITS, Some(600)), 600);
        assert_eq!(limited(Some(120), &LIMITS, Some(600)), 120);
        assert_eq!(limited(None, &LIMITS, Some(100_000)), 3600);
    }

    #[test]
    fn an_expired_token_has_no_seconds_left() {
        assert_eq!(seconds_left(1000, 400), 600);
        for expires_at in [400, 399, 0, i64::MIN] {
            assert_eq!(seconds_left(expires_at, 400), 0, "{expires_at}");
        }
    }
}
