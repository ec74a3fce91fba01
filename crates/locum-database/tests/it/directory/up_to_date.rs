//! Refresh tokens at a server that has not heard yet what another one has written.

use locum_database::directory::DirectoryWrite;
use locum_engine::ports::{RefreshToken, RefreshTokenHash, RefreshTokens};
use locum_engine::{Engine, Ports, TokenRequest};
use locum_store::MemoryBuckets;
use locum_store::documents::DocumentKind;
use locum_testing::{
    CountingEntropy, NOW, PostgresServer, RecordingSink, VirtualClock, caller, object, refresh_token, summary,
};
use serde_json::json;

use super::*;
use crate::places::connect;

/// A tenant whose clients `caller` and `second` have refresh tokens, with the users Alice and Bob.
fn file() -> String {
    let client = |id: &str| {
        format!(
            "  - client_id: {id}\n    client_secret: secret-of-{id}-0123456789-0123456789\n    \
             token_endpoint_auth_method: none\n    grant_types: [refresh_token, \
             \"http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token\"]\n    \
             refresh_token: {{rotation_type: non-rotating}}\n"
        )
    };
    format!(
        "domain: {ACME}\ndefault: true\ndelegation: {{rate_limit: {{size: 1000, per_minute: 1000}}}}\nclients:\n{}{}\
         users:\n  - user_id: auth0|alice\n    name: Alice\n  - user_id: auth0|bob\n    name: Bob\n",
        client("caller"),
        client("second")
    )
}

/// A server that follows no changes: it knows what it was told when it was asked.
struct Node {
    engine: Engine,
    database: Database,
}

impl Node {
    async fn on(database: Database) -> Self {
        let directory = Arc::new(directory(&database).await);
        let mut ports = Ports::new(
            Arc::new(VirtualClock::at(NOW)),
            Arc::new(CountingEntropy::default()),
            directory,
            Arc::new(MemoryBuckets::default()),
            Arc::new(RecordingSink::default()),
        );
        ports.refresh_tokens = Arc::new(database.clone());
        Self { engine: Engine::new(ports), database }
    }

    /// The text of a refresh token of a client for a user.
    async fn token(&self, number: u8, client_id: &str, user_id: &str) -> String {
        let (text, hash) = RefreshTokenHash::of_new_token([number; 32]);
        let token = RefreshToken {
            client_id: client_id.to_owned(),
            user_id: user_id.to_owned(),
            ..refresh_token(&format!("family {number}"))
        };
        assert_eq!(self.database.add(ACME, hash, token).wait().await, Ok(true));
        text.expose().to_owned()
    }

    async fn refresh(&self, client_id: &str, token: &str) -> String {
        let parameters =
            object(json!({"grant_type": "refresh_token", "client_id": client_id, "refresh_token": token}));
        let request = TokenRequest::parse((&parameters).into(), None).unwrap();
        let tenant = self.engine.directory().tenant(ACME).wait().await;
        let response = self.engine.exchange(tenant, request, &caller()).await;
        response.outcome.map_or_else(|refusal| summary(&refusal), |_| "issued".to_owned())
    }
}

/// Changes a user as another server does.
async fn edit_user(database: &Database, id: &str, from: &str, to: &str) {
    let mut write = DirectoryWrite::begin(database, keys(&KEYS[..1])).await.unwrap();
    let user = write.user(ACME, id).await.unwrap().unwrap();
    write.put_user(ACME, id, &edited(&user.document, DocumentKind::User, from, to)).await.unwrap();
    write.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_another_server_has_committed_refuses_the_very_next_use() {
    for place in Place::each() {
        let other = place.open().await;
        import(&other, &keys(&KEYS[..1]), &[documents(&file())], Existing::Refuse).await.unwrap();
        let node = Node::on(place.open().await).await;
        let alice = node.token(1, "caller", "auth0|alice").await;
        let bob = node.token(2, "caller", "auth0|bob").await;
        let at_second = node.token(3, "second", "auth0|bob").await;
        for round in 0..20 {
            for token in [&alice, &bob] {
                assert_eq!(node.refresh("caller", token).await, "issued", "{round}");
            }
            edit_user(&other, "auth0|alice", r#""name":"Alice""#, r#""name":"Alice","blocked":true"#).await;
            assert_eq!(node.refresh("caller", &alice).await, "400 invalid_grant user is blocked", "{round}");
            assert_eq!(node.refresh("caller", &bob).await, "issued", "{round}");
            edit_user(&other, "auth0|alice", r#""name":"Alice","blocked":true"#, r#""name":"Alice""#).await;
        }

        edit_client(&other, "caller", r#""refresh_token","#, r#""password","#).await;
        let without = node.refresh("caller", &bob).await;
        assert!(without.starts_with("400 unauthorized_client the client may not have refresh"), "{without}");
        assert_eq!(node.refresh("second", &at_second).await, "issued");

        let mut write = DirectoryWrite::begin(&other, keys(&KEYS[..1])).await.unwrap();
        assert!(write.delete_client(ACME, "second").await.unwrap());
        write.commit().await.unwrap();
        assert_eq!(node.refresh("second", &at_second).await, "401 invalid_client invalid client");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_use_is_refused_by_what_is_committed_while_many_others_ask() {
    for place in Place::each() {
        let other = place.open().await;
        import(&other, &keys(&KEYS[..1]), &[documents(&file())], Existing::Refuse).await.unwrap();
        let node = Arc::new(Node::on(place.open().await).await);
        let alice = node.token(1, "caller", "auth0|alice").await;
        let asks = Arc::clone(&node);
        let busy: Vec<_> = (0..8)
            .map(|_| {
                let asks = Arc::clone(&asks);
                tokio::spawn(async move {
                    loop {
                        asks.engine.directory().catch_up().wait().await.unwrap();
                    }
                })
            })
            .collect();
        for round in 0..20 {
            assert_eq!(node.refresh("caller", &alice).await, "issued", "{round}");
            edit_user(&other, "auth0|alice", r#""name":"Alice""#, r#""name":"Alice","blocked":true"#).await;
            assert_eq!(node.refresh("caller", &alice).await, "400 invalid_grant user is blocked", "{round}");
            edit_user(&other, "auth0|alice", r#""name":"Alice","blocked":true"#, r#""name":"Alice""#).await;
        }
        for task in busy {
            task.abort();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_the_database_is_away_many_uses_are_refused_together() {
    let Some(mut server) = PostgresServer::start() else { return };
    let database = connect(&server.url()).await;
    import(&database, &keys(&KEYS[..1]), &[documents(&file())], Existing::Refuse).await.unwrap();
    let node = Arc::new(Node::on(database).await);
    let alice = node.token(1, "caller", "auth0|alice").await;
    assert_eq!(node.refresh("caller", &alice).await, "issued");
    server.stop();
    let start = Instant::now();
    let uses: Vec<_> = (0..50)
        .map(|_| {
            let (node, alice) = (Arc::clone(&node), alice.clone());
            tokio::spawn(async move { node.refresh("caller", &alice).await })
        })
        .collect();
    for answer in uses {
        assert_eq!(answer.await.unwrap(), "503 temporarily_unavailable try again later");
    }
    // One after another, they would take half a second each.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    server.start_again();
    soon(async || node.refresh("caller", &alice).await == "issued").await;
}
