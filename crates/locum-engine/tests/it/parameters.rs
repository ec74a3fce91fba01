//! The parameters that an issuer receives, and their names.

use serde_json::{Value, json};

use locum_testing::{TestEngine, good_with};

/// An engine whose issuer `app` declares these parameters.
fn declaring(names: &[&'static str]) -> TestEngine {
    TestEngine::with(|setup| {
        let properties: serde_json::Map<String, Value> =
            names.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        setup.issuers.manifest("app").parameters_schema = json!({ "properties": properties });
    })
}

fn passed_on(test: &TestEngine, parameters: Value) -> Value {
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    Value::Object(test.script.last_grant().parameters)
}

#[test]
fn parameters_that_no_manifest_names_are_passed_on_unchanged() {
    let free_form = json!({"role": "arn:aws:iam::1:role/r", "list": [1, {"a": null}], "_.": false});
    assert_eq!(passed_on(&TestEngine::new(), free_form.clone()), free_form);
}

#[test]
fn parameters_of_the_endpoint_are_not_passed_on() {
    let known = json!({
        "target": "api", "scope": "openid", "api_type": "app", "device": "phone", "refresh_token": "",
        "client_secret": "unused", "empty": "",
    });
    assert_eq!(passed_on(&TestEngine::new(), known), json!({}));
}

#[test]
fn snake_case_names_are_translated_to_those_of_the_manifest() {
    let test = declaring(&["containerName", "blobName", "community_name", "role"]);
    assert_eq!(
        passed_on(
            &test,
            json!({"container_name": "photos", "blobName": "a.png", "role": "r", "other_name": 1})
        ),
        json!({"containerName": "photos", "blobName": "a.png", "role": "r", "other_name": 1})
    );
    assert_eq!(passed_on(&test, json!({"community_name": "acme"})), json!({"community_name": "acme"}));
}

#[test]
fn a_parameter_that_the_manifest_names_in_both_spellings_keeps_the_one_that_was_sent() {
    let test = declaring(&["communityName", "community_name"]);
    for sent in [
        json!({"community_name": "a"}),
        json!({"communityName": "a"}),
        json!({"communityName": "a", "community_name": "b"}),
    ] {
        assert_eq!(passed_on(&test, sent.clone()), sent);
    }
}

#[test]
fn no_other_spelling_is_translated() {
    let test = declaring(&["containerName"]);
    for name in ["container-name", "containername", "ContainerName", "CONTAINER_NAME", "container_name_"] {
        assert_eq!(passed_on(&test, json!({name: "photos"})), json!({name: "photos"}));
    }
}

#[test]
fn both_spellings_at_once_are_refused_even_if_they_agree() {
    for second in ["photos", "other"] {
        let test = declaring(&["containerName"]);
        let parameters = json!({"containerName": "photos", "container_name": second});
        assert_eq!(
            test.delegate(good_with(parameters)).summary(),
            "400 invalid_request send either containerName or container_name, not both"
        );
        assert!(test.script.grants().is_empty());
    }
    // An empty text is an absent parameter, so that only one is left.
    let one = json!({"containerName": "photos", "container_name": ""});
    assert_eq!(passed_on(&declaring(&["containerName"]), one), json!({"containerName": "photos"}));
}

#[test]
fn a_parameter_never_becomes_a_setting() {
    let test = TestEngine::new();
    let parameters =
        json!({"target": "storage", "storageAccessKey": "mine", "settings": {"storageAccessKey": "mine"}});
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    assert!(test.script.configurations()[0].settings.is_empty());
}
