//! Clients: created, read, changed, deleted.

use locum_testing::{ACME, GLOBEX};
use serde_json::{Value, json};

use crate::test_service::{Asked, TestService, with, with_all};

#[tokio::test]
async fn a_client_is_created_read_changed_and_deleted() {
    for service in TestService::each().await {
        let created = service.post(&with_all(), "/clients", json!({"name": "Shop", "sso": true})).await;
        assert_eq!(created.status, 201, "{created:?}");
        let client = created.json();
        let id = client["client_id"].as_str().unwrap().to_owned();
        assert_eq!((id.len(), client["client_secret"].as_str().unwrap().len()), (32, 64));
        let path = format!("/clients/{id}");
        let read = service.get(&with_all(), &path).await;
        assert_eq!(read.ok(), client);
        assert_eq!(
            (read.headers["etag"].clone(), client["sso"].clone()),
            ("\"1\"".parse().unwrap(), json!(true))
        );
        let patch = json!({"name": "The shop", "sso": null, "callbacks": ["https://shop.example/back"]});
        let patched = service.patch(&with_all(), &path, patch).await;
        assert_eq!(patched.headers["etag"], "\"2\"");
        assert_eq!(service.get(&with_all(), &path).await.ok(), patched.ok());
        assert_eq!(patched.json()["name"], "The shop");
        assert_eq!(patched.json().get("sso"), None);
        assert_eq!(patched.json()["client_secret"], client["client_secret"]);
        let rotated = service.post(&with_all(), &format!("{path}/rotate-secret"), json!({})).await.ok();
        assert_ne!(rotated["client_secret"], client["client_secret"]);
        assert_eq!(service.delete(&with_all(), &path).await.status, 204);
        assert_eq!(service.get(&with_all(), &path).await.refusal(), (404, "inexistent_client".to_owned()));
        assert_eq!(service.delete(&with_all(), &path).await.status, 204);
    }
}

