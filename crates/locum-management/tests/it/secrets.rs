//! Secrets of clients: who reads them, who writes them, and what a PATCH without them means.

use locum_testing::{ACME, jwk_set};
use serde_json::{Value, json};

use crate::test_service::{CANARY, CRM_URL, TestService, with, with_all};

#[tokio::test]
async fn secrets_are_shown_with_read_client_keys_only() {
    for service in TestService::each().await {
        let scopes = with("read:clients update:clients create:clients update:client_keys");
        for path in ["/clients/crm", "/clients", "/clients?is_global=false", "/clients?take=2"] {
            let reply = service.get(&scopes, path).await;
            assert!(reply.status == 200 && !reply.text.contains(CANARY), "{path}: {reply:?}");
            let with_keys = service.get(&with("read:clients read:client_keys"), path).await;
            assert!(with_keys.text.contains("canary-of-crm-0123456789"), "{path}: {with_keys:?}");
        }
        let reply = service.patch(&scopes, "/clients/crm", json!({"name": "x"})).await;
        assert!(reply.status == 200 && !reply.text.contains(CANARY), "{reply:?}");
        let add_ons = reply.json()["addons"].clone();
        assert_eq!(add_ons, json!({"crm": {"url": CRM_URL}, "unknown": {}}));
        let reply = service.post(&scopes, "/clients", json!({"name": "x"})).await;
        assert_eq!((reply.status, reply.json().get("client_secret")), (201, None));
        let reply = service.post(&scopes, "/clients/crm/rotate-secret", json!({})).await;
        assert_eq!((reply.status, reply.json().get("client_secret")), (200, None));
        for shown in
            ["canary-password", "canary-second", "canary-endpoint", "canary-private-key", "canary-pkcs7"]
        {
            let reply = service.get(&with("read:clients read:client_keys"), "/clients/crm").await;
            assert!(reply.text.contains(shown), "{shown}");
        }
    }
}

#[tokio::test]
async fn secrets_are_written_with_update_client_keys_only() {
    let service = TestService::new().await;
    let jwks = json!({"keys": []});
    for (patch, is_secret) in [
        (json!({"client_secret": "another-secret-0123456789"}), true),
        (json!({"client_secret": null}), true),
        (json!({"jwks": jwks, "token_endpoint_auth_method": "private_key_jwt"}), true),
        (json!({"signing_keys": []}), true),
        (json!({"encryption_key": {"pub": "x"}}), true),
        (json!({"jwt_configuration": {"private_key": "x"}}), true),
        (json!({"jwt_configuration": {"private_key": null}}), true),
        (json!({"jwt_configuration": {"lifetime_in_seconds": 60}}), false),
        (json!({"addons": {"crm": {"url": CRM_URL, "password": "x", "second": "y"}}}), true),
        (json!({"addons": {"crm": {"url": CRM_URL, "password": null, "second": "canary-second"}}}), true),
        (json!({"addons": {"new": {"setting": "x"}}}), true),
        (json!({"addons": {"crm": {"url": CRM_URL}, "unknown": {}}}), false),
        (json!({"addons": {}}), false),
        (json!({"name": "x"}), false),
    ] {
        let reply = service.patch(&with("update:clients"), "/clients/crm", patch.clone()).await;
        assert_eq!(reply.status, if is_secret { 403 } else { 200 }, "{patch}: {reply:?}");
    }
    let service = TestService::new().await;
    for (body, is_secret) in [
        (json!({"name": "x"}), false),
        (json!({"name": "x", "client_secret": "another-secret-0123456789"}), true),
        (json!({"name": "x", "jwks": jwks}), true),
        (json!({"name": "x", "addons": {"crm": {"url": CRM_URL}}}), false),
        (json!({"name": "x", "addons": {"crm": {"url": CRM_URL, "password": "x"}}}), true),
    ] {
        let reply = service.post(&with("create:clients"), "/clients", body.clone()).await;
        assert_eq!(reply.status, if is_secret { 403 } else { 201 }, "{body}: {reply:?}");
    }
}

