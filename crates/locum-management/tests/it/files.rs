//! Tenants in files: they are read as they are served, and changed in their files.

use std::collections::BTreeSet;

use locum_engine::ports::RefreshTokens as _;
use locum_testing::{ACME, GLOBEX, NOW, refresh_token};
use serde_json::{Value, json};

use crate::test_service::{Asked, TestService, with, with_all};

#[tokio::test]
async fn reads_are_answered_as_with_a_database() {
    let (files, database) = (TestService::in_files().await, TestService::new().await);
    for path in [
        "/clients",
        "/clients?per_page=2&page=1&include_totals=true",
        "/clients?take=2",
        "/clients?is_first_party=true&fields=client_id",
        "/clients/crm",
        "/client-grants",
        "/users",
        "/users?page=1&per_page=1&include_totals=true",
        "/users?q=email:%22alice@ACME.example%22",
        "/users?q=user_id:%22auth0%7Cmallory%22&include_totals=true",
        "/users?q=email:%22nobody@acme.example%22",
        "/users/auth0%7Calice",
        "/tenants/settings",
        "/keys/signing",
        "/locum/issuers",
        "/locum/plugins",
        "/locum/who-can?include_totals=true",
        "/device-credentials?user_id=auth0%7Calice",
    ] {
        for asked in [with_all(), with("read:clients read:users read:client_grants")] {
            let (one, other) = (files.get(&asked, path).await, database.get(&asked, path).await);
            assert_eq!((one.status, one.json()), (other.status, other.json()), "{path}");
        }
        assert_eq!(files.get(&with_all(), path).await.status, 200, "{path}");
    }
    for path in ["/clients/nobody", "/users/nobody", "/keys/signing/nobody", "/locum/who-can?target=nobody"] {
        assert_eq!(files.get(&with_all(), path).await.refusal().0, 404, "{path}");
    }
}

#[tokio::test]
async fn pages_from_a_checkpoint_have_each_entry_once() {
    let service = TestService::in_files().await;
    let (mut from, mut seen) = (String::new(), Vec::new());
    loop {
        let page = service.get(&with_all(), &format!("/clients?take=2{from}")).await.ok();
        let clients = page["clients"].as_array().unwrap().iter();
        seen.extend(clients.map(|client| client["client_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        from = format!("&from={next}");
    }
    assert_eq!(seen, ["crm", "of-acme.example.com", "worker"]);
}

/// Every endpoint of the description that changes a tenant.
#[tokio::test]
async fn every_change_is_refused_with_the_file_and_what_to_do() {
    let service = TestService::in_files().await;
    let before = service.get(&with_all(), "/clients").await.text;
    let description = service.get(&with_all(), "/openapi.json").await.ok();
    let mut refused = 0;
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if method == "get" || path.starts_with("/device-credentials") {
                assert!(operation["responses"].get("409").is_none(), "{method} {path}");
                continue;
            }
            assert!(operation["responses"]["409"].is_object(), "{method} {path}");
            let path = path.replace("{id}", "crm");
            let reply = service.send_text(&with_all(), &method.to_uppercase(), &path, "{}".to_owned()).await;
            assert_eq!(reply.refusal(), (409, "tenant_in_file".to_owned()), "{method} {path}");
            let file = service.folder().join(format!("{ACME}.yaml"));
            assert!(reply.message().contains(&*file.to_string_lossy()), "{reply:?}");
            assert!(reply.message().contains("SIGHUP"), "{reply:?}");
            // Whoever may not change it is told that first.
            let reply = service.send_text(&with("x"), &method.to_uppercase(), &path, "{}".to_owned()).await;
            assert_eq!(reply.refusal().0, 403, "{method} {path}");
            refused += 1;
        }
    }
    assert_eq!(refused, 14);
    assert_eq!(service.get(&with_all(), "/clients").await.text, before);
    let other = Asked { host: GLOBEX, ..with_all() };
    let reply = service.patch(&other, "/clients/crm", json!({})).await;
    assert!(reply.message().contains(GLOBEX) && !reply.message().contains(ACME), "{reply:?}");
}

/// They are in a database wherever tenants are.
#[tokio::test]
async fn refresh_tokens_are_revoked() {
    let service = TestService::in_files().await;
    let (_, hash) = locum_engine::ports::RefreshTokenHash::of_new_token([7; 32]);
    let mut token = refresh_token("family");
    token.expires_at = Some(NOW + 1_000_000);
    assert_eq!(service.database.add(ACME, hash, token).wait().await, Ok(true));
    let path = "/device-credentials?user_id=auth0%7Calice";
    let listed = service.get(&with_all(), path).await.ok();
    let ids: BTreeSet<&str> =
        listed.as_array().unwrap().iter().filter_map(|entry| entry["id"].as_str()).collect();
    assert_eq!(ids, BTreeSet::from(["family"]));
    assert_eq!(service.delete(&with_all(), "/device-credentials/family").await.status, 204);
    assert_eq!(service.get(&with_all(), path).await.ok(), Value::Array(Vec::new()));
}
