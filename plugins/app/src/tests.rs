//! App tokens of every algorithm, and refusals, through the messages that a host sends.

use locum_plugin::abi::answer::FailureCode;
use locum_plugin::prelude::*;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, grant, tenant, tenant_with_key, verify_hs256};

use crate::App;

const SECRET: &str = "a secret of the target's, forty bytes long";

fn issue(settings: Value) -> Result<String, Failure> {
    ReadyIssuer::configure::<App>("app", settings, tenant_with_key())?.issue_token(&grant(json!({})))
}

fn refused_setting(settings: Value) -> String {
    let failure = issue(settings).expect_err("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

#[test]
fn a_token_has_the_target_as_audience_and_the_caller_as_azp() {
    let token = verify_hs256(SECRET.as_bytes(), &issue(json!({ "alg": "HS256", "secret": SECRET })).unwrap())
        .unwrap();
    assert_eq!(token.header.to_string(), r#"{"typ":"JWT","alg":"HS256"}"#);
    assert_eq!(
        token.claims,
        json!({
            "iss": "https://acme.example.com/",
            "sub": "auth0|alice",
            "aud": "target",
            "iat": NOW,
            "exp": NOW + 3600,
            "azp": "caller",
        })
    );
}

#[test]
fn selected_claims_are_added_and_never_replace_the_tokens_own() {
    let mut grant = grant(json!({}));
    for name in ["email", "iss", "sub", "aud", "iat", "exp", "azp", "nbf", "jti"] {
        grant.claims.insert(name.to_owned(), json!("from the profile"));
    }
    let settings = json!({ "alg": "HS256", "secret": SECRET });
    let issuer = ReadyIssuer::configure::<App>("app", settings, tenant()).unwrap();
    let claims = verify_hs256(SECRET.as_bytes(), &issuer.issue_token(&grant).unwrap()).unwrap().claims;
    let from_profile: Vec<_> =
        claims.as_object().unwrap().iter().filter(|(_, value)| *value == "from the profile").collect();
    assert_eq!(from_profile.len(), 1);
    assert_eq!(claims["email"], "from the profile");
}

#[test]
fn every_rsa_algorithm_signs_with_the_tenants_key_and_states_its_kid() {
    for algorithm in [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = issue(json!({ "alg": algorithm.name() })).unwrap();
        let header = TestKey::rsa().verify_jwt(algorithm, &token).unwrap().header;
        assert_eq!(header, json!({ "typ": "JWT", "alg": algorithm.name(), "kid": "tenant-key" }));
    }
    let wrong = issue(json!({ "alg": "RS256" })).unwrap();
    assert!(TestKey::rsa().verify_jwt(Algorithm::RS384, &wrong).is_none());
}

#[test]
fn elliptic_curve_algorithms_sign_with_the_targets_own_key() {
    for (algorithm, key) in [(Algorithm::ES256, TestKey::p256()), (Algorithm::EdDSA, TestKey::ed25519())] {
        let mut settings = json!({ "alg": algorithm.name(), "private_key": key.private_key_pem() });
        let header = key.verify_jwt(algorithm, &issue(settings.clone()).unwrap()).unwrap().header;
        assert_eq!(header, json!({ "typ": "JWT", "alg": algorithm.name() }));
        settings["private_key_id"] = json!("k1");
        assert_eq!(key.verify_jwt(algorithm, &issue(settings).unwrap()).unwrap().header["kid"], "k1");
    }
}

#[test]
fn a_key_that_does_not_suit_its_algorithm_is_refused() {
    let pem = |key: &TestKey| key.private_key_pem().to_owned();
    for (alg, key) in [("ES256", TestKey::ed25519()), ("EdDSA", TestKey::p256()), ("ES256", TestKey::rsa())] {
        assert_eq!(refused_setting(json!({ "alg": alg, "private_key": pem(key) })), "/private_key");
    }
    assert_eq!(refused_setting(json!({ "alg": "ES256" })), "/private_key");
    assert_eq!(refused_setting(json!({ "alg": "EdDSA", "secret": SECRET })), "/private_key");
    assert_eq!(
        refused_setting(json!({ "alg": "RS256", "private_key": pem(TestKey::rsa()) })),
        "/private_key"
    );
    assert_eq!(
        refused_setting(json!({ "alg": "HS256", "secret": SECRET, "private_key_id": "k1" })),
        "/private_key"
    );
}

#[test]
fn an_encoded_secret_is_base64url_with_or_without_padding() {
    for secret in ["-_8", "-_8="] {
        let token = issue(json!({ "alg": "HS256", "secret": secret, "secret_encoded": true })).unwrap();
        assert!(verify_hs256(&[0xfb, 0xff], &token).is_some(), "{secret}");
    }
    for secret in ["+/8=", "not base64url!", ""] {
        let settings = json!({ "alg": "HS256", "secret": secret, "secret_encoded": true });
        assert_eq!(refused_setting(settings), "/secret", "{secret}");
    }
    let plain = issue(json!({ "alg": "HS256", "secret": "-_8" })).unwrap();
    assert!(verify_hs256(b"-_8", &plain).is_some());
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "alg": "HS256" })), "/secret");
    assert_eq!(refused_setting(json!({ "alg": "HS256", "secret": "" })), "/secret");
    assert!(refused_setting(json!({ "alg": "none" })).contains("unknown variant `none`"));
    assert!(
        refused_setting(json!({ "alg": "HS256", "secret": SECRET, "x": 1 })).contains("unknown field `x`")
    );
    let without_key = ReadyIssuer::configure::<App>("app", json!({ "alg": "RS256" }), tenant());
    assert_eq!(without_key.err().unwrap().pointer.as_deref(), Some("/alg"));
}
