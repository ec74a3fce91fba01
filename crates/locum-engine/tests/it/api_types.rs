//! The selection of the issuer: by api_type, else the first add-on, else the app; and the clients that may not delegate.

use locum_engine::model::{AddOn, LegacyGrants};
use serde_json::{Map, Value, json};

use locum_testing::{TestEngine, TestSetup, good_with};

fn chosen(test: &TestEngine, changes: Value) -> String {
    let reply = test.delegate(good_with(changes));
    assert_eq!(reply.summary(), "issued");
    reply.event.api_type.unwrap()
}

fn summary(change: impl FnOnce(&mut TestSetup), changes: Value) -> String {
    TestEngine::with(change).delegate(good_with(changes)).summary()
}

#[test]
fn without_an_api_type_the_first_add_on_of_the_target_is_used() {
    assert_eq!(chosen(&TestEngine::new(), json!({"target": "storage"})), "azure_blob");
    assert_eq!(chosen(&TestEngine::new(), json!({"target": "storage", "api_type": ""})), "azure_blob");
    let other_order = TestEngine::with(|setup| setup.client("storage").add_ons.reverse());
    assert_eq!(chosen(&other_order, json!({"target": "storage"})), "salesforce_api");
}

#[test]
fn an_add_on_whose_plugin_is_not_loaded_is_skipped() {
    let test = TestEngine::with(|setup| setup.issuers.unload("azure_blob"));
    assert_eq!(chosen(&test, json!({"target": "storage"})), "aws");
    let without_plugins = TestEngine::with(|setup| {
        for api_type in ["azure_blob", "aws", "salesforce_api"] {
            setup.issuers.unload(api_type);
        }
    });
    assert_eq!(chosen(&without_plugins, json!({"target": "storage"})), "app");
}

#[test]
fn a_single_sign_on_add_on_is_skipped_and_cannot_be_named() {
    let change = |setup: &mut TestSetup| {
        setup.client("api").add_ons = ["samlp", "aws"].map(|name| AddOn::new(name, Map::new())).into();
    };
    assert_eq!(chosen(&TestEngine::with(change), json!({"target": "api"})), "aws");
    assert_eq!(
        summary(change, json!({"target": "api", "api_type": "samlp"})),
        "400 invalid_request api_type samlp is unknown or not enabled on the target"
    );
}

#[test]
fn without_any_add_on_the_app_is_used() {
    assert_eq!(chosen(&TestEngine::new(), json!({})), "app");
    assert_eq!(chosen(&TestEngine::new(), json!({"target": "api"})), "app");
}

#[test]
fn add_ons_are_those_of_the_target_and_not_of_the_caller() {
    let change = |setup: &mut TestSetup| {
        setup.client("caller").add_ons = vec![AddOn::new("aws", Map::new())];
    };
    assert_eq!(chosen(&TestEngine::with(change), json!({"target": "api"})), "app");
    assert_eq!(
        summary(change, json!({"target": "api", "api_type": "aws"})),
        "400 invalid_request api_type aws is unknown or not enabled on the target"
    );
}

#[test]
fn auth0_is_a_synonym_of_app() {
    for name in ["app", "auth0"] {
        let test = TestEngine::new();
        assert_eq!(chosen(&test, json!({"target": "storage", "api_type": name})), "app", "{name}");
        assert_eq!(test.script.last_grant().target_id, "storage");
    }
    for name in ["App", "AUTH0", "auth0 ", "auth"] {
        assert_eq!(
            TestEngine::new().delegate(good_with(json!({"api_type": name}))).refusal().status(),
            400,
            "{name}"
        );
    }
}

#[test]
fn the_refusal_names_the_api_type_without_unsafe_characters() {
    let description = |api_type: &str| {
        TestEngine::new()
            .delegate(good_with(json!({"api_type": api_type})))
            .refusal()
            .description()
            .to_owned()
    };
    assert_eq!(
        description("<script>alert(1)</script>\r\n\u{1b}[31m"),
        "api_type scriptalert1script31m is unknown or not enabled on the target"
    );
    assert!(description(&"x".repeat(10_000)).len() < 150);
}

#[test]
fn conformant_clients_are_neither_source_nor_target_of_app_tokens() {
    let refused =
        "403 unauthorized_client OIDC-conformant clients cannot take part in delegation with api_type app";
    for conformant in ["caller", "storage"] {
        let change = |setup: &mut TestSetup| setup.client(conformant).oidc_conformant = true;
        for app in ["app", "auth0"] {
            assert_eq!(
                summary(change, json!({"target": "storage", "api_type": app})),
                refused,
                "{conformant}"
            );
        }
        assert_eq!(
            summary(change, json!({"target": "storage", "api_type": "aws"})),
            "issued",
            "{conformant}"
        );
        assert_eq!(summary(change, json!({"target": "storage"})), "issued", "{conformant}");
    }
    let other = |setup: &mut TestSetup| setup.client("api").oidc_conformant = true;
    assert_eq!(summary(other, json!({"target": "storage", "api_type": "app"})), "issued");
}

#[test]
fn a_conformant_client_is_refused_when_the_app_is_the_default() {
    let change = |setup: &mut TestSetup| {
        setup.client("storage").oidc_conformant = true;
        for api_type in ["azure_blob", "aws", "salesforce_api"] {
            setup.issuers.unload(api_type);
        }
    };
    assert!(summary(change, json!({"target": "storage"})).starts_with("403 unauthorized_client"));
}

#[test]
fn third_party_clients_are_refused() {
    let change = |setup: &mut TestSetup| setup.client("caller").is_first_party = false;
    for changes in [json!({}), json!({"target": "storage"}), json!({"target": "storage", "api_type": "aws"})]
    {
        assert_eq!(summary(change, changes), "403 unauthorized_client third-party clients cannot delegate");
    }
}

#[test]
fn only_the_legacy_grant_of_the_presented_token_is_required() {
    let with = |id_token, refresh_token| {
        let change = move |setup: &mut TestSetup| {
            setup.client("caller").grants = LegacyGrants { id_token, refresh_token };
        };
        summary(change, json!({}))
    };
    assert_eq!(with(true, false), "issued");
    for refresh_token in [true, false] {
        assert_eq!(
            with(false, refresh_token),
            "403 unauthorized_client the legacy delegation grant for id_token is not allowed for the client"
        );
    }
}
