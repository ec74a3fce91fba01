//! Whether an add-on can be granted a lifetime that its issuer gives.

use locum_abi::manifest::IssuerManifest;
use locum_engine::model::{AddOn, DelegationPolicy};
use serde_json::Value;

/// Why every request for the add-on is refused, if its settings or the tenant's ceiling stay below the issuer's minimum.
pub(crate) fn below_minimum(
    policy: &DelegationPolicy,
    add_on: &AddOn,
    manifest: &IssuerManifest,
) -> Option<String> {
    let limits = &manifest.lifetime;
    let minimum = limits.minimum_seconds;
    if let Some(ceiling) = policy.lifetime_ceiling_seconds.filter(|ceiling| *ceiling < minimum) {
        return Some(format!(
            "lifetime_ceiling_seconds is {ceiling}, but {} issues for at least {minimum} s; raise the ceiling or remove the add-on",
            add_on.api_type
        ));
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
