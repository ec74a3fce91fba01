//! The signature compared with that of Microsoft's library, and refusals.

use locum_plugin::abi::answer::FailureCode;
use locum_plugin::prelude::*;
use locum_plugin::testing::{NOW, ReadyIssuer, grant, tenant};

use crate::AzureServiceBus;
use crate::sas::{EntityPath, is_namespace};

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    let mut settings = json!({
        "namespace": "namespace",
        "sasKeyName": "PolicyName",
        "sasKey": "c2VjcmV0LWtleS1mb3ItdGVzdHM=",
        "entityPath": "my_queue",
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    ReadyIssuer::configure::<AzureServiceBus>("azure_sb", settings, tenant())
}

fn issue(changes: Value, parameters: Value) -> Result<String, Failure> {
    let mut grant = grant(parameters);
    grant.lifetime_seconds = 300;
    configure(changes)?.issue_token(&grant)
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

#[test]
fn the_signature_equals_that_of_microsofts_library() {
    let key = locum_plugin::signing::HmacKey::new(b"c2VjcmV0LWtleS1mb3ItdGVzdHM=").unwrap();
    let policy = crate::sas::Policy { namespace: "namespace".to_owned(), name: "PolicyName".to_owned(), key };
    assert_eq!(
        policy.sign(&EntityPath::parse("my_queue").unwrap(), UnixTime::from_seconds(1_893_456_000)),
        "SharedAccessSignature sig=u6tCZAH9aNKCHaZVNv0HiJosyrXzc9kOORohFDedXNU%3D&se=1893456000\
         &skn=PolicyName&sr=http%3A%2F%2Fnamespace.servicebus.windows.net%2Fmy_queue"
    );
}

#[test]
fn a_signature_expires_with_its_grant() {
    assert!(issue(json!({}), json!({})).unwrap().contains(&format!("&se={}&", NOW + 300)));
}

#[test]
fn a_stored_entity_is_signed_and_another_one_only_if_the_settings_allow_it() {
    let named = json!({ "entityPath": "news/subscriptions/mine" });
    let of_settings = issue(named.clone(), json!({})).unwrap();
    assert!(of_settings.ends_with("windows.net%2Fnews%2Fsubscriptions%2Fmine"), "{of_settings}");
    let allowing = [
        json!({ "allowed_entities": ["news/subscriptions/mine"] }),
        json!({ "allowed_entities": ["news/*"] }),
        json!({ "allowed_entities": ["news/*"], "entityPath": null }),
        json!({ "allow_any_entity": true }),
        json!({ "entityPath": null }),
    ];
    for settings in allowing {
        assert_eq!(issue(settings, named.clone()).unwrap(), of_settings);
    }
    let refusing = [
        json!({}),
        json!({ "allowed_entities": ["news"] }),
        json!({ "allowed_entities": ["new/*"] }),
        json!({ "allowed_entities": ["news/subscriptions/mine2"], "entityPath": null }),
    ];
    for settings in refusing {
        let failure = issue(settings, named.clone()).unwrap_err();
        assert_eq!(failure.code, FailureCode::ParameterRefused);
        assert_eq!(failure.pointer.as_deref(), Some("/entityPath"));
    }
    assert_eq!(issue(json!({}), json!({ "entityPath": "my_queue" })), issue(json!({}), json!({})));
}

#[test]
fn the_whole_namespace_is_never_shared() {
    for stored in [json!(null), json!("")] {
        let failure = issue(json!({ "entityPath": stored }), json!({})).unwrap_err();
        assert_eq!(failure.code, FailureCode::ParameterRefused);
        assert_eq!(failure.pointer.as_deref(), Some("/entityPath"));
        assert!(issue(json!({ "entityPath": stored }), json!({ "entityPath": "q" })).is_ok());
    }
}

#[test]
fn a_policy_name_cannot_smuggle_a_field_into_the_token() {
    let sas = issue(json!({ "sasKeyName": "a&sr=b" }), json!({})).unwrap();
    assert!(sas.contains("&skn=a%26sr%3Db&"), "{sas}");
}

#[test]
fn entity_paths_follow_the_grammar() {
    for good in ["q", "my_queue", "a-b.c~d", "topic/subscriptions/s1", "0", &"x".repeat(260)] {
        assert!(EntityPath::parse(good).is_ok(), "{good}");
    }
    let bad = [
        "", "/q", "q/", "a//b", ".", "..", "../q", "q/..", "q.", "a./b", "a b", "a%2Fb", "a\\b", "ä", "-q",
        "q?x", "q\n",
    ];
    for bad in bad {
        assert!(EntityPath::parse(bad).is_err(), "{bad:?}");
        if !bad.is_empty() {
            let failure = issue(json!({}), json!({ "entityPath": bad })).unwrap_err();
            assert_eq!(failure.pointer.as_deref(), Some("/entityPath"), "{bad:?}");
        }
    }
    assert!(EntityPath::parse(&"x".repeat(261)).is_err());
}

#[test]
fn namespaces_follow_azures_grammar() {
    for good in ["namespace", "acme-bus-1", "Acme01", &"n".repeat(50)] {
        assert!(is_namespace(good), "{good}");
    }
    for bad in ["", "short", "1namespace", "namespace-", "name.space", "evil.example.com/", &"n".repeat(51)] {
        assert!(!is_namespace(bad), "{bad}");
    }
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "namespace": "a.b" })), "/namespace");
    assert_eq!(refused_setting(json!({ "sasKeyName": "" })), "/sasKeyName");
    assert_eq!(refused_setting(json!({ "sasKey": "" })), "/sasKey");
    assert_eq!(refused_setting(json!({ "entityPath": "../q" })), "/entityPath");
    for bad in ["", "*", "../q", "a b*", "a//*", "a**"] {
        assert_eq!(refused_setting(json!({ "allowed_entities": [bad] })), "/allowed_entities", "{bad}");
    }
    assert!(refused_setting(json!({ "queue": "q" })).contains("unknown field `queue`"));
}
