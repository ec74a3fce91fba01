//! Every change and every refusal has an event, with the actor and without values.

use locum_engine::AuditCode;
use locum_testing::ACME;
use serde_json::json;

use crate::test_service::{CANARY, TestService, with, with_all};

#[tokio::test]
async fn a_change_is_recorded_with_the_actor_and_the_names_of_fields() {
    let service = TestService::new().await;
    let patch =
        json!({"name": "canary-name", "client_secret": "canary-secret-0123456789", "description": null});
    assert_eq!(service.patch(&with_all(), "/clients/crm", patch).await.status, 200);
    let event = service.sink.take_only_event();
    assert_eq!(
        (event.code, event.tenant.as_deref(), event.refusal.as_ref()),
        (AuditCode::Managed, Some(ACME), None)
    );
    assert_eq!(event.actor.as_deref(), Some("operator@locum"));
    let call = event.management.as_ref().unwrap();
    assert_eq!((call.operation, call.resource.as_deref()), ("update_client", Some("crm")));
    assert_eq!(call.fields.as_deref(), Some("name client_secret description"));
    assert_eq!(call.token_id.as_deref().map(str::len), Some(32));
    assert!(!format!("{event:?}").contains(CANARY), "{event:?}");
    // What is read, and what changes nothing, has no event.
    assert_eq!(service.get(&with_all(), "/clients/crm").await.status, 200);
    assert_eq!(service.patch(&with_all(), "/clients/crm", json!({"name": "canary-name"})).await.status, 200);
    assert_eq!(service.sink.take_events(), []);
}

#[tokio::test]
async fn each_kind_of_change_is_one_event() {
    let service = TestService::new().await;
    for (method, path, body, operation) in [
        ("POST", "/clients", json!({"name": "x", "client_id": "x"}), "create_client"),
        ("POST", "/clients/x/rotate-secret", json!({}), "rotate_client_secret"),
        ("DELETE", "/clients/x", json!({}), "delete_client"),
        ("POST", "/users", json!({"user_id": "u"}), "create_user"),
        ("PATCH", "/users/u", json!({"name": "n"}), "update_user"),
        ("DELETE", "/users/u", json!({}), "delete_user"),
        ("PATCH", "/tenants/settings", json!({"friendly_name": "n"}), "update_tenant_settings"),
    ] {
        let reply = service.send_text(&with_all(), method, path, body.to_string()).await;
        assert!(matches!(reply.status, 200 | 201 | 204), "{operation}: {reply:?}");
        let event = service.sink.take_only_event();
        assert_eq!((event.code, event.management.unwrap().operation), (AuditCode::Managed, operation));
    }
}

#[tokio::test]
async fn a_refusal_is_recorded_without_what_was_sent() {
    let service = TestService::new().await;
    for (scope, method, path, body, code) in [
        ("read:users", "PATCH", "/clients/crm", json!({"name": "canary"}), "insufficient_scope"),
        (
            "update:clients",
            "PATCH",
            "/clients/crm",
            json!({"client_secret": "canary-secret"}),
            "insufficient_scope",
        ),
        ("update:clients", "PATCH", "/clients/crm", json!({"is_first_party": "canary"}), "invalid_body"),
        (
            "update:clients",
            "PATCH",
            "/clients/crm",
            json!({"addons": {"crm": {"url": "canary"}}}),
            "invalid_body",
        ),
        ("read:clients", "GET", "/clients/nobody", json!({}), "inexistent_client"),
    ] {
        let reply = service.send_text(&with(scope), method, path, body.to_string()).await;
        assert_eq!(reply.refusal().1, code, "{body}");
        let event = service.sink.take_only_event();
        assert_eq!((event.code, event.refusal.as_ref().unwrap().code), (AuditCode::ManagementFailure, code));
        assert_eq!(event.actor.as_deref(), Some("operator@locum"));
        assert!(!format!("{event:?}{reply:?}").contains(CANARY), "{event:?} {reply:?}");
    }
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
    let reply = service.patch(&with_all(), "/clients/crm", json!({jwt: 1, "a".repeat(100_000): 1})).await;
    assert!(reply.refusal().0 == 400 && reply.text.len() < 5000, "{}", reply.text.len());
    let description = service.sink.take_only_event().refusal.unwrap().description;
    assert!(!description.contains(jwt) && description.len() < 1000, "{description}");
    let reply = service.get(&with(""), "/openapi.json").await;
    assert_eq!((reply.status, service.sink.take_events().len()), (200, 0));
}

#[tokio::test]
async fn a_change_whose_event_is_not_kept_is_not_made() {
    for service in TestService::each().await {
        service.sink.fail();
        let reply = service.patch(&with_all(), "/clients/crm", json!({"name": "x"})).await;
        assert_eq!(reply.refusal(), (503, "temporarily_unavailable".to_owned()));
        assert_eq!(service.stored_client("crm").await["name"], "With secrets");
        assert_eq!(service.get(&with_all(), "/clients/crm").await.status, 200);
    }
}
