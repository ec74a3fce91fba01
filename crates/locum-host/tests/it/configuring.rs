//! Making issuers ready: settings against the schema, the tenant's key, the plugin's own refusal.

use locum_abi::answer::{Credential, FailureCode};
use locum_abi::configuration::SigningKey;
use locum_engine::ports::Issuers as _;
use serde_json::{Value, json};

use crate::harness::{NOW, app, configuration, issue, load, parrot, ready, refused};

#[test]
fn settings_that_fit_the_schema_are_taken_and_others_refused_by_name() {
    let set = load(app()).unwrap();
    let good = json!({"alg": "HS256", "secret": "a-secret-of-the-target-that-is-long"});
    ready(&set, "app", good.clone());
    for (name, value, pointer, message) in [
        ("secert", json!("x"), "/secert", "there is no such setting; did you mean `secret`?"),
        ("alg", json!("none"), "/alg", "expected one of HS256, RS256"),
        ("lifetime_in_seconds", json!(0), "/lifetime_in_seconds", "the value is less than the minimum of 1"),
        ("secret_encoded", json!("yes"), "/secret_encoded", "expected the type boolean"),
    ] {
        let mut settings = good.clone();
        settings[name] = value;
        let failure = refused(&set, "app", settings);
        assert_eq!(failure.code, FailureCode::SettingsRefused);
        assert_eq!(failure.pointer.as_deref(), Some(pointer));
        assert!(failure.message.starts_with(message), "{}", failure.message);
    }
}

#[test]
fn a_plugin_refuses_what_a_schema_cannot_see() {
    let set = load(app()).unwrap();
    let failure = refused(&set, "app", json!({"alg": "HS256"}));
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    assert_eq!(failure.pointer.as_deref(), Some("/secret"));
}

#[test]
fn an_api_type_that_nobody_serves_is_refused() {
    let failure = refused(&load(app()).unwrap(), "aws", json!({}));
    assert_eq!(failure.message, "no plugin serves api_type `aws`");
}

#[test]
fn a_refusal_is_shown_without_the_secrets_it_quotes() {
    let set = load(parrot()).unwrap();
    let refusal =
        json!({"code": "settings_refused", "message": "hunter2hunter2\nis no secret", "pointer": "/secret"});
    let failure =
        refused(&set, "parrot_jwt", json!({"secret": "hunter2hunter2", "refusal": refusal.to_string()}));
    assert_eq!(failure.message, r"[secret]\u{a}is no secret");
    assert_eq!(failure.pointer.as_deref(), Some("/secret"));
}

#[test]
fn a_refusal_that_is_none_is_an_internal_failure() {
    let set = load(parrot()).unwrap();
    let failure = refused(&set, "parrot_jwt", json!({"refusal": "because"}));
    assert_eq!(failure.code, FailureCode::Internal);
    assert!(failure.message.starts_with("the plugin broke its contract"), "{}", failure.message);
}

#[test]
fn a_setting_that_names_an_upstream_holds_a_url() {
    let set = load(parrot()).unwrap();
    ready(&set, "parrot_jwt", json!({"upstream": "http://127.0.0.1:1/x"}));
    let failure = refused(&set, "parrot_jwt", json!({"upstream": "127.0.0.1"}));
    assert_eq!((failure.code, failure.pointer.as_deref()), (FailureCode::SettingsRefused, Some("/upstream")));
}

#[tokio::test]
async fn the_tenants_key_reaches_only_who_needs_it() {
    let set = load(parrot()).unwrap();
    let heard = async |api_type: &str, form: &str| -> Value {
        let answer =
            format!(r#"{{"kind":"issued","credential":{{"{form}":{{configuration}}}},"issued_at":{NOW}}}"#);
        let mut configuration = configuration(api_type, json!({"answers": [answer]}));
        let private_key_pem = "-----BEGIN PRIVATE KEY-----".into();
        configuration.tenant.signing_key =
            Some(SigningKey { kid: "k".to_owned(), private_key_pem, certificate_pem: None });
        let issuer = set.configure(configuration).unwrap();
        match issue(&*issuer).await {
            Ok(issued) => match issued.credential {
                Credential::Text(text) => serde_json::from_str(&text).unwrap(),
                other => panic!("{other:?}"),
            },
            Err(failure) => panic!("{failure}"),
        }
    };
    assert_eq!(heard("parrot_text", "text").await["tenant"]["signing_key"]["kid"], "k");
    // The other one may not issue texts, so it tells in a refusal.
    let mut configuration = configuration("parrot_jwt", json!({}));
    let private_key_pem = "-----BEGIN PRIVATE KEY-----".into();
    configuration.tenant.signing_key =
        Some(SigningKey { kid: "k".to_owned(), private_key_pem, certificate_pem: None });
    configuration.settings.insert("answers".to_owned(), json!([r#"{"kind":"call","request":{"method":"POST","url":"https://login.example.com/","body":{configuration}}}"#]));
    let script = crate::harness::ScriptedUpstreams::of([Err(locum_host::UpstreamError::TimedOut)]);
    let set = crate::harness::load_with(parrot(), locum_host::LoadOptions::new(script.clone())).unwrap();
    let _ = issue(&*set.configure(configuration).unwrap()).await;
    let heard: Value = serde_json::from_str(script.requests.lock().unwrap()[0].body()).unwrap();
    assert_eq!(heard["tenant"], json!({"domain": "acme.example.com"}));
}
