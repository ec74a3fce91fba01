//! The lifetime that a credential is granted.

use crate::delegation::authenticate::Authenticated;
use crate::prepared::PreparedAddOn;
use crate::refusal::{Refusal, RefusalKind};

/// The lifetime that the settings state, in seconds, within the issuer's maximum, the tenant's ceiling and, if the tenant
/// says so, what is left of the subject token's own lifetime.
pub(super) fn granted_seconds(
    authenticated: &Authenticated,
    add_on: &PreparedAddOn,
    limits: &locum_abi::manifest::Lifetime,
    reference: &str,
) -> Result<u64, Refusal> {
    let Authenticated { tenant, subject, now_unix_ms, .. } = authenticated;
    let policy = tenant.delegation();
    let stated = limits.setting.as_ref().and_then(|setting| {
        let units = add_on.setting(&setting.name)?.as_u64()?;
        Some(units.saturating_mul(setting.unit_seconds))
    });
    let ceiling = policy.lifetime_ceiling_seconds.unwrap_or(u64::MAX);
    let lifetime = stated.unwrap_or(limits.default_seconds).min(limits.maximum_seconds).min(ceiling);
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
    let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
    let left = u64::try_from(subject.expires_at.saturating_sub(now)).unwrap_or(0);
    if left < limits.minimum_seconds {
        return Err(Refusal::invalid_grant("id_token expires too soon for this api_type"));
    }
    Ok(lifetime.min(left))
}
