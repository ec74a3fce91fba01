//! What is left out, each with a neighbour that is kept.

use locum_import::{ClientReport, Readiness, Report};
use serde_json::{Value, json};

use crate::test_export::TestExport;

const LEGACY: &str = "http://auth0.com/oauth/legacy/grant-type/delegation/id_token";

fn report(changes: Value) -> Report {
    TestExport::of_clients(&[TestExport::client(changes), other()]).report()
}

fn other() -> Value {
    TestExport::client(json!({"name": "Other", "client_id": "other"}))
}

fn shop(report: &Report) -> Option<&ClientReport> {
    report.clients.iter().find(|client| client.client_id == "shop")
}

fn texts(report: &Report) -> String {
    shop(report).unwrap().to_do.iter().map(|to_do| to_do.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn clients_that_can_delegate_or_be_a_target_are_kept() {
    for (changes, is_kept) in [
        (json!({}), true),
        (json!({"grant_types": null}), true),
        (json!({"grant_types": []}), true),
        (json!({"grant_types": [], "oidc_conformant": true}), false),
        (json!({"grant_types": [LEGACY], "oidc_conformant": true}), true),
        (json!({"grant_types": ["implicit"], "oidc_conformant": true}), false),
        (json!({"grant_types": [], "oidc_conformant": true, "allowed_clients": ["other"]}), true),
        (json!({"grant_types": [], "oidc_conformant": true, "addons": {"wams": {"masterkey": "m"}}}), true),
        (json!({"grant_types": [], "oidc_conformant": true, "addons": {"wams": null}}), false),
        (json!({"grant_types": [LEGACY], "oidc_conformant": true, "is_first_party": false}), false),
        (json!({"grant_types": [], "oidc_conformant": true, "addons": {"samlp": {}}}), false),
        (
            json!({"grant_types": [], "oidc_conformant": true, "addons": {"samlp": {}, "wams": {"masterkey": "m"}}}),
            true,
        ),
        (json!({"grant_types": [], "oidc_conformant": true, "addons": {"samlp": {}, "wams": {}}}), true),
        (json!({"global": true}), false),
    ] {
        assert_eq!(shop(&report(changes.clone())).is_some(), is_kept, "{changes}");
    }
}

#[test]
fn an_add_on_that_its_plugin_refuses_is_written_as_null_with_the_reason() {
    for (addons, reason) in [
        (json!({"wams": {}}), "the add-on wams is written as null: masterkey: it is required"),
        (json!({"wams": {"masterkey": "m", "x": 1}}), "x: there is no such setting"),
        (json!({"wams": true}), "the add-on wams has no settings, so it is written as null"),
        (json!({"carpark": {}}), "the add-on carpark is written as null"),
    ] {
        let report = report(json!({"addons": addons}));
        assert!(texts(&report).contains(reason), "{}", texts(&report));
        assert_eq!(shop(&report).unwrap().readiness, Readiness::NeedsDecision);
        assert_eq!(shop(&report).unwrap().api_types, ["app"]);
    }
    let accepted = report(json!({"addons": {"wams": {"masterkey": "m"}}}));
    assert_eq!(shop(&accepted).unwrap().api_types, ["wams", "app"]);
    assert_eq!(shop(&accepted).unwrap().readiness, Readiness::WorksNow);
}

#[test]
fn another_default_api_type_than_at_auth0_is_named() {
    let report = report(json!({"addons": {"firebase": {"x": 1}, "wams": {"masterkey": "m"}}}));
    assert!(
        texts(&report).contains("a request without api_type got firebase at Auth0; until"),
        "{}",
        texts(&report)
    );
}

#[test]
fn an_origin_that_no_browser_sends_is_left_out_and_the_others_are_kept() {
    let origins =
        ["https://*.acme.example", "https://a.example", "https://b.example/path", "https://a.example", "x"];
    let export = TestExport::of_clients(&[TestExport::client(json!({"allowed_origins": origins}))]);
    let imported = export.import().ok().unwrap();
    assert_eq!(imported.data.clients[0].allowed_origins, ["https://a.example"]);
    let texts = texts(&imported.report);
    for origin in ["https://*.acme.example", "https://b.example/path", "x"] {
        assert!(texts.contains(&format!("allowed_origins: {origin} is left out")), "{texts}");
    }
    assert_eq!(imported.report.clients[0].to_do.len(), 3);
}

#[test]
fn an_emptied_list_of_allowed_clients_does_not_allow_everybody() {
    let target = TestExport::client(json!({"allowed_clients": ["gone"]}));
    let imported = TestExport::of_clients(&[target]).import().ok().unwrap();
    assert_eq!(imported.data.clients[0].allowed_clients, ["shop"]);
    assert!(texts(&imported.report).contains("allowed_clients named gone"));
    let kept = report(json!({"allowed_clients": ["other", "gone"]}));
    assert!(texts(&kept).contains("allowed_clients named gone"));
    assert!(!texts(&report(json!({"allowed_clients": ["other"]}))).contains("allowed_clients"));
}

#[test]
fn a_client_that_would_become_public_is_left_out() {
    for changes in [
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": 7}),
        json!({"token_endpoint_auth_method": "client_secret_post", "client_secret": "", "jwt_configuration": {"alg": "RS256"}}),
        json!({"token_endpoint_auth_method": null, "app_type": "regular_web", "client_secret": null, "jwt_configuration": {"alg": "RS256"}}),
        json!({"client_secret": null}),
    ] {
        let report = report(changes.clone());
        assert!(shop(&report).is_none(), "{changes}");
        assert!(report.left_out[0].needs_decision, "{changes}");
    }
    for changes in [
        json!({"client_secret": null, "jwt_configuration": {"alg": "RS256"}}),
        json!({"token_endpoint_auth_method": null}),
        json!({"token_endpoint_auth_method": null, "app_type": "regular_web"}),
    ] {
        assert!(shop(&report(changes.clone())).is_some(), "{changes}");
    }
}

#[test]
fn a_public_client_by_type_is_written_as_one() {
    let export = |app_type: &str| {
        let changes = json!({"token_endpoint_auth_method": null, "app_type": app_type});
        let imported = TestExport::of_clients(&[TestExport::client(changes)]).import().ok().unwrap();
        imported
            .text("delegation.acme.example.yaml")
            .unwrap()
            .contains("token_endpoint_auth_method: \"none\"")
    };
    assert!(export("spa") && export("native"));
    assert!(!export("regular_web") && !export("non_interactive"));
}

#[test]
fn a_field_that_cannot_be_read_leaves_out_its_client_and_no_other() {
    for changes in [
        json!({"grant_types": "all"}),
        json!({"is_first_party": "yes"}),
        json!({"allowed_clients": "other"}),
        json!({"callbacks": {}}),
        json!({"jwt_configuration": {"alg": "HS256", "secret_encoded": true}, "client_secret": "not base64url!"}),
    ] {
        let report = report(changes.clone());
        assert!(shop(&report).is_none(), "{changes}");
        assert_eq!((report.clients.len(), report.left_out.len()), (1, 1), "{changes}");
        assert!(report.left_out[0].needs_decision);
    }
}

#[test]
fn a_lifetime_out_of_range_is_left_out() {
    for (seconds, is_kept) in [(0, false), (1, true), (2_592_000, true), (2_592_001, false)] {
        let report = report(json!({"jwt_configuration": {"lifetime_in_seconds": seconds}}));
        assert_eq!(!texts(&report).contains("lifetime_in_seconds"), is_kept, "{seconds}");
    }
}

#[test]
fn a_client_that_could_only_send_refresh_tokens_needs_a_decision() {
    let refresh = "http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token";
    for (grants, is_said) in [(vec![refresh], true), (vec![refresh, LEGACY], false), (vec![LEGACY], false)] {
        assert_eq!(texts(&report(json!({"grant_types": grants}))).contains("refresh tokens only"), is_said);
    }
}

#[test]
fn a_stored_bound_and_a_missing_role_are_said() {
    let principal = "arn:aws:iam::123456789012:saml-provider/acme";
    let with_role = report(json!({"addons": {"aws": {"principal": principal, "role": "r"}}}));
    assert!(texts(&with_role).contains("requests may name no other role than r"), "{}", texts(&with_role));
    assert_eq!(shop(&with_role).unwrap().readiness, Readiness::NeedsTrust);
    let without = report(json!({"addons": {"aws": {"principal": principal}}}));
    assert!(texts(&without).contains("it has no role"), "{}", texts(&without));
    assert_eq!(shop(&without).unwrap().readiness, Readiness::NeedsDecision);
}

#[test]
fn an_export_of_which_nothing_is_needed_is_refused() {
    let export =
        TestExport::of_clients(&[TestExport::client(json!({"grant_types": [], "oidc_conformant": true}))]);
    assert!(export.refusal().contains("there is nothing to import"), "{}", export.refusal());
}

#[test]
fn a_key_is_made_only_where_one_is_needed() {
    assert_eq!(report(json!({})).signing_key, None);
    assert_eq!(report(json!({"addons": {"wams": {"masterkey": "m"}}})).signing_key, None);
    let principal = "arn:aws:iam::123456789012:saml-provider/acme";
    for changes in [
        json!({"jwt_configuration": {"alg": "RS256"}}),
        json!({"addons": {"aws": {"principal": principal, "role": "r"}}}),
    ] {
        assert_eq!(report(changes).signing_key.as_deref(), Some("test-key"));
    }
}
