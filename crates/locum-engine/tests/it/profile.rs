//! Least privilege: an issuer receives only the attributes and keys that its manifest declares.

use locum_abi::manifest::{Need, Read};
use locum_engine::model::AddOn;
use serde_json::{Value, json};

use locum_testing::{TestEngine, TestSetup, claims_for, good_with, hs256, object};

fn attribute(name: &str) -> Read {
    Read::Attribute { name: name.to_owned() }
}

fn named_by(setting: &str, default: Option<&str>) -> Read {
    Read::NamedBySetting { setting: setting.to_owned(), default: default.map(str::to_owned) }
}

/// The attributes of Alice that the issuer receives with these reads and settings.
fn read(reads: Vec<Read>, settings: Value) -> Value {
    let test = TestEngine::with(|setup| {
        setup.issuers.manifest("aws").reads = reads;
        setup.client("storage").add_ons = vec![AddOn::new("aws", object(settings))];
    });
    assert_eq!(test.delegate(good_with(json!({"target": "storage"}))).summary(), "issued");
    let grant = test.script.last_grant();
    assert!(grant.claims.is_empty(), "reading is not selecting");
    Value::Object(grant.profile)
}

#[test]
fn an_issuer_that_reads_nothing_sees_nothing() {
    assert_eq!(read(Vec::new(), json!({})), json!({}));
    assert_eq!(read(vec![Read::Unknown], json!({})), json!({}));
}

#[test]
fn an_attribute_is_read_whatever_the_scope_if_the_user_has_it() {
    let reads = vec![attribute("favourite_food"), attribute("awsrole")];
    assert_eq!(read(reads, json!({})), json!({"favourite_food": "plum"}));
    assert_eq!(read(vec![attribute("user_id")], json!({})), json!({"user_id": "auth0|alice"}));
    assert_eq!(read(vec![attribute("sub"), attribute("exp")], json!({})), json!({}));
}

#[test]
fn the_attribute_that_a_setting_names_is_read() {
    let reads = || vec![named_by("principal", Some("nickname"))];
    assert_eq!(read(reads(), json!({"principal": "favourite_food"})), json!({"favourite_food": "plum"}));
    assert_eq!(read(reads(), json!({})), json!({"nickname": "al"}));
    assert_eq!(read(reads(), json!({"principal": "unknown"})), json!({}));
    assert_eq!(read(vec![named_by("principal", None)], json!({})), json!({}));
}

#[test]
fn a_setting_that_is_an_object_names_the_attributes_that_are_its_values() {
    let reads = || vec![named_by("mappings", Some("nickname"))];
    let mappings = json!({"mappings": {
        "https://aws.amazon.com/SAML/Attributes/Role": "favourite_food",
        "https://aws.amazon.com/SAML/Attributes/RoleSessionName": "nickname",
        "email": "unknown",
        "not a name": 7,
        "nor this": {"a": "email"},
    }});
    assert_eq!(read(reads(), mappings), json!({"favourite_food": "plum", "nickname": "al"}));
    // The keys of the object name no attributes, and an empty object does not count as absent.
    assert_eq!(read(reads(), json!({"mappings": {"email": "unknown"}})), json!({}));
    assert_eq!(read(reads(), json!({"mappings": {}})), json!({}));
    assert_eq!(read(reads(), json!({})), json!({"nickname": "al"}));
}

#[test]
fn a_setting_that_is_neither_text_nor_object_counts_as_absent() {
    for odd in [json!(7), json!(true), json!(["email"]), json!(null)] {
        let reads = vec![named_by("principal", Some("nickname"))];
        assert_eq!(read(reads, json!({"principal": odd})), json!({"nickname": "al"}));
    }
}

#[test]
fn no_parameter_chooses_what_is_read() {
    let test = TestEngine::with(|setup| {
        setup.issuers.manifest("aws").reads = vec![named_by("principal", Some("nickname"))];
    });
    let parameters =
        json!({"target": "storage", "api_type": "aws", "principal": "email", "reads": ["email"]});
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    assert_eq!(Value::Object(test.script.last_grant().profile), json!({"nickname": "al"}));
}

#[test]
fn claims_of_the_token_override_the_stored_profile() {
    let mut claims = claims_for("caller");
    claims["nickname"] = json!("ally");
    let test = TestEngine::with(|setup| setup.issuers.manifest("app").reads = vec![attribute("nickname")]);
    assert_eq!(test.delegate(good_with(json!({"id_token": hs256(&claims)}))).summary(), "issued");
    assert_eq!(Value::Object(test.script.last_grant().profile), json!({"nickname": "ally"}));
}

#[test]
fn the_tenants_key_is_given_to_issuers_that_need_it_and_to_no_other() {
    let needs_key =
        |setup: &mut TestSetup| setup.issuers.manifest("aws").needs = vec![Need::TenantSigningKey];
    let test = TestEngine::with(needs_key);
    let received: Vec<(String, Option<String>)> = test
        .script
        .configurations()
        .into_iter()
        .filter(|configured| configured.tenant.domain == "acme.example.com")
        .filter(|configured| configured.api_type != "salesforce_api")
        .map(|configured| (configured.api_type, configured.tenant.signing_key.map(|key| key.kid)))
        .collect();
    let kid = "key of acme.example.com".to_owned();
    let app = ("app", None);
    let expected = [app.clone(), app.clone(), app, ("azure_blob", None), ("aws", Some(kid))];
    assert_eq!(received, expected.map(|(api_type, kid)| (api_type.to_owned(), kid)));
}

#[test]
fn an_issuer_of_a_tenant_without_a_key_receives_none() {
    let test = TestEngine::with(|setup| {
        setup.issuers.manifest("app").needs = vec![Need::TenantSigningKey];
        setup.acme.tenant.signing_keys.clear();
    });
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
    assert!(test.script.configurations()[0].tenant.signing_key.is_none());
}