/// Otherwise one could let a stored secret be sent to a server of one's own.
#[tokio::test]
async fn a_stored_secret_stays_only_with_the_settings_that_it_was_stored_with() {
    let service = TestService::new().await;
    let before = service.stored_client("crm").await;
    let crm = |settings: Value| json!({ "addons": { "crm": settings, "unknown": {} } });
    let foreign = crm(json!({"url": "https://evil.example/"}));
    for asked in [with("update:clients"), with_all()] {
        let reply = service.patch(&asked, "/clients/crm", foreign.clone()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()));
        assert!(reply.message().contains("/addons/crm"), "{reply:?}");
    }
    for refused in [
        json!({}),
        json!({"url": CRM_URL, "password": "other"}),
        json!({"url": "https://evil.example/", "password": "other"}),
    ] {
        assert_eq!(service.patch(&with_all(), "/clients/crm", crm(refused)).await.refusal().0, 400);
    }
    // Of an add-on whose plugin is not known, every setting may be the secret or the place where it goes.
    let part = json!({"addons": {"crm": {"url": CRM_URL}, "unknown": {"endpoint": "canary-evil"}}});
    assert_eq!(service.patch(&with_all(), "/clients/crm", part).await.refusal().0, 400);
    assert_eq!(service.stored_client("crm").await, before);
    // As the deploy CLI sends back what it has read without the scope.
    let unchanged = crm(json!({"url": CRM_URL}));
    assert_eq!(service.patch(&with("update:clients"), "/clients/crm", unchanged).await.status, 200);
    assert_eq!(service.stored_client("crm").await, before);
    // Whoever writes all, or clears the secret, decides where it goes.
    let cleared = crm(json!({"url": "https://other.example/", "password": null, "second": null}));
    assert_eq!(service.patch(&with_all(), "/clients/crm", cleared).await.status, 200);
    let stored = service.stored_client("crm").await;
    assert_eq!(stored["addons"]["crm"], json!({"url": "https://other.example/"}));
    assert_eq!(stored["addons"]["unknown"], before["addons"]["unknown"]);
}

#[tokio::test]
async fn the_private_key_of_tokens_stays_unless_it_is_cleared() {
    let service = TestService::new().await;
    let patch = json!({"jwt_configuration": {"alg": "HS256", "lifetime_in_seconds": 60}});
    assert_eq!(service.patch(&with("update:clients"), "/clients/crm", patch).await.status, 200);
    let stored = service.stored_client("crm").await;
    assert_eq!(stored["jwt_configuration"]["private_key"], "canary-private-key");
    assert_eq!(stored["jwt_configuration"]["lifetime_in_seconds"], 60);
    let cleared = json!({"jwt_configuration": {"alg": "HS256", "private_key": null}});
    assert_eq!(service.patch(&with_all(), "/clients/crm", cleared).await.status, 200);
    assert_eq!(service.stored_client("crm").await["jwt_configuration"], json!({"alg": "HS256"}));
}

/// Auth0's deploy CLI leaves it out of what it writes.
#[tokio::test]
async fn how_the_secret_is_read_stays_unless_it_is_said() {
    let service = TestService::new().await;
    let encoded = |value: Value| json!({"jwt_configuration": {"alg": "HS256", "secret_encoded": value}});
    assert_eq!(service.patch(&with_all(), "/clients/crm", encoded(json!(true))).await.status, 200);
    let without = json!({"jwt_configuration": {"alg": "HS256", "lifetime_in_seconds": 60}});
    assert_eq!(service.patch(&with_all(), "/clients/crm", without).await.status, 200);
    let stored = service.stored_client("crm").await;
    assert_eq!(stored["jwt_configuration"]["secret_encoded"], true);
    assert_eq!(stored["jwt_configuration"]["lifetime_in_seconds"], 60);
    for (value, expected) in [(json!(false), json!(false)), (json!(null), json!(null))] {
        assert_eq!(service.patch(&with_all(), "/clients/crm", encoded(value)).await.status, 200);
        assert_eq!(service.stored_client("crm").await["jwt_configuration"]["secret_encoded"], expected);
    }
}

/// Whoever sets the secret of a client can have its tokens.
#[tokio::test]
async fn nobody_takes_over_a_client_with_scopes_that_they_lack() {
    let service = TestService::new().await;
    let weak = with("update:clients update:client_keys create:clients delete:clients read:clients");
    let strong =
        with("update:clients update:client_keys create:clients delete:clients read:clients read:users");
    let widened = json!({"scope": ["read:clients", "read:users"]});
    let grant = service.get(&with_all(), "/client-grants").await.ok()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(service.patch(&with_all(), &format!("/client-grants/{grant}"), widened).await.status, 200);
    let key_set: Value = serde_json::from_str(&jwk_set(ACME)).unwrap();
    for patch in [
        json!({"client_secret": "another-secret-0123456789"}),
        json!({"jwks": key_set, "token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
    ] {
        let reply = service.patch(&weak, "/clients/worker", patch.clone()).await;
        assert_eq!(reply.refusal(), (403, "insufficient_scope".to_owned()), "{patch}");
        assert!(
            reply.message().contains("read:users") && !reply.message().contains("read:clients"),
            "{reply:?}"
        );
    }
    assert_eq!(service.post(&weak, "/clients/worker/rotate-secret", json!({})).await.refusal().0, 403);
    assert_eq!(service.post(&strong, "/clients/worker/rotate-secret", json!({})).await.status, 200);
    assert_eq!(service.patch(&weak, "/clients/worker", json!({"name": "x"})).await.status, 200);
    // A client that is deleted takes its grants along: who creates its id again has none.
    assert_eq!(service.delete(&weak, "/clients/worker").await.status, 204);
    assert_eq!(
        service.post(&weak, "/clients", json!({"name": "x", "client_id": "worker"})).await.status,
        201
    );
    assert_eq!(service.get(&with_all(), "/client-grants").await.ok(), json!([]));
}
