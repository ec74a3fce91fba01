//! Settings that a plugin refuses: who may read its reason, and what is written.

use locum_abi::answer::{Failure, FailureCode};
use serde_json::{Value, json};

use crate::test_service::{CANARY, CRM_URL, TestService, with, with_all};

/// A plugin that quotes what it refuses.
async fn service() -> TestService {
    let service = TestService::new().await;
    let failure = Failure::new(FailureCode::SettingsRefused, "`canary-new` is no password");
    service.issuers.refuses_settings("crm", failure.at("/password"));
    service
}

fn settings() -> Value {
    json!({"addons": {"crm": {"url": CRM_URL, "password": "canary-new", "second": "canary-other"}}})
}

#[tokio::test]
async fn they_are_refused_in_a_new_client_and_in_a_changed_one() {
    let service = service().await;
    let before = service.stored_client("worker").await;
    let mut new = settings();
    new["name"] = "new".into();
    new["client_id"] = "new".into();
    for (method, path, body) in [("POST", "/clients", new), ("PATCH", "/clients/worker", settings())] {
        let writes_keys = with("create:clients update:clients update:client_keys");
        let reply = service.send_text(&writes_keys, method, path, body.to_string()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()), "{reply:?}");
        assert!(reply.message().contains("/addons/crm/password"), "{reply:?}");
        assert!(!reply.text.contains(CANARY), "{reply:?}");
        // What the plugin said is in the audit log, at the reference that the message has.
        let event = service.sink.take_only_event();
        assert!(reply.message().contains(&event.reference), "{reply:?}");
        let refusal = event.refusal.unwrap();
        assert!(!refusal.description.contains(CANARY), "{refusal:?}");
        assert!(refusal.inside.unwrap().contains("is no password"));
        // Whoever may read the secrets may read its reason too.
        let reply = service.send_text(&with_all(), method, path, body.to_string()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()));
        assert!(reply.message().contains("is no password"), "{reply:?}");
        service.sink.take_events();
    }
    assert_eq!(service.stored_client("worker").await, before);
    assert_eq!(service.get(&with_all(), "/clients/new").await.status, 404);
}

#[tokio::test]
async fn what_was_refused_before_can_stay_and_settings_that_are_accepted_are_written() {
    let service = service().await;
    let reply = service.patch(&with("update:clients"), "/clients/crm", json!({"name": "renamed"})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let accepted = TestService::new().await;
    assert_eq!(accepted.patch(&with_all(), "/clients/worker", settings()).await.status, 200);
    assert_eq!(accepted.stored_client("worker").await["addons"], settings()["addons"]);
}
