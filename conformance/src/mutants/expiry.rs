//! Mutants of the lifetimes: too long, too short, or not what the answer says.

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
                "lengthens-the-life",
                "A token lives a minute longer than it was granted.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, _, context| {
                    context.rewrite(issued, |_, claims| shift(claims, "exp", 60))
                }),
            ),
            (
                "halves-the-life",
                "A token lives half as long as it was granted.",
                &[Feature::Jwt],
                &[],
                Fault::Issued(|issued, grant, context| {
                    let half = i64::try_from(grant.lifetime_seconds / 2).unwrap_or(0);
                    context.rewrite(issued, |_, claims| shift(claims, "exp", -half));
                }),
            ),
            (
                "backdates-the-start",
                "A token says that it was issued five minutes ago.",
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
                "lies-about-expires-in",
                "The answer says that the token lives a second longer than it does.",
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
                "The setting that asks for a lifetime means nothing.",
                &[Feature::LifetimeSetting],
                &[Feature::EndSetUpstream],
                Fault::Manifest(|manifest| manifest.lifetime.setting = None),
            ),
            (
                "counts-in-another-unit",
                "The setting that asks for a lifetime is counted in another unit.",
                &[Feature::LifetimeSetting],
                &[Feature::EndSetUpstream],
                Fault::Manifest(|manifest| {
                    if let Some(setting) = &mut manifest.lifetime.setting {
                        setting.unit_seconds = if setting.unit_seconds == 1 { 60 } else { 1 };
                    }
                }),
            ),
            (
                "has-another-default",
                "Settings that ask for nothing get a minute more than the manifest says.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Manifest(|manifest| {
                    manifest.lifetime.maximum_seconds += 60;
                    manifest.lifetime.default_seconds += 60;
                }),
            ),
            (
                "ignores-the-ceiling",
                "The tenant's ceiling means nothing.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Tenant(|tenant| tenant.delegation.lifetime_ceiling_seconds = None),
            ),
            (
                "never-ends-with-the-id-token",
                "A credential outlives its id_token, though the tenant says otherwise.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Tenant(|tenant| tenant.delegation.cap_to_subject_exp = false),
            ),
            (
                "always-ends-with-the-id-token",
                "A credential ends with its id_token, though no tenant says so.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Tenant(|tenant| tenant.delegation.cap_to_subject_exp = true),
            ),
            (
                "hands-out-the-first-credential-again",
                "Whoever asks again gets the credential of the first time.",
                &[],
                &[Feature::EndSetUpstream],
                Fault::Issued(|issued, grant, context| {
                    let first =
                        context.first_issued(&format!("{} {}", grant.user_id, grant.target_id), issued);
                    *issued = first;
                }),
            ),
            (
                "records-no-end",
                "The record does not say when a credential ends.",
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