#[tokio::test]
async fn the_engine_serves_what_was_written() {
    let service = TestService::new().await;
    let tenant = service.directory().served(ACME).unwrap();
    let new = json!({"name": "New", "client_id": "new", "oidc_conformant": true});
    assert_eq!(service.post(&with_all(), "/clients", new).await.status, 201);
    for attempt in 0.. {
        match service.engine.directory().client(&tenant, "new").wait().await.unwrap() {
            Some(client) => {
                assert!(client.client().oidc_conformant);
                break;
            }
            None => assert!(attempt < 200, "it is not there"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_client_must_have_a_name_and_an_id_of_its_own() {
    let service = TestService::new().await;
    for (body, status) in [
        (json!({"name": "x", "client_id": "mine"}), 201),
        (json!({"name": "x", "client_id": "mine"}), 409),
        (json!({"client_id": "other"}), 400),
        (json!({"name": "", "client_id": "other"}), 400),
        (json!({"name": "x", "client_id": ""}), 400),
        (json!({"name": "x", "client_id": "a\nb"}), 400),
        (json!({"name": "x", "client_id": "a".repeat(257)}), 400),
        (json!({"name": "x", "client_id": "a".repeat(256)}), 201),
        (json!({"name": "x", "client_id": format!("https://{ACME}/api/v2/")}), 400),
    ] {
        let reply = service.post(&with_all(), "/clients", body.clone()).await;
        assert_eq!(reply.status, status, "{body}: {reply:?}");
    }
}

#[tokio::test]
async fn a_client_of_another_tenant_does_not_exist() {
    let service = TestService::new().await;
    let globex = Asked { host: GLOBEX, ..with_all() };
    let foreign = format!("/clients/of-{GLOBEX}");
    assert_eq!(service.get(&globex, &foreign).await.status, 200);
    assert_eq!(service.get(&with_all(), &foreign).await.refusal().0, 404);
    assert_eq!(service.patch(&with_all(), &foreign, json!({"name": "x"})).await.refusal().0, 404);
    assert_eq!(
        service.post(&with_all(), &format!("{foreign}/rotate-secret"), json!({})).await.refusal().0,
        404
    );
    assert_eq!(service.delete(&with_all(), &foreign).await.status, 204);
    assert_eq!(service.get(&globex, &foreign).await.ok()["name"], "Only here");
    // The same id in both tenants is two clients.
    assert_eq!(service.patch(&with_all(), "/clients/crm", json!({"name": "ours"})).await.status, 200);
    assert_eq!(service.get(&globex, "/clients/crm").await.ok()["name"], "With secrets");
}

#[tokio::test]
async fn unknown_fields_are_refused_and_unused_ones_are_kept() {
    let service = TestService::new().await;
    let kept = json!({"description": "d", "client_metadata": {"a": "b"}, "app_type": "spa"});
    let patched = service.patch(&with_all(), "/clients/crm", kept).await.ok();
    assert_eq!((&patched["description"], &patched["client_metadata"]["a"]), (&json!("d"), &json!("b")));
    for unknown in
        [json!({"remark": "d"}), json!({"domain": "x"}), json!({"management_scopes": ["read:users"]})]
    {
        let reply = service.patch(&with_all(), "/clients/crm", unknown.clone()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()), "{unknown}");
        assert!(reply.message().contains(unknown.as_object().unwrap().keys().next().unwrap()), "{reply:?}");
    }
    let nameless = service.patch(&with_all(), "/clients/crm", json!({"name": ""})).await;
    assert!(nameless.message().contains("/name"), "{nameless:?}");
    let renamed = service.patch(&with_all(), "/clients/crm", json!({"client_id": "other"})).await;
    assert!(renamed.message().contains("/client_id"), "{renamed:?}");
    assert_eq!(service.get(&with_all(), "/clients/crm").await.ok(), patched);
}

#[tokio::test]
async fn a_reference_in_a_body_is_plain_text() {
    let service = TestService::new().await;
    let patched =
        service.patch(&with_all(), "/clients/crm", json!({"name": "${env:HOME}${file:/etc/passwd}"})).await;
    assert_eq!(patched.ok()["name"], "${env:HOME}${file:/etc/passwd}");
}

#[tokio::test]
async fn two_clients_cannot_have_one_resource() {
    let service = TestService::new().await;
    let resource = json!({"resources": ["https://api.example/"]});
    assert_eq!(service.patch(&with_all(), "/clients/crm", resource.clone()).await.status, 200);
    let second = service.patch(&with_all(), "/clients/worker", resource).await;
    assert_eq!(second.refusal(), (409, "resource_conflict".to_owned()));
}

#[tokio::test]
async fn of_two_concurrent_patches_of_different_fields_both_hold() {
    for service in TestService::each().await {
        for round in 0..10 {
            let (name, description) = (format!("name {round}"), format!("description {round}"));
            let (asked, other) = (with_all(), with("update:clients"));
            let (one, two) = tokio::join!(
                service.patch(&asked, "/clients/crm", json!({"name": name})),
                service.patch(&other, "/clients/crm", json!({"description": description})),
            );
            assert_eq!((one.status, two.status), (200, 200), "{one:?} {two:?}");
            let client = service.stored_client("crm").await;
            assert_eq!((&client["name"], &client["description"]), (&json!(name), &json!(description)));
        }
    }
}

#[tokio::test]
async fn if_match_refuses_a_change_of_another_version() {
    let service = TestService::new().await;
    let tagged = |tag: &str| Asked { headers: vec![("if-match", tag.to_owned())], ..with_all() };
    let name = |name: &str| json!({ "name": name });
    let first = service.patch(&tagged("\"1\""), "/clients/crm", name("first")).await;
    assert_eq!((first.status, first.headers["etag"].to_str().unwrap()), (200, "\"2\""));
    let second = service.patch(&tagged("\"1\""), "/clients/crm", name("second")).await;
    assert_eq!(second.refusal(), (412, "precondition_failed".to_owned()));
    assert_eq!(service.delete(&tagged("\"1\""), "/clients/crm").await.refusal().0, 412);
    assert_eq!(service.stored_client("crm").await["name"], "first");
    assert_eq!(service.patch(&tagged("*"), "/clients/crm", name("third")).await.status, 200);
}

#[tokio::test]
async fn fields_select_what_is_shown() {
    let service = TestService::new().await;
    let only = service.get(&with_all(), "/clients/crm?fields=name,client_id").await.ok();
    assert_eq!(only, json!({"client_id": "crm", "name": "With secrets"}));
    let but = service.get(&with_all(), "/clients/crm?fields=name,addons&include_fields=false").await.ok();
    assert_eq!((but.get("name"), but.get("addons"), &but["client_id"]), (None, None, &json!("crm")));
    // A field that the token may not read is not selected.
    let secret = service.get(&with("read:clients"), "/clients/crm?fields=client_secret").await.ok();
    assert_eq!(secret, json!({}));
}

/// The add-ons' order has a meaning: the first is the default api_type.
#[tokio::test]
async fn the_order_of_add_ons_is_kept() {
    let service = TestService::new().await;
    let addons = r#"{"addons":{"zeta":{},"alpha":{},"mid":{}},"sso":true}"#.to_owned();
    assert_eq!(service.send_text(&with_all(), "PATCH", "/clients/worker", addons).await.status, 200);
    let removed = json!({"name": null});
    let patched = service.patch(&with_all(), "/clients/worker", removed).await.ok();
    let order: Vec<&String> = patched["addons"].as_object().unwrap().keys().collect();
    assert_eq!(order, ["zeta", "alpha", "mid"]);
    assert_eq!(patched["sso"], Value::Bool(true));
}
