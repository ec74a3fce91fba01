//! The three versions through the messages that a host sends, and what is refused.

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
fn version_1_differs_in_the_type_of_its_key_id() {
    let token = opened(json!({ "masterkey": "masterkey123", "ver": 1 }));
    assert_eq!(token.header["kid"], json!(0));
    assert_eq!(token.claims["ver"], json!(1));
    assert_eq!(token.claims["aud"], "Custom");
}

#[test]
fn version_3_is_for_its_own_issuer_and_counts_in_texts() {
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
fn another_master_key_signs_another_token() {
    let token = configure(json!({ "masterkey": "masterkey124" })).unwrap().issue_token(&grant(json!({})));
    assert!(verify_hs256(&token::signing_key("masterkey123"), &token.unwrap()).is_none());
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    assert_eq!(refused_setting(json!({ "masterkey": "" })), "/masterkey");
    assert_eq!(refused_setting(json!({ "masterkey": "k", "ver": 0 })), "/ver");
    assert_eq!(refused_setting(json!({ "masterkey": "k", "ver": 4 })), "/ver");
    assert!(refused_setting(json!({})).contains("missing field `masterkey`"));
    assert!(refused_setting(json!({ "masterkey": "k", "master": 1 })).contains("unknown field `master`"));
}
