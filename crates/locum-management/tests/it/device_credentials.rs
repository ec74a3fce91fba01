//! The refresh tokens of users, by device.

use locum_engine::ports::{RefreshToken, RefreshTokenHash, RefreshTokens as _};
use locum_testing::{ACME, GLOBEX, NOW, refresh_token};
use serde_json::{Value, json};

use crate::test_service::{Asked, TestService, with_all};

/// Stores a token of this family.
async fn store(
    service: &TestService,
    number: u8,
    family: &str,
    change: impl FnOnce(&mut RefreshToken),
) -> RefreshTokenHash {
    let (_, hash) = RefreshTokenHash::of_new_token([number; 32]);
    let mut token = refresh_token(family);
    token.client_id = "crm".to_owned();
    token.device = Some("phone".to_owned());
    token.expires_at = Some(NOW + 1_000_000);
    token.idle_expires_at = None;
    change(&mut token);
    assert_eq!(service.database.add(ACME, hash, token).wait().await, Ok(true));
    hash
}

async fn ids(service: &TestService, query: &str) -> Vec<String> {
    let listed =
        service.get(&with_all(), &format!("/device-credentials?user_id=auth0%7Calice{query}")).await.ok();
    listed.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_family_is_one_entry_until_it_is_deleted_or_over() {
    for service in TestService::each().await {
        let hash = store(&service, 1, "aa", |_| {}).await;
        store(&service, 2, "aa", |_| {}).await;
        store(&service, 3, "bb", |token| token.client_id = "worker".to_owned()).await;
        store(&service, 4, "cc", |token| token.user_id = "auth0|mallory".to_owned()).await;
        store(&service, 5, "dd", |token| token.expires_at = Some(NOW - 1)).await;
        store(&service, 6, "ee", |token| token.idle_expires_at = Some(NOW - 1)).await;
        assert_eq!(ids(&service, "").await, ["aa", "bb"]);
        assert_eq!(ids(&service, "&client_id=worker&type=refresh_token").await, ["bb"]);
        assert_eq!(ids(&service, "&per_page=1&page=1").await, ["bb"]);
        let listed = service
            .get(&with_all(), "/device-credentials?user_id=auth0%7Calice&include_totals=true")
            .await
            .ok();
        let first = json!({
            "id": "aa", "type": "refresh_token", "user_id": "auth0|alice", "client_id": "crm", "device_name": "phone",
        });
        assert_eq!((&listed["total"], &listed["device_credentials"][0]), (&json!(2), &first));
        // Another tenant's are not found.
        let globex = Asked { host: GLOBEX, ..with_all() };
        let others = service.get(&globex, "/device-credentials?user_id=auth0%7Calice").await.ok();
        assert_eq!(others, Value::Array(Vec::new()));
        assert_eq!(service.delete(&globex, "/device-credentials/aa").await.status, 204);
        assert_eq!(ids(&service, "").await, ["aa", "bb"]);
        drop(service.sink.take_events());
        assert_eq!(service.delete(&with_all(), "/device-credentials/aa").await.status, 204);
        assert_eq!(ids(&service, "").await, ["bb"]);
        assert!(service.database.find(ACME, &hash).wait().await.unwrap().unwrap().revoked_at.is_some());
        let event = service.sink.take_only_event();
        assert_eq!(event.management.unwrap().resource.as_deref(), Some("aa"));
        assert_eq!(service.delete(&with_all(), "/device-credentials/aa").await.status, 204);
        assert_eq!(service.sink.take_events(), []);
    }
}

#[tokio::test]
async fn tokens_are_listed_of_one_user() {
    let service = TestService::new().await;
    for query in ["", "?user_id=", "?client_id=crm", "?user_id=x&type=public_key", "?user_id=x&take=1"] {
        let reply = service.get(&with_all(), &format!("/device-credentials{query}")).await;
        assert_eq!(reply.refusal(), (400, "invalid_query_string".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn tokens_are_not_revoked_without_an_event() {
    let service = TestService::new().await;
    store(&service, 1, "aa", |_| {}).await;
    service.sink.fail();
    assert_eq!(service.delete(&with_all(), "/device-credentials/aa").await.refusal().0, 503);
    assert_eq!(ids(&service, "").await, ["aa"]);
}
