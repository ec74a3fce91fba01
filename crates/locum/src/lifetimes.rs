//! Whether an add-on can be granted a lifetime that its issuer gives.

use locum_abi::manifest::IssuerManifest;
use locum_engine::model::{AddOn, DelegationPolicy};
use serde_json::Value;

/// Why every request for the add-on is refused, if its settings or the tenant's limits stay below the issuer's minimum.
pub(crate) fn below_minimum(
    policy: &DelegationPolicy,
    add_on: &AddOn,
    manifest: &IssuerManifest,
) -> Option<String> {
    let limits = &manifest.lifetime;
    let minimum = limits.minimum_seconds;
    for (field, limit) in [
        ("lifetime_ceiling_seconds", policy.lifetime_ceiling_seconds),
        ("session_seconds", policy.session_seconds),
    ] {
        if let Some(limit) = limit.filter(|limit| *limit < minimum) {
            return Some(format!(
                "{field} is {limit}, but {} issues for at least {minimum} s; raise it or remove the add-on",
                add_on.api_type
            ));
        }
    }
    let setting = limits.setting.as_ref()?;
    let units = add_on.settings.get(&setting.name).and_then(Value::as_u64)?;
    let stated = units.saturating_mul(setting.unit_seconds);
    (stated < minimum).then(|| {
        format!(
            "{} asks for {stated} s, but {} issues for at least {minimum} s; raise it",
            setting.name, add_on.api_type
        )
    })
}
