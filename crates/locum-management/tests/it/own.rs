//! What Auth0 does not have: issuers, plugins, and who can reach whom.

use std::time::Duration;

use locum_management::{IssuerKeysView, PauseView, PluginView};
use locum_testing::{GLOBEX, NOW};
use serde_json::{Value, json};

use crate::test_service::{Asked, TestService, with_all};

#[tokio::test]
async fn issuers_are_listed_with_what_is_known_of_their_keys() {
    let service = TestService::new().await;
    let former = json!({"issuer": "https://globex.auth0.com/", "kind": "former", "keys": "none"});
    let held = json!({"issuer": "https://held.example/", "kind": "trusted", "keys": "tenant"});
    let globex = Asked { host: GLOBEX, ..with_all() };
    let corp = |rest: Value| {
        let mut issuer = json!({
            "issuer": "https://corp.example/", "kind": "trusted", "keys": "jwks_uri",
            "keys_url": "https://corp.example/keys",
        });
        issuer.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        json!([former, issuer, held])
    };
    let seconds = |count| Some(Duration::from_secs(count));
    let failure = || Some("the server answered 500".to_owned());
    // Each call takes a second.
    for (known, age, failure, expected) in [
        (false, None, None, json!({"keys_state": "not_needed"})),
        (true, None, None, json!({"keys_state": "fetching"})),
        (true, seconds(60), None, json!({"keys_state": "fetched", "keys_fetched_at": rfc3339(NOW + 3 - 60)})),
        (
            true,
            seconds(61),
            failure(),
            json!({"keys_state": "failing", "keys_fetched_at": rfc3339(NOW + 4 - 61), "keys_failure": "the server answered 500"}),
        ),
        (true, None, failure(), json!({"keys_state": "failing", "keys_failure": "the server answered 500"})),
    ] {
        if known {
            let keys = IssuerKeysView { age, failure };
            service.server.issuer_keys.lock().unwrap().insert("https://corp.example/".to_owned(), keys);
        }
        let listed = service.get(&globex, "/locum/issuers").await.ok();
        assert_eq!(listed, corp(expected));
    }
    assert_eq!(service.get(&with_all(), "/locum/issuers").await.ok(), json!([]));
}

fn rfc3339(unix_seconds: i64) -> String {
    jiff::Timestamp::from_second(unix_seconds).unwrap().to_string()
}

#[tokio::test]
async fn plugins_are_listed_with_their_pauses() {
    let service = TestService::new().await;
    assert_eq!(service.get(&with_all(), "/locum/plugins").await.ok(), json!([]));
    *service.server.plugins.lock().unwrap() = vec![PluginView {
        name: "crm".to_owned(),
        version: "1.2.3".to_owned(),
        sha256: "ab".repeat(32),
        api_types: vec!["crm".to_owned(), "crm2".to_owned()],
        isolation: "runner".to_owned(),
        is_available: true,
        pauses: vec![
            PauseView { api_type: Some("crm".to_owned()), remaining: Some(Duration::from_secs(30)) },
            PauseView { api_type: None, remaining: None },
        ],
    }];
    let listed = service.get(&with_all(), "/locum/plugins").await.ok();
    let until = rfc3339(NOW + 2 + 30);
    assert_eq!(
        listed,
        json!([{
            "name": "crm", "version": "1.2.3", "sha256": "ab".repeat(32), "api_types": ["crm", "crm2"],
            "isolation": "runner", "available": true,
            "pauses": [{"by": "deaths", "api_type": "crm", "until": until}, {"by": "operator"}],
        }])
    );
}

#[tokio::test]
async fn who_can_reach_whom_is_listed_in_pages_and_by_what_is_asked() {
    for service in [TestService::new().await, TestService::in_files().await] {
        let all = service.get(&with_all(), "/locum/who-can").await.ok();
        let row = |target: &str, client: &str, api_types: &[&str]| json!({"target": target, "client_id": client, "through": [], "api_types": api_types});
        let crm = ["app", "crm", "unknown"];
        // The worker may not delegate: its `grant_types` do not say so.
        let expected = json!([
            row("crm", "crm", &crm),
            row("of-acme.example.com", "crm", &["app"]),
            row("worker", "crm", &["app"]),
        ]);
        assert_eq!(all, expected);
        let ask = async |query: &str| service.get(&with_all(), &format!("/locum/who-can?{query}")).await.ok();
        assert_eq!(ask("target=worker").await, json!([expected[2]]));
        assert_eq!(ask("client_id=crm").await, expected);
        assert_eq!(ask("client_id=worker").await, json!([]));
        assert_eq!(ask("api_type=crm").await, json!([row("crm", "crm", &["crm"])]));
        assert_eq!(ask("api_type=nothing").await, json!([]));
        let page = ask("page=1&per_page=1&include_totals=true").await;
        assert_eq!(page, json!({"start": 1, "limit": 1, "length": 1, "total": 3, "who_can": [expected[1]]}));
        for query in ["target=nobody", "client_id=nobody"] {
            let reply = service.get(&with_all(), &format!("/locum/who-can?{query}")).await;
            assert_eq!(reply.refusal(), (404, "inexistent_client".to_owned()), "{query}");
        }
    }
}
