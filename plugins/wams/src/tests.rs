//! Tokens of the three versions, and refusals, through the messages that a host sends.

use locum_plugin::abi::answer::FailureCode;
use locum_plugin::prelude::*;
use locum_plugin::testing::{NOW, ReadyIssuer, VerifiedJwt, grant, tenant, verify_hs256};

use crate::{MobileServices, token};

const ZUMO: &str = "urn:microsoft:windows-azure:zumo";

fn configure(settings: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<MobileServices>("wams", settings, tenant())
}

fn opened(settings: Value) -> VerifiedJwt {
    let token = configure(settings).unwrap().issue_token(&grant(json!({}))).unwrap();
    verify_hs256(&token::signing_key("masterkey123"), &token).unwrap()
}

fn refused_setting(settings: Value) -> String {
    let failure = configure(settings).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

#[test]
fn version_2_is_the_default() {
    let token = opened(json!({ "masterkey": "masterkey123" }));
    assert_eq!(token.header, json!({ "typ": "JWT", "alg": "HS256", "kid": "0" }));
    assert_eq!(
        token.claims,
        json!({
            "iat": NOW, "exp": NOW + 3600, "iss": ZUMO, "ver": 2, "aud": "Custom", "uid": "Custom:auth0|alice"
        })
    );
}

#[test]
fn version_1_has_a_number_as_kid() {
    let token = opened(json!({ "masterkey": "masterkey123", "ver": 1 }));
    assert_eq!(token.header["kid"], json!(0));
    assert_eq!(token.claims["ver"], json!(1));
    assert_eq!(token.claims["aud"], "Custom");
}

#[test]
fn version_3_has_the_issuer_as_audience_and_a_text_as_ver() {
    let token = opened(json!({ "masterkey": "masterkey123", "ver": 3 }));
    assert_eq!(token.header, json!({ "typ": "JWT", "alg": "HS256" }));
    assert_eq!(
        token.claims,
        json!({
            "iat": NOW, "nbf": NOW, "exp": NOW + 3600, "iss": ZUMO, "ver": "3", "aud": ZUMO,
            "uid": "Custom:auth0|alice"
        })
    );
}

#[test]
fn a_token_does_not_verify_with_another_master_key() {
    let token = configure(json!({ "masterkey": "masterkey124" })).unwrap().issue_token(&grant(json!({})));
    assert!(verify_hs256(&token::signing_key("masterkey123"), &token.unwrap()).is_none());
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "masterkey": "" })), "/masterkey");
    assert_eq!(refused_setting(json!({ "masterkey": "k", "ver": 0 })), "/ver");
    assert_eq!(refused_setting(json!({ "masterkey": "k", "ver": 4 })), "/ver");
    assert!(refused_setting(json!({})).contains("missing field `masterkey`"));
    assert!(refused_setting(json!({ "masterkey": "k", "master": 1 })).contains("unknown field `master`"));
}
