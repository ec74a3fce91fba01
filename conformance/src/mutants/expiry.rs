//! Mutants of the lifetime: too long, too short, or other than the response states.

use serde_json::{Map, Value};

use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Expiry,
        vec![
            (
                "lengthens-the-lifetime",
                "A token expires a minute later than granted.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| shift(claims, "exp", 60))
                }),
            ),
            (
                "halves-the-lifetime",
                "A token has half of its granted lifetime.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, grant, context| {
                    let half = i64::try_from(grant.lifetime_seconds / 2).unwrap_or(0);
                    context.rewrite(issued, |_, claims| shift(claims, "exp", -half));
                }),
            ),
            (
                "backdates-the-token",
                "The issue time and expiry of a token are five minutes too early.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| {
                        shift(claims, "iat", -300);
                        shift(claims, "exp", -300);
                    })
                }),
            ),
            (
                "overstates-expires-in",
                "The stated lifetime is a second longer than that of the token.",
                &[Feature::Jwt],
                &[],
                Fault::Response(|response, _| {
                    if let Some(mut body) = response.object() {
                        shift(&mut body, "expires_in", 1);
                        response.body = Value::Object(body).to_string();
                    }
                }),
            ),
            (
                "ignores-the-lifetime-setting",
                "The lifetime setting is ignored.",
                &[Feature::LifetimeSetting],
                &[Feature::EndSetUpstream],
                Fault::Manifest(|manifest| manifest.lifetime.setting = None),
            ),
            (
                "reads-the-lifetime-setting-in-another-unit",
                "The lifetime setting is read in another unit.",
                &[Feature::LifetimeSetting],
                &[Feature::EndSetUpstream],
                Fault::Manifest(|manifest| {
                    if let Some(setting) = &mut manifest.lifetime.setting {
                        setting.unit_seconds = if setting.unit_seconds == 1 { 60 } else { 1 };
                    }
                }),
            ),
            (
                "has-another-default-lifetime",
                "The default lifetime is a minute longer than in the manifest.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Manifest(|manifest| {
                    manifest.lifetime.maximum_seconds += 60;
                    manifest.lifetime.default_seconds += 60;
                }),
            ),
            (
                "ignores-the-lifetime-ceiling",
                "The tenant's lifetime ceiling is ignored.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Tenant(|data| data.tenant.delegation.lifetime_ceiling_seconds = None),
            ),
            (
                "ignores-the-cap-to-the-id-token",
                "A credential expires after its id_token, although the tenant forbids this.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Tenant(|data| data.tenant.delegation.cap_to_subject_exp = false),
            ),
            (
                "always-caps-to-the-id-token",
                "A credential expires with its id_token, although the tenant does not require this.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Tenant(|data| data.tenant.delegation.cap_to_subject_exp = true),
            ),
            (
                "reuses-the-first-credential",
                "A later request gets the credential of the first request.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Issued(|issued, grant, context| {
                    let first =
                        context.first_issued(&format!("{} {}", grant.user_id, grant.target_id), issued);
                    *issued = first;
                }),
            ),
            (
                "drops-the-expiry-from-audit-events",
                "The audit event lacks the expiry of the credential.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Audit(|mut event| {
                    event.expires_at = None;
                    vec![event]
                }),
            ),
        ],
    )
}

fn shift(claims: &mut Map<String, Value>, name: &str, seconds: i64) {
    if let Some(time) = claims.get(name).and_then(Value::as_i64) {
        claims.insert(name.to_owned(), (time + seconds).into());
    }
}
