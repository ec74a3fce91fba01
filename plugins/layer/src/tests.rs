//! Identity tokens, and refusals, through the messages that a host sends.

use locum_plugin::abi::answer::FailureCode;
use locum_plugin::prelude::*;
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, VerifiedJwt, grant, tenant};

use crate::Layer;

const PROVIDER: &str = "layer:///providers/7f8e3c1a-0f3b-11e6-a148-3e1d05defe78";

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    let mut settings = json!({
        "providerId": PROVIDER,
        "keyId": "layer:///keys/1",
        "privateKey": TestKey::rsa().private_key_pem(),
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    ReadyIssuer::configure::<Layer>("layer", settings, tenant())
}

fn opened(token: &str) -> VerifiedJwt {
    TestKey::rsa().verify_jwt(Algorithm::RS256, token).unwrap()
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

#[test]
fn an_identity_token_has_the_header_and_the_claims_that_layer_demands() {
    let mut grant = grant(json!({ "nonce": "ZGFlbW9u+/==" }));
    grant.lifetime_seconds = 300;
    let token = opened(&configure(json!({})).unwrap().issue_token(&grant).unwrap());
    assert_eq!(
        token.header,
        json!({ "typ": "JWT", "alg": "RS256", "cty": "layer-eit;v=1", "kid": "layer:///keys/1" })
    );
    assert_eq!(
        token.claims,
        json!({ "iss": PROVIDER, "prn": "auth0|alice", "iat": NOW, "exp": NOW + 300, "nce": "ZGFlbW9u+/==" })
    );
}

#[test]
fn the_attribute_that_principal_names_is_the_user() {
    let issuer = configure(json!({ "principal": "email" })).unwrap();
    let mut grant = grant(json!({ "nonce": "n" }));
    let failure = issuer.issue_token(&grant).unwrap_err();
    assert_eq!(failure.code, FailureCode::AttributeMissing);
    grant.profile.insert("email".to_owned(), json!("alice@example.com"));
    grant.profile.insert("email_verified".to_owned(), json!(true));
    assert_eq!(opened(&issuer.issue_token(&grant).unwrap()).claims["prn"], "alice@example.com");
}

#[test]
fn an_unverified_email_address_is_refused() {
    let issuer = configure(json!({ "principal": "email" })).unwrap();
    let mut grant = grant(json!({ "nonce": "n" }));
    grant.profile.insert("email".to_owned(), json!("alice@example.com"));
    assert_eq!(issuer.issue_token(&grant).unwrap_err().code, FailureCode::AttributeMissing);
    for flag in [json!(false), json!("true"), json!(1), json!(null)] {
        grant.profile.insert("email_verified".to_owned(), flag);
        assert_eq!(issuer.issue_token(&grant).unwrap_err().code, FailureCode::AttributeMissing);
    }
    grant.profile.insert("email_verified".to_owned(), json!(true));
    assert!(issuer.issue_token(&grant).is_ok());
}

#[test]
fn a_profile_cannot_replace_the_user_id() {
    let mut grant = grant(json!({ "nonce": "n" }));
    grant.profile.insert("user_id".to_owned(), json!("auth0|mallory"));
    let token = configure(json!({})).unwrap().issue_token(&grant).unwrap();
    assert_eq!(opened(&token).claims["prn"], "auth0|alice");
}

#[test]
fn an_attribute_that_is_not_a_text_is_refused() {
    let issuer = configure(json!({ "principal": "number" })).unwrap();
    for value in [json!(7), json!(""), json!(null), json!(["alice"])] {
        let mut grant = grant(json!({ "nonce": "n" }));
        grant.profile.insert("number".to_owned(), value);
        assert_eq!(issuer.issue_token(&grant).unwrap_err().code, FailureCode::AttributeMissing);
    }
}

#[test]
fn a_request_without_a_valid_nonce_is_refused() {
    let issuer = configure(json!({})).unwrap();
    let bad = [json!(null), json!(""), json!("a b"), json!("a\nb"), json!("ä"), json!("n".repeat(257))];
    for nonce in bad {
        let failure = issuer.issue_token(&grant(json!({ "nonce": nonce }))).unwrap_err();
        assert_eq!(failure.code, FailureCode::ParameterRefused);
        assert_eq!(failure.pointer.as_deref(), Some("/nonce"), "{nonce}");
    }
    assert!(issuer.issue_token(&grant(json!({ "nonce": "n".repeat(256) }))).is_ok());
    assert!(issuer.issue_token(&grant(json!({}))).unwrap_err().message.contains("missing nonce parameter"));
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "providerId": "" })), "/providerId");
    assert_eq!(refused_setting(json!({ "keyId": "" })), "/keyId");
    assert_eq!(refused_setting(json!({ "principal": "" })), "/principal");
    assert_eq!(refused_setting(json!({ "privateKey": "no pem" })), "/privateKey");
    assert_eq!(refused_setting(json!({ "privateKey": TestKey::p256().private_key_pem() })), "/privateKey");
    assert!(refused_setting(json!({ "secret": "s" })).contains("unknown field `secret`"));
}
