//! One decision: what `/delegation` answers, `/oauth/token` answers too, for any request that can be sent to both.

use locum_abi::grant::Grant;
use locum_engine::model::Chains;
use locum_engine::{Refusal, RefusalKind};
use locum_testing::{NOW, TestEngine, TestSetup, claims_for, exchange_with, good_with, hs256, object};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// What a tenant file can say that decides about a request.
#[derive(Debug, Clone, Copy)]
enum Setting {
    NoGrant,
    ThirdParty,
    ConformantCaller,
    ConformantTarget,
    ClosedTarget,
    RequiredActor,
    OpenChains,
    NoChains,
    ShortSession,
    CappedLifetime,
    LowCeiling,
    PrivateEmail,
}

const SETTINGS: [Setting; 12] = [
    Setting::NoGrant,
    Setting::ThirdParty,
    Setting::ConformantCaller,
    Setting::ConformantTarget,
    Setting::ClosedTarget,
    Setting::RequiredActor,
    Setting::OpenChains,
    Setting::NoChains,
    Setting::ShortSession,
    Setting::CappedLifetime,
    Setting::LowCeiling,
    Setting::PrivateEmail,
];

impl Setting {
    fn apply(self, setup: &mut TestSetup) {
        let delegation = &mut setup.acme.tenant.delegation;
        match self {
            Self::NoGrant => setup.client("caller").grants.id_token = false,
            Self::ThirdParty => setup.client("caller").is_first_party = false,
            Self::ConformantCaller => setup.client("caller").oidc_conformant = true,
            Self::ConformantTarget => setup.client("api").oidc_conformant = true,
            Self::ClosedTarget => setup.client("api").allowed_clients = vec!["storage".to_owned()],
            Self::RequiredActor => setup.client("api").require_actor = true,
            Self::OpenChains => delegation.chains = Chains::Open,
            Self::NoChains => delegation.chains = Chains::Refused,
            Self::ShortSession => delegation.session_seconds = Some(30),
            Self::CappedLifetime => delegation.cap_to_subject_exp = true,
            Self::LowCeiling => delegation.lifetime_ceiling_seconds = Some(90),
            Self::PrivateEmail => delegation.private_attributes = vec!["email".parse().unwrap()],
        }
    }
}

/// Claims of the subject token besides the usual ones.
fn claims() -> impl Strategy<Value = Value> {
    let claims = [
        ("sub", json!("auth0|mallory")),
        ("sub", json!("auth0|nobody")),
        ("azp", json!("caller")),
        ("azp", json!("api")),
        ("aud", json!("api")),
        ("exp", json!(NOW)),
        ("exp", json!(NOW + 20)),
        ("iat", json!(NOW + 61)),
        ("auth_time", json!(NOW - 29)),
        ("auth_time", json!(NOW - 31)),
        ("scope", json!("openid")),
        ("scope", json!("openid email profile")),
        ("email", json!("other@example.com")),
        ("act", json!({"sub": "agent"})),
        ("act", json!({"sub": "a", "act": {"sub": "b", "act": {"sub": "c", "act": {"sub": "d"}}}})),
        ("may_act", json!({"sub": "agent"})),
        ("may_act", json!(7)),
        ("nbf", json!(NOW + 61)),
        ("iss", json!("https://other.example/")),
    ];
    subsequence(claims.to_vec(), 0..=3).prop_map(|chosen| {
        chosen
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect::<serde_json::Map<_, _>>()
            .into()
    })
}

/// What an endpoint decided: the grant that the issuer was given, or the kind of the refusal.
fn decided(test: &TestEngine, refusal: Option<&Refusal>) -> Result<Grant, RefusalKind> {
    refusal.map_or_else(|| Ok(test.script.last_grant()), |refusal| Err(refusal.kind()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_request_is_decided_alike_at_both_endpoints(
        settings in subsequence(SETTINGS.to_vec(), 0..=3),
        changes in claims(),
        scope in proptest::option::of(select(vec!["openid", "openid email", "profile", "passthrough", "unknown", " "])),
        target in proptest::option::of(select(vec!["caller", "api", "storage", "nobody"])),
        api_type in proptest::option::of(select(vec!["app", "aws", "azure_blob", "firebase"])),
    ) {
        let engine = || TestEngine::with(|setup| {
            setup.remove_signing_keys();
            // `/oauth/token` always writes it.
            setup.acme.tenant.delegation.carry_scope = true;
            for setting in &settings {
                setting.apply(setup);
            }
        });
        let mut claims = claims_for("caller");
        claims.as_object_mut().unwrap().extend(object(changes));
        let token = hs256(&claims);
        let test = engine();
        let request = json!({"id_token": token, "scope": scope, "target": target, "api_type": api_type});
        let reply = test.delegate(good_with(request));
        let at_delegation = decided(&test, reply.response.outcome.as_ref().err());
        let test = engine();
        let requested = api_type.map(|api_type| match api_type {
            "app" => "urn:ietf:params:oauth:token-type:jwt".to_owned(),
            add_on => format!("urn:locum:token-type:{add_on}"),
        });
        let request =
            json!({"subject_token": token, "scope": scope, "audience": target, "requested_token_type": requested});
        let reply = test.exchange(exchange_with(request));
        prop_assert_eq!(decided(&test, reply.response.outcome.as_ref().err()), at_delegation);
    }
}
