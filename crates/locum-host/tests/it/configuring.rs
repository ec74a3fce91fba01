//! Configuring issuers: settings and schema, the plugin's own refusal.

use locum_abi::answer::FailureCode;
use serde_json::json;

use crate::harness::{app, configured, load, parrot, refused};

#[test]
fn valid_settings_are_accepted_and_invalid_ones_refused_by_name() {
    let set = load(app()).unwrap();
    let valid = json!({"alg": "HS256", "secret": "a-secret-of-the-target-that-is-long"});
    configured(&set, "app", valid.clone());
    for (name, value, pointer, message) in [
        ("secert", json!("x"), "/secert", "there is no such setting; did you mean `secret`?"),
        ("alg", json!("none"), "/alg", "expected one of HS256, RS256"),
        ("lifetime_in_seconds", json!(0), "/lifetime_in_seconds", "the value is less than the minimum of 1"),
        ("secret_encoded", json!("yes"), "/secret_encoded", "expected the type boolean"),
    ] {
        let mut settings = valid.clone();
        settings[name] = value;
        let failure = refused(&set, "app", settings);
        assert_eq!(failure.code, FailureCode::SettingsRefused);
        assert_eq!(failure.pointer.as_deref(), Some(pointer));
        assert!(failure.message.starts_with(message), "{}", failure.message);
    }
}

#[test]
fn a_plugin_refuses_settings_that_its_schema_cannot_check() {
    let set = load(app()).unwrap();
    let failure = refused(&set, "app", json!({"alg": "HS256"}));
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    assert_eq!(failure.pointer.as_deref(), Some("/secret"));
}

#[test]
fn an_api_type_that_no_plugin_serves_is_refused() {
    let failure = refused(&load(app()).unwrap(), "aws", json!({}));
    assert_eq!(failure.message, "no plugin serves api_type `aws`");
}

#[test]
fn secrets_in_a_refusal_are_masked() {
    let set = load(parrot()).unwrap();
    let refusal =
        json!({"code": "settings_refused", "message": "hunter2hunter2\nis secret", "pointer": "/secret"});
    let failure =
        refused(&set, "parrot_jwt", json!({"secret": "hunter2hunter2", "refusal": refusal.to_string()}));
    assert_eq!(failure.message, r"[secret]\u{a}is secret");
    assert_eq!(failure.pointer.as_deref(), Some("/secret"));
}

#[test]
fn a_malformed_refusal_is_an_internal_failure() {
    let set = load(parrot()).unwrap();
    let failure = refused(&set, "parrot_jwt", json!({"refusal": "because"}));
    assert_eq!(failure.code, FailureCode::Internal);
    assert!(failure.message.starts_with("the plugin broke its contract"), "{}", failure.message);
}

#[test]
fn a_setting_that_names_an_upstream_must_be_a_url() {
    let set = load(parrot()).unwrap();
    configured(&set, "parrot_jwt", json!({"upstream": "http://127.0.0.1:1/x"}));
    let failure = refused(&set, "parrot_jwt", json!({"upstream": "127.0.0.1"}));
    assert_eq!((failure.code, failure.pointer.as_deref()), (FailureCode::SettingsRefused, Some("/upstream")));
}
