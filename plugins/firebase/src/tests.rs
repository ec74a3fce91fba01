//! Tokens of both schemes, and refusals, through the messages that a host sends.

use locum_plugin::abi::answer::FailureCode;
use locum_plugin::prelude::*;
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, grant, tenant, verify_hs256};

use crate::Firebase;

const EMAIL: &str = "locum@project.iam.gserviceaccount.com";

fn custom_settings() -> Value {
    json!({ "private_key": TestKey::rsa().private_key_pem(), "client_email": EMAIL })
}

fn configure(settings: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<Firebase>("firebase", settings, tenant())
}

fn issue(settings: Value, firebase_data: Option<Value>) -> Result<String, Failure> {
    let mut grant = grant(json!({}));
    if let Some(firebase_data) = firebase_data {
        grant.profile.insert("firebase_data".to_owned(), firebase_data);
    }
    configure(settings)?.issue_token(&grant)
}

fn custom_claims(firebase_data: Value) -> Value {
    let token = issue(custom_settings(), Some(firebase_data)).unwrap();
    TestKey::rsa().verify_jwt(Algorithm::RS256, &token).unwrap().claims
}

fn refused_data(settings: Value, firebase_data: Value) -> String {
    let failure = issue(settings, Some(firebase_data)).unwrap_err();
    assert_eq!(failure.code, FailureCode::AttributeMissing);
    failure.message
}

