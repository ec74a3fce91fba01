//! The lifetime that is granted to a credential.

use locum_abi::manifest::Lifetime;

use crate::delegation::authenticate::Authenticated;
use crate::prepared::PreparedAddOn;
use crate::refusal::{Refusal, RefusalKind};

/// The lifetime in seconds: that of the add-on's setting, else the issuer's default; limited by the issuer's maximum,
/// the tenant's ceiling and, if the tenant requires it, the remaining lifetime of the subject token.
pub(super) fn granted_seconds(
    authenticated: &Authenticated,
    add_on: &PreparedAddOn,
    limits: &Lifetime,
    reference: &str,
) -> Result<u64, Refusal> {
    let Authenticated { tenant, subject, now_unix_ms, .. } = authenticated;
    let policy = tenant.delegation();
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
    if !policy.cap_to_subject_exp {
        return Ok(lifetime);
    }
    let left = seconds_left(subject.expires_at, *now_unix_ms);
    if left < limits.minimum_seconds {
        return Err(Refusal::invalid_grant("id_token expires too soon for this api_type"));
    }
    Ok(lifetime.min(left))
}

fn limited(stated: Option<u64>, limits: &Lifetime, ceiling_seconds: Option<u64>) -> u64 {
    let ceiling = ceiling_seconds.unwrap_or(u64::MAX);
    stated.unwrap_or(limits.default_seconds).min(limits.maximum_seconds).min(ceiling)
}

/// Whole seconds until `expires_at`, in unix seconds; zero if it is past.
fn seconds_left(expires_at: i64, now_unix_ms: u64) -> u64 {
    let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
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
        assert_eq!(seconds_left(1000, 400_999), 600);
        for expires_at in [400, 399, 0, i64::MIN] {
            assert_eq!(seconds_left(expires_at, 400_999), 0, "{expires_at}");
        }
        assert_eq!(seconds_left(i64::MAX, u64::MAX), i64::MAX as u64 - u64::MAX / 1000);
    }
}
