//! What the host signs with a tenant's key: JWTs about the user of the grant, for others than the tenant and its clients.
//!
//! Everything that trusts the tenant accepts what its key has signed. A plugin that could choose the claims could make an
//! id_token of any user for any client, or a token for the tenant's own management API.

use locum_abi::grant::{Grant, may_identify};
use locum_abi::manifest::{IssuerManifest, Read};
use locum_engine::ports::{IssuerFailure, TenantAudiences};
use serde_json::{Map, Value};

/// The api_type whose tokens are for a client of the tenant: the target. They live as long as their grant.
const APP: &str = "app";

/// Longest lifetime of other tokens, in seconds: they are exchanged at once for the credential.
const SECONDS_MAX: i64 = 300;

/// Claims that say what the engine has decided. A token has them as the grant does, or not at all.
const GRANTED_CLAIMS: [&str; 7] = ["email", "email_verified", "scope", "act", "may_act", "azp", "auth_time"];

/// The rules for the tokens of one issuer.
pub(super) struct TenantTokens {
    is_app: bool,
    issuer: String,
    /// The value of the setting that may be the `iss` too.
    other_issuer: Option<String>,
    /// The attribute that may be the `sub` in place of the user's id.
    subject_attribute: Option<String>,
}

/// Why a token is not signed.
pub(super) enum NotSigned {
    /// A claim that breaks a rule.
    Rule(&'static str),
    /// The directory does not know whether the audience is one of the tenant's.
    Failed(IssuerFailure),
}

impl TenantTokens {
    /// The rules of this manifest. `issuer` is the tenant's.
    pub(super) fn new(issuer: String, manifest: &IssuerManifest, settings: &Map<String, Value>) -> Self {
        let text = |setting: &str| settings.get(setting).and_then(Value::as_str).map(str::to_owned);
        let subject_attribute = manifest.signs.subject.as_ref().and_then(|subject| match subject {
            Read::Attribute { name } => Some(name.clone()),
            Read::NamedBySetting { setting, default } => text(setting).or_else(|| default.clone()),
            Read::Unknown => None,
        });
        let other_issuer = manifest.signs.issuer.as_deref().and_then(text);
        Self { is_app: manifest.api_type == APP, issuer, other_issuer, subject_attribute }
    }

    /// Checks the claims of a token that is requested at `now`, in Unix seconds.
    pub(super) async fn check(
        &self,
        claims: &Map<String, Value>,
        grant: &Grant,
        now: i64,
        audiences: &dyn TenantAudiences,
    ) -> Result<(), NotSigned> {
        let rule = |holds: bool, rule: &'static str| if holds { Ok(()) } else { Err(NotSigned::Rule(rule)) };
        rule(
            self.is_issuer(claims.get("iss")),
            "its `iss` is neither the tenant's nor the declared setting",
        )?;
        rule(
            self.is_subject(claims.get("sub"), grant),
            "its `sub` is neither the user's id nor the declared attribute, verified if it is an address",
        )?;
        let seconds = if self.is_app { i64::MAX } else { SECONDS_MAX };
        rule(expires_within(claims, grant, now, seconds), "its `exp` is missing or too late")?;
        let are_granted = claims
            .iter()
            .all(|(name, value)| !GRANTED_CLAIMS.contains(&name.as_str()) || is_granted(name, value, grant));
        rule(are_granted, "a claim about the user or the grant is not as granted")?;
        self.check_audience(claims.get("aud"), grant, audiences).await
    }

    fn is_issuer(&self, issuer: Option<&Value>) -> bool {
        let Some(issuer) = issuer.and_then(Value::as_str) else { return false };
        issuer == self.issuer || self.other_issuer.as_deref() == Some(issuer)
    }

    fn is_subject(&self, subject: Option<&Value>, grant: &Grant) -> bool {
        let Some(subject) = subject.and_then(Value::as_str) else { return false };
        let attribute = self.subject_attribute.as_ref().and_then(|name| grant.profile.get(name));
        subject == grant.user_id
            || (attribute.and_then(Value::as_str) == Some(subject) && may_identify(subject, &grant.profile))
    }