fn refused_setting(settings: Value) -> String {
    let failure = configure(settings).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

#[test]
fn a_custom_token_has_exactly_the_claims_that_firebase_demands() {
    let token = issue(custom_settings(), None).unwrap();
    let opened = TestKey::rsa().verify_jwt(Algorithm::RS256, &token).unwrap();
    assert_eq!(opened.header, json!({ "typ": "JWT", "alg": "RS256" }));
    assert_eq!(
        opened.claims,
        json!({
            "iss": EMAIL,
            "sub": EMAIL,
            "aud": "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit",
            "iat": NOW,
            "exp": NOW + 3600,
            "uid": "auth0|alice",
        })
    );
}

#[test]
fn the_header_has_a_kid_only_if_one_is_configured() {
    let mut settings = custom_settings();
    settings["private_key_id"] = json!("k1");
    let token = issue(settings, None).unwrap();
    let header = TestKey::rsa().verify_jwt(Algorithm::RS256, &token).unwrap().header;
    assert_eq!(header, json!({ "typ": "JWT", "alg": "RS256", "kid": "k1" }));
}

#[test]
fn firebase_data_gives_the_uid_and_its_other_members_become_claims() {
    let claims = custom_claims(json!({ "isBrave": true, "uid": "alice", "name": "Alice" }));
    assert_eq!(claims["uid"], "alice");
    assert_eq!(claims["claims"].to_string(), r#"{"isBrave":true,"name":"Alice"}"#);
}

#[test]
fn firebase_data_with_a_uid_alone_adds_no_claims() {
    let claims = custom_claims(json!({ "uid": "alice" }));
    assert_eq!(claims["uid"], "alice");
    assert_eq!(claims.get("claims"), None);
}

#[test]
fn claims_that_a_scope_selected_are_not_added() {
    let mut grant = grant(json!({}));
    grant.claims.insert("email".to_owned(), json!("alice@example.com"));
    let token = configure(custom_settings()).unwrap().issue_token(&grant).unwrap();
    let claims = TestKey::rsa().verify_jwt(Algorithm::RS256, &token).unwrap().claims;
    assert_eq!(claims.get("claims"), None);
}

#[test]
fn every_reserved_name_is_refused_and_a_similar_name_is_not() {
    for name in [
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "cnf",
        "c_hash",
        "exp",
        "firebase",
        "iat",
        "iss",
        "jti",
        "nbf",
        "nonce",
        "sub",
    ] {
        let message = refused_data(custom_settings(), json!({ name: 1 }));
        assert!(message.contains(&format!("`{name}`")), "{message}");
        assert_eq!(custom_claims(json!({ (format!("{name}_")): 1 }))["claims"][format!("{name}_")], 1);
    }
}

#[test]
fn a_uid_has_1_to_128_characters() {
    assert_eq!(custom_claims(json!({ "uid": "u".repeat(128) }))["uid"], "u".repeat(128));
    for uid in [json!("u".repeat(129)), json!("😀".repeat(65)), json!(""), json!(7), json!(null)] {
        assert!(refused_data(custom_settings(), json!({ "uid": uid })).contains("uid"), "{uid}");
    }
}

#[test]
fn a_user_id_too_long_for_a_uid_is_refused() {
    let mut grant = grant(json!({}));
    grant.user_id = "u".repeat(129);
    let failure = configure(custom_settings()).unwrap().issue_token(&grant).unwrap_err();
    assert_eq!(failure.code, FailureCode::AttributeMissing);
    assert!(failure.message.contains("`user_id`"), "{}", failure.message);
}

#[test]
fn developer_claims_have_at_most_1000_characters_of_json() {
    let text = "x".repeat(1000 - r#"{"c":""}"#.len());
    assert_eq!(custom_claims(json!({ "c": text }))["claims"]["c"], text);
    let message = refused_data(custom_settings(), json!({ "c": format!("{text}x") }));
    assert!(message.contains("1000 characters"), "{message}");
}

#[test]
fn firebase_data_that_is_not_an_object_is_refused() {
    for data in [json!("alice"), json!(["alice"]), json!(1)] {
        assert!(refused_data(custom_settings(), data).contains("must be an object"));
    }
}

#[test]
fn a_legacy_token_contains_the_user_id_under_both_names() {
    let token = issue(json!({ "secret": "legacy secret" }), None).unwrap();
    let opened = verify_hs256(b"legacy secret", &token).unwrap();
    assert_eq!(opened.header.to_string(), r#"{"typ":"JWT","alg":"HS256"}"#);
    assert_eq!(
        opened.claims,
        json!({ "v": 0, "d": { "uid": "auth0|alice", "fb_id": "auth0|alice" }, "iat": NOW, "exp": NOW + 3600 })
    );
}

#[test]
fn the_data_of_a_legacy_token_is_firebase_data_unchanged() {
    let data = json!({ "user_id": "YWxpY2U=", "company": "acme", "sub": "free here" });
    let token = issue(json!({ "secret": "legacy secret" }), Some(data.clone())).unwrap();
    assert_eq!(verify_hs256(b"legacy secret", &token).unwrap().claims["d"], data);
}

#[test]
fn a_legacy_uid_is_a_text_of_at_most_256_bytes() {
    let settings = || json!({ "secret": "legacy secret" });
    assert!(issue(settings(), Some(json!({ "uid": "u".repeat(256) }))).is_ok());
    for uid in [json!("u".repeat(257)), json!(7)] {
        assert!(refused_data(settings(), json!({ "uid": uid })).contains("`uid`"));
    }
}

#[test]
fn a_legacy_token_has_at_most_1024_bytes() {
    let settings = || json!({ "secret": "legacy secret" });
    let lengths = |filler: usize| issue(settings(), Some(json!({ "f": "x".repeat(filler) })));
    let longest = (500..1000).rev().find(|&filler| lengths(filler).is_ok()).unwrap();
    assert!((1022..=1024).contains(&lengths(longest).unwrap().len()));
    assert!(refused_data(settings(), json!({ "f": "x".repeat(longest + 1) })).contains("1024 bytes"));
}

#[test]
fn settings_for_both_schemes_or_none_are_refused() {
    let mut both = custom_settings();
    both["secret"] = json!("s");
    assert_eq!(refused_setting(both), "/secret");
    assert_eq!(refused_setting(json!({})), "/private_key");
    assert_eq!(refused_setting(json!({ "client_email": EMAIL })), "/private_key");
}

#[test]
fn settings_that_cannot_sign_are_refused_when_the_issuer_is_configured() {
    let pem = TestKey::rsa().private_key_pem();
    assert_eq!(refused_setting(json!({ "private_key": pem })), "/client_email");
    assert_eq!(refused_setting(json!({ "private_key": pem, "client_email": "" })), "/client_email");
    assert_eq!(refused_setting(json!({ "private_key": "no pem", "client_email": EMAIL })), "/private_key");
    assert_eq!(refused_setting(json!({ "secret": "" })), "/secret");
}

#[test]
fn an_unknown_setting_is_refused() {
    let mut settings = custom_settings();
    settings["lifetime"] = json!(60);
    assert!(refused_setting(settings).contains("unknown field `lifetime`"));
}
