//! What a call may name of another tenant: nothing. (Clients, users and device credentials have tests of their own.)

use locum_testing::{ACME, GLOBEX};
use serde_json::json;

use crate::test_service::{Asked, TestService, with_all};

#[tokio::test]
async fn a_grant_of_another_tenant_does_not_exist() {
    for service in TestService::each().await {
        let globex = Asked { host: GLOBEX, ..with_all() };
        let body = json!({"client_id": "crm", "audience": "https://api.example/", "scope": ["read:it"]});
        let created = service.post(&globex, "/client-grants", body).await.ok();
        let path = format!("/client-grants/{}", created["id"].as_str().unwrap());
        let patch = json!({"scope": ["write:it"]});
        let refused = service.patch(&with_all(), &path, patch.clone()).await;
        assert_eq!(refused.refusal(), (404, "inexistent_client_grant".to_owned()));
        assert_eq!(service.delete(&with_all(), &path).await.status, 204);
        let listed = service.get(&globex, "/client-grants?client_id=crm").await.ok();
        assert_eq!(listed[0]["scope"], json!(["read:it"]));
        assert_eq!(service.patch(&globex, &path, patch).await.status, 200);

        // Nor is a client of another tenant given one.
        let foreign =
            json!({"client_id": format!("of-{GLOBEX}"), "audience": "https://api.example/", "scope": []});
        let refused = service.post(&with_all(), "/client-grants", foreign.clone()).await;
        assert_eq!(refused.refusal(), (400, "invalid_body".to_owned()));
        assert_eq!(service.post(&globex, "/client-grants", foreign).await.status, 201);
    }
}

#[tokio::test]
async fn fields_of_a_user_that_are_columns_elsewhere_move_and_number_nothing() {
    for service in TestService::each().await {
        let body = json!({
            "user_id": "auth0|new", "tenant": GLOBEX, "domain": GLOBEX, "version": 7, "sequence": 7, "document": "{}",
        });
        let created = service.post(&with_all(), "/users", body.clone()).await;
        assert_eq!((created.status, &created.json()["tenant"]), (201, &json!(GLOBEX)), "{created:?}");
        let read = service.get(&with_all(), "/users/auth0%7Cnew").await;
        assert_eq!((read.headers["etag"].to_str().unwrap(), read.json()), ("\"1\"", body));
        let globex = Asked { host: GLOBEX, ..with_all() };
        assert_eq!(service.get(&globex, "/users/auth0%7Cnew").await.refusal().0, 404);
        let patch = json!({"tenant": ACME, "version": 1});
        let patched = service.patch(&with_all(), "/users/auth0%7Cnew", patch).await;
        assert_eq!(patched.headers["etag"].to_str().unwrap(), "\"2\"");
        assert_eq!(service.get(&globex, "/users/auth0%7Cnew").await.refusal().0, 404);
    }
}
