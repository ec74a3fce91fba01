//! Ids, secrets and names that are missing or not unique.

use locum_import::{ApiClients, Report};
use serde_json::{Value, json};

use crate::test_export::TestExport;

fn client(name: &str, changes: Value) -> Value {
    let mut client = TestExport::client(changes);
    client["name"] = name.into();
    client
}

fn without(mut client: Value, fields: &[&str]) -> Value {
    for field in fields {
        client.as_object_mut().unwrap().remove(*field);
    }
    client
}

fn api(response: Value) -> Option<ApiClients> {
    Some(ApiClients::from_json(response, "clients.json").unwrap())
}

#[test]
fn missing_ids_stop_the_import_with_the_line_to_add() {
    let export = TestExport::of_clients(&[without(client("Shop", json!({})), &["client_id"])]);
    let refusal = export.refusal();
    assert!(refusal.contains("1 of 1 clients have no client_id (Shop)"), "{refusal}");
    assert!(refusal.contains("\"AUTH0_EXPORT_IDENTIFIERS\": true"), "{refusal}");
}

#[test]
fn missing_secrets_stop_the_import_with_the_line_to_add() {
    let export = TestExport::of_clients(&[without(client("Shop", json!({})), &["client_secret"])]);
    let refusal = export.refusal();
    assert!(refusal.contains("\"INCLUDED_PROPS\": { \"clients\": [\"client_secret\"] }"), "{refusal}");
}

#[test]
fn a_client_that_is_not_needed_may_lack_both() {
    let other = json!({"name": "New", "oidc_conformant": true, "grant_types": []});
    let report = TestExport::of_clients(&[client("Shop", json!({})), other]).report();
    assert_eq!((report.clients.len(), report.left_out.len()), (1, 1));
}

#[test]
fn ids_and_secrets_are_taken_from_the_api_by_name_as_a_list_and_as_a_page() {
    let full = client("Shop", json!({}));
    for response in [json!([full.clone()]), json!({"clients": [full.clone()], "total": 1, "start": 0})] {
        let mut export = TestExport::of_clients(&[without(full.clone(), &["client_id", "client_secret"])]);
        export.api_clients = api(response);
        assert_eq!(export.report().clients[0].client_id, "shop");
    }
}

#[test]
fn a_secret_is_taken_by_id_although_the_name_has_changed() {
    let mut export = TestExport::of_clients(&[without(client("Old name", json!({})), &["client_secret"])]);
    export.api_clients = api(json!([client("New name", json!({}))]));
    assert_eq!(export.report().clients[0].name, "Old name");
}

#[test]
fn a_page_of_several_is_refused() {
    let refusal = ApiClients::from_json(json!({"clients": [{}], "total": 2}), "clients.json").err().unwrap();
    assert!(refusal.to_string().contains("it has 1 of 2 clients"), "{refusal}");
    for wrong in [json!("x"), json!({"items": []}), json!([1])] {
        assert!(ApiClients::from_json(wrong, "clients.json").is_err());
    }
}

#[test]
fn two_clients_of_one_name_are_not_joined_by_it() {
    let one = without(client("Shop", json!({})), &["client_id", "client_secret"]);
    let both = [client("Shop", json!({})), client("Shop", json!({"client_id": "other"}))];
    let mut twice_in_export = TestExport::of_clients(&[one.clone(), one.clone()]);
    twice_in_export.api_clients = api(json!([both[0]]));
    let mut twice_in_api = TestExport::of_clients(&[one]);
    twice_in_api.api_clients = api(json!(both));
    for export in [twice_in_export, twice_in_api] {
        let refusal = export.refusal();
        assert!(refusal.contains("two clients are called Shop"), "{refusal}");
        assert!(refusal.contains("AUTH0_EXPORT_IDENTIFIERS"), "{refusal}");
    }
    assert_eq!(TestExport::of_clients(&both).report().clients.len(), 2);
}

#[test]
fn two_clients_of_one_id_are_refused() {
    let export = TestExport::of_clients(&[client("A", json!({})), client("B", json!({}))]);
    assert!(export.refusal().contains("two clients of the export have the client_id shop"));
}

#[test]
fn the_order_of_add_ons_is_that_of_the_api() {
    let sorted = client("Shop", json!({"addons": {"firebase": {"secret": "s"}, "wams": {"masterkey": "m"}}}));
    let as_created =
        client("Shop", json!({"addons": {"wams": {"masterkey": "m"}, "firebase": {"secret": "s"}}}));
    let mut export = TestExport::of_clients(&[sorted]);
    assert_eq!(export.report().clients[0].api_types, ["firebase", "wams", "app"]);
    export.config.is_ordered = true;
    let is_sorted = |export: &TestExport| {
        export.report().clients[0].to_do.iter().any(|to_do| to_do.text.contains("sorts add-ons"))
    };
    assert!(is_sorted(&export));
    export.api_clients = api(json!([as_created]));
    assert_eq!(export.report().clients[0].api_types, ["wams", "firebase", "app"]);
    assert!(!is_sorted(&export));
}

#[test]
fn the_domain_must_be_a_host_name() {
    let mut export = TestExport::of_clients(&[client("Shop", json!({}))]);
    for domain in
        ["", "https://a.example", "a.example/", "a b", "-a.example", "a..b", "${env:X}", "a:443", "../x"]
    {
        domain.clone_into(&mut export.domain);
        assert!(export.refusal().starts_with("--domain "), "{domain}");
    }
    export.domain = "Delegation.Acme.Example".to_owned();
    assert_eq!(export.report().domain, "delegation.acme.example");
}

#[test]
fn without_the_domain_at_auth0_somebody_must_decide() {
    let mut export = TestExport::of_clients(&[client("Shop", json!({}))]);
    export.config.domain = None;
    let report = export.report();
    assert!(report.former_issuers.is_empty());
    assert!(report.tenant.iter().any(|to_do| to_do.text.contains("AUTH0_DOMAIN")));
}

#[test]
fn locum_cannot_take_over_a_name_and_auth0s_keys_for_it() {
    let takes_over =
        |report: &Report| report.tenant.iter().any(|to_do| to_do.text.contains("as Auth0 does until now"));
    let mut export = TestExport::copy_of("directory");
    assert!(!takes_over(&export.report()));
    for own in ["acme.eu.auth0.com", "login.acme.example"] {
        own.clone_into(&mut export.domain);
        let report = export.report();
        assert!(takes_over(&report), "{own}");
        assert_eq!(report.former_issuers.len(), 1, "{own}");
    }
}
