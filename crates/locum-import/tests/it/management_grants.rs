//! Which grants of an export become grants for Locum's Management API, and which do not.

use serde_json::{Value, json};

use crate::test_export::TestExport;

/// The scopes of the clients `shop` and `other`, and what is said of the tenant.
fn granted(grants: &[Value], change: impl FnOnce(&mut TestExport)) -> ([Vec<String>; 2], String) {
    let shop = TestExport::client(json!({"grant_types": null}));
    let other = TestExport::client(json!({"name": "Other", "client_id": "other"}));
    let mut export = TestExport::of_clients(&[shop, other]);
    for (index, grant) in grants.iter().enumerate() {
        export.write(&format!("grants/{index}.json"), &grant.to_string());
    }
    change(&mut export);
    let imported = export.import().map_err(|error| error.to_string()).unwrap();
    let of = |id: &str| {
        let client = imported.data.clients.iter().find(|client| client.id == id).unwrap();
        client.management_scopes.clone()
    };
    let said: Vec<&str> = imported.report.tenant.iter().map(|to_do| to_do.text.as_str()).collect();
    ([of("shop"), of("other")], said.join("\n"))
}

fn grant(changes: Value) -> Value {
    let mut grant = json!({"client_id": "Shop", "audience": "https://acme.eu.auth0.com/api/v2/", "scope": ["read:users"]});
    grant.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    grant
}

#[test]
fn a_grant_for_auth0s_management_api_is_one_for_locums() {
    let expected = [vec!["read:users".to_owned()], vec![]];
    for named in ["Shop", "shop"] {
        let (scopes, said) = granted(&[grant(json!({"client_id": named, "subject_type": "client"}))], |_| {});
        assert_eq!(scopes, expected);
        assert!(said.contains("clientGrants has the grants for the Management API (1)"), "{said}");
        assert!(said.contains("add management.keys"), "{said}");
    }
    let two =
        [grant(json!({})), grant(json!({"client_id": "shop", "scope": ["read:users", "read:clients"]}))];
    assert_eq!(granted(&two, |_| {}).0[0], ["read:users", "read:clients"]);
}

#[test]
fn a_grant_for_another_api_is_not() {
    for changes in [
        json!({"audience": "https://api.acme.example/api/v2/"}),
        json!({"audience": "https://globex.eu.auth0.com/api/v2/"}),
        json!({"audience": "https://acme.eu.auth0.com/x/api/v2/"}),
        json!({"audience": "http://acme.eu.auth0.com/api/v2/"}),
        json!({"audience": "https://acme.eu.auth0.com/api/v2"}),
        json!({"subject_type": "user"}),
        json!({"audience": 7}),
    ] {
        let (scopes, said) = granted(&[grant(changes.clone())], |_| {});
        assert_eq!(scopes, [[""; 0]; 2], "{changes}");
        assert!(!said.contains("Management API"), "{said}");
    }
}

#[test]
fn without_the_domain_at_auth0_any_host_of_auth0_is_it() {
    for domain in [None, Some("login.acme.example".to_owned())] {
        let of = |audience: &str| {
            let grants = [grant(json!({ "audience": audience }))];
            granted(&grants, |export| export.config.domain.clone_from(&domain)).0[0].len()
        };
        assert_eq!(of("https://acme.eu.auth0.com/api/v2/"), 1);
        assert_eq!(of("https://acme.eu.auth0.com.evil.example/api/v2/"), 0);
        assert_eq!(of("https://api.acme.example/api/v2/"), 0);
    }
}

#[test]
fn grants_of_clients_that_are_not_kept_are_counted() {
    let (scopes, said) = granted(&[grant(json!({"client_id": "Terraform"}))], |_| {});
    assert_eq!(scopes, [[""; 0]; 2]);
    assert!(said.contains("of clients that are left out or not in the export are left out (1)"), "{said}");
    // It has a field that the reader refuses, so it is left out later.
    let (scopes, said) = granted(&[grant(json!({"client_id": "Third"}))], |export| {
        let third = json!({"name": "Third", "client_id": "third", "allowed_clients": "shop"});
        export.write("clients/2.json", &TestExport::client(third).to_string());
    });
    assert_eq!(scopes, [[""; 0]; 2]);
    assert!(said.contains("are left out (1)"), "{said}");
}
