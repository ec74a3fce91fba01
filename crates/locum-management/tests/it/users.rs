//! Users: found, created, blocked, deleted.

use locum_testing::{ACME, GLOBEX};
use serde_json::json;

use crate::test_service::{Asked, CANARY, TestService, with, with_all};

const ALICE: &str = "/users/auth0%7Calice";

#[tokio::test]
async fn a_user_is_created_read_blocked_and_deleted() {
    for service in TestService::each().await {
        let body = json!({"email": "bob@acme.example", "app_metadata": {"plan": "free"}});
        let created = service.post(&with_all(), "/users", body).await;
        assert_eq!(created.status, 201, "{created:?}");
        let id = created.json()["user_id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("auth0|"), "{id}");
        let path = format!("/users/{}", id.replace('|', "%7C"));
        let patched =
            service.patch(&with_all(), &path, json!({"blocked": true, "app_metadata": null})).await.ok();
        assert_eq!(patched, json!({"email": "bob@acme.example", "user_id": id, "blocked": true}));
        let tenant = service.directory().served(ACME).unwrap();
        for attempt in 0.. {
            let user = service.engine.directory().user(&tenant, &id).wait().await.unwrap();
            if user.is_some_and(|user| user.blocked) {
                break;
            }
            assert!(attempt < 200, "the engine does not know that the user is blocked");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(service.delete(&with_all(), &path).await.status, 204);
        assert_eq!(service.get(&with_all(), &path).await.refusal(), (404, "inexistent_user".to_owned()));
    }
}

#[tokio::test]
async fn users_are_found_by_id_and_email_and_nothing_else() {
    for service in TestService::each().await {
        for (q, found) in [
            ("user_id:%22auth0%7Calice%22", vec!["auth0|alice"]),
            ("email:%22ALICE@acme.example%22", vec!["auth0|alice"]),
            ("email:%22nobody@acme.example%22", vec![]),
            ("user_id:%22auth0%7Cnobody%22", vec![]),
        ] {
            let users = service.get(&with_all(), &format!("/users?search_engine=v3&q={q}")).await.ok();
            let ids: Vec<&str> =
                users.as_array().unwrap().iter().map(|user| user["user_id"].as_str().unwrap()).collect();
            assert_eq!(ids, found, "{q}");
        }
        for q in [
            "name:%22Alice%22",
            "email:alice@acme.example",
            "email:%22a*%22",
            "",
            "user_id:%22a%22%20OR%20b",
            "email:%22%22",
        ] {
            let reply = service.get(&with_all(), &format!("/users?q={q}")).await;
            assert_eq!(reply.refusal(), (400, "invalid_query_string".to_owned()), "{q}");
        }
        let all = service.get(&with_all(), "/users?include_totals=true&per_page=1").await.ok();
        assert_eq!(
            (&all["total"], &all["length"], &all["users"][0]["user_id"]),
            (&json!(2), &json!(1), &json!("auth0|alice"))
        );
    }
}

#[tokio::test]
async fn tokens_of_identities_are_shown_with_their_scope_only() {
    let service = TestService::new().await;
    for path in ["/users", ALICE, "/users?q=user_id:%22auth0%7Calice%22"] {
        let reply = service.get(&with("read:users"), path).await;
        assert!(reply.text.contains("github") && !reply.text.contains(CANARY), "{reply:?}");
        let reply = service.get(&with("read:users read:user_idp_tokens"), path).await;
        assert!(reply.text.contains("canary-access") && reply.text.contains("canary-refresh"), "{reply:?}");
    }
    let reply = service.patch(&with("update:users"), ALICE, json!({"name": "A."})).await;
    assert!(reply.status == 200 && !reply.text.contains(CANARY), "{reply:?}");
}

#[tokio::test]
async fn identities_that_are_sent_back_keep_their_tokens() {
    let service = TestService::new().await;
    let before = service.stored_user("auth0|alice").await;
    let read = service.get(&with("read:users"), ALICE).await.ok();
    let sent = json!({"identities": read["identities"], "name": "Alice B."});
    assert_eq!(service.patch(&with("update:users"), ALICE, sent).await.status, 200);
    assert_eq!(service.stored_user("auth0|alice").await["identities"], before["identities"]);
    let other = json!({"identities": [{"provider": "github", "user_id": "2"}]});
    assert_eq!(service.patch(&with("update:users"), ALICE, other.clone()).await.status, 200);
    assert_eq!(service.stored_user("auth0|alice").await["identities"], other["identities"]);
}

#[tokio::test]
async fn what_names_a_user_or_signs_one_in_is_not_changed() {
    let service = TestService::new().await;
    for body in [
        json!({"user_id": "auth0|other"}),
        json!({"password": "canary-password"}),
        json!({"blocked": "yes"}),
        json!({"email": 7}),
        json!({"email": "a".repeat(2049)}),
        json!({"name": "a\u{0}b"}),
    ] {
        let reply = service.patch(&with_all(), ALICE, body.clone()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()), "{body}");
        assert!(!reply.text.contains("canary-password"));
    }
    let taken = json!({"user_id": "auth0|alice"});
    assert_eq!(service.post(&with_all(), "/users", taken).await.refusal(), (409, "user_exists".to_owned()));
}

#[tokio::test]
async fn a_user_of_another_tenant_does_not_exist() {
    let service = TestService::new().await;
    let globex = Asked { host: GLOBEX, ..with_all() };
    assert_eq!(service.post(&globex, "/users", json!({"user_id": "auth0|only"})).await.status, 201);
    assert_eq!(service.get(&with_all(), "/users/auth0%7Conly").await.refusal().0, 404);
    assert_eq!(
        service.patch(&with_all(), "/users/auth0%7Conly", json!({"name": "x"})).await.refusal().0,
        404
    );
    assert_eq!(service.delete(&with_all(), "/users/auth0%7Conly").await.status, 204);
    assert_eq!(service.get(&globex, "/users/auth0%7Conly").await.status, 200);
    let found = service.get(&with_all(), "/users?q=user_id:%22auth0%7Conly%22").await.ok();
    assert_eq!(found, json!([]));
}