    async fn check_audience(
        &self,
        audience: Option<&Value>,
        grant: &Grant,
        audiences: &dyn TenantAudiences,
    ) -> Result<(), NotSigned> {
        let list = match audience {
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        if list.is_empty() {
            return Err(NotSigned::Rule("it has no `aud`"));
        }
        for audience in list {
            let Some(audience) = audience.as_str() else {
                return Err(NotSigned::Rule("its `aud` is not a text"));
            };
            if self.is_app {
                if audience != grant.target_id {
                    return Err(NotSigned::Rule("its `aud` is not the target"));
                }
                continue;
            }
            match audiences.include(audience).wait().await {
                Ok(false) => {}
                Ok(true) => return Err(NotSigned::Rule("its `aud` belongs to the tenant")),
                Err(error) => return Err(NotSigned::Failed(IssuerFailure::DirectoryUnavailable(error))),
            }
        }
        Ok(())
    }
}

/// Whether the claims have an `exp` within the grant, and within so many seconds.
pub(super) fn expires_within(claims: &Map<String, Value>, grant: &Grant, now: i64, seconds: i64) -> bool {
    let granted = i64::try_from(grant.lifetime_seconds).unwrap_or(i64::MAX);
    let latest = now.saturating_add(granted.min(seconds));
    claims.get("exp").and_then(Value::as_i64).is_some_and(|exp| exp <= latest)
}

fn is_granted(name: &str, value: &Value, grant: &Grant) -> bool {
    let of_grant = match name {
        "azp" => value.as_str() == Some(&grant.client_id),
        "scope" => value.as_str() == Some(&grant.scopes.join(" ")),
        _ => false,
    };
    of_grant || grant.claims.get(name) == Some(value)
}

#[cfg(test)]
mod tests {
    use locum_engine::ports::NoAudiences;
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_900_000_000;

    /// Why a token with this audience and lifetime is not signed for the target `target`; empty if it is.
    async fn refusal(api_type: &str, audience: Value, seconds: i64) -> &'static str {
        let manifest = json!({
            "api_type": api_type, "credential": {"form": "jwt"}, "settings_schema": {}, "parameters_schema": {},
            "lifetime": {"minimum_seconds": 1, "default_seconds": 1, "maximum_seconds": 1},
            "revocation": "not_revocable", "revocation_advice": "Wait.", "upstreams": [],
        });
        let manifest = serde_json::from_value(manifest).unwrap();
        let rules = TenantTokens::new("https://acme.example.com/".to_owned(), &manifest, &Map::new());
        let grant = Grant {
            user_id: "auth0|alice".to_owned(),
            client_id: "caller".to_owned(),
            target_id: "target".to_owned(),
            scopes: Vec::new(),
            claims: Map::new(),
            profile: Map::new(),
            parameters: Map::new(),
            lifetime_seconds: 3600,
        };
        let claims = json!({
            "iss": "https://acme.example.com/", "sub": "auth0|alice", "aud": audience, "exp": NOW + seconds,
        });
        match rules.check(claims.as_object().unwrap(), &grant, NOW, &NoAudiences).await {
            Ok(()) => "",
            Err(NotSigned::Rule(rule)) => rule,
            Err(NotSigned::Failed(failure)) => panic!("{failure}"),
        }
    }

    #[tokio::test]
    async fn a_token_of_the_app_is_for_the_target_and_as_long_as_the_grant() {
        let (wrong, late) = ("its `aud` is not the target", "its `exp` is missing or too late");
        assert_eq!(refusal(APP, json!("target"), 3600).await, "");
        assert_eq!(refusal(APP, json!(["target", "target"]), 60).await, "");
        for other in [json!("caller"), json!("https://login.example.com/"), json!(["target", "caller"])] {
            assert_eq!(refusal(APP, other, 60).await, wrong);
        }
        assert_eq!(refusal(APP, json!("target"), 3601).await, late);
        // Of another api_type.
        assert_eq!(refusal("sap", json!("https://login.example.com/"), SECONDS_MAX).await, "");
        assert_eq!(refusal("sap", json!("https://login.example.com/"), SECONDS_MAX + 1).await, late);
    }
}
