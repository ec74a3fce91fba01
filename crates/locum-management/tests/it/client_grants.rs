//! Grants of clients.

use locum_testing::ACME;
use serde_json::json;

use crate::test_service::{TestService, with, with_all};

fn ours() -> String {
    format!("https://{ACME}/api/v2/")
}

#[tokio::test]
async fn a_grant_is_created_changed_and_deleted() {
    for service in TestService::each().await {
        let body = json!({"client_id": "crm", "audience": ours(), "scope": ["read:users"]});
        let created = service.post(&with_all(), "/client-grants", body.clone()).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(
            service.post(&with_all(), "/client-grants", body).await.refusal(),
            (409, "grant_exists".to_owned())
        );
        let of_crm = service.get(&with_all(), "/client-grants?client_id=crm").await.ok();
        assert_eq!(of_crm[0], created.json());
        let for_users = "/client-grants?take=50&include_totals=true&subject_type=user";
        assert_eq!(service.get(&with_all(), for_users).await.ok(), json!({"client_grants": []}));
        let for_clients = service.get(&with_all(), "/client-grants?subject_type=client").await.ok();
        assert_eq!(for_clients.as_array().unwrap().len(), 2);
        let path = format!("/client-grants/{id}");
        let patched = service.patch(&with_all(), &path, json!({"scope": ["read:clients"]})).await.ok();
        assert_eq!((&patched["id"], &patched["scope"]), (&json!(id), &json!(["read:clients"])));
        let tenant = service.directory().served(ACME).unwrap();
        for attempt in 0.. {
            let client = service.engine.directory().client(&tenant, "crm").wait().await.unwrap().unwrap();
            if client.client().management_scopes == ["read:clients"] {
                break;
            }
            assert!(attempt < 200, "{:?}", client.client().management_scopes);
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(service.delete(&with_all(), &path).await.status, 204);
        assert_eq!(service.get(&with_all(), "/client-grants?client_id=crm").await.ok(), json!([]));
        assert_eq!(
            service.patch(&with_all(), &path, json!({"scope": []})).await.refusal().1,
            "inexistent_client_grant"
        );
    }
}

#[tokio::test]
async fn nobody_grants_scopes_that_they_lack() {
    let service = TestService::new().await;
    let some = with("create:client_grants update:client_grants read:client_grants read:users");
    let body = |scope: &str| json!({"client_id": "crm", "audience": ours(), "scope": [scope]});
    let refused = service.post(&some, "/client-grants", body("delete:users")).await;
    assert_eq!(refused.refusal(), (403, "insufficient_scope".to_owned()));
    assert!(refused.message().contains("delete:users"));
    let created = service.post(&some, "/client-grants", body("read:users")).await;
    assert_eq!(created.status, 201, "{created:?}");
    let path = format!("/client-grants/{}", created.json()["id"].as_str().unwrap());
    let widened = json!({"scope": ["read:users", "update:users"]});
    assert_eq!(service.patch(&some, &path, widened.clone()).await.refusal().0, 403);
    assert_eq!(service.patch(&with_all(), &path, widened.clone()).await.status, 200);
    // What the client has already is not given.
    assert_eq!(service.patch(&some, &path, widened).await.status, 200);
    let other = json!({"scope": ["update:users", "delete:users"]});
    let refused = service.patch(&some, &path, other).await;
    assert_eq!(refused.refusal().0, 403);
    assert!(!refused.message().contains("update:users"), "{refused:?}");
    let narrowed = json!({"scope": ["update:users"]});
    assert_eq!(service.patch(&some, &path, narrowed).await.status, 200);
    let back = json!({"scope": ["read:users", "update:users"]});
    assert_eq!(service.patch(&some, &path, back).await.status, 200);
    // Other audiences are not ours.
    let other =
        json!({"client_id": "crm", "audience": "https://api.example", "scope": ["delete:everything"]});
    assert_eq!(service.post(&some, "/client-grants", other).await.status, 201);
}

#[tokio::test]
async fn a_grant_that_cannot_be_used_is_refused() {
    let service = TestService::new().await;
    let good = json!({"client_id": "crm", "audience": ours(), "scope": ["read:users"]});
    for (name, value) in [
        ("client_id", json!("nobody")),
        ("client_id", json!("")),
        ("client_id", json!(1)),
        ("audience", json!("")),
        ("scope", json!("read:users")),
        ("scope", json!([1])),
        ("scope", json!(["read:users write:users"])),
        ("scope", json!(["a\", error=\"b"])),
        ("scope", json!(["a".repeat(257)])),
        ("scope", json!([""])),
        ("subject_type", json!("robot")),
        ("id", json!("cgr_mine")),
        ("extra", json!(1)),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let reply = service.post(&with_all(), "/client-grants", body.clone()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()), "{body}");
    }
    assert_eq!(service.post(&with_all(), "/client-grants", good).await.status, 201);
}
