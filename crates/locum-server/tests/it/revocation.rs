//! `POST /oauth/revoke` (RFC 7009).

use locum_testing::{ACME, NOW, id_token};

use crate::test_server::{FORM, Reply, TestServer, code, post_body};

async fn revoke(content_type: &str, body: &str) -> Reply {
    TestServer::new().send(post_body("/oauth/revoke", content_type, body.to_owned())).await
}

async fn revoke_form(body: &str) -> Reply {
    revoke(FORM, body).await
}

#[tokio::test]
async fn a_revocation_succeeds_whether_the_token_was_known_or_not() {
    for token in ["known", "unknown"] {
        let reply = revoke_form(&format!("client_id=crm&token={token}")).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{token}");
        assert_eq!(
            reply.header_lines(),
            [
                "cache-control: no-store".to_owned(),
                "pragma: no-cache".to_owned(),
                "x-content-type-options: nosniff".to_owned(),
                "x-ratelimit-limit: 10".to_owned(),
                "x-ratelimit-remaining: 9".to_owned(),
                format!("x-ratelimit-reset: {}", NOW + 60),
            ]
        );
    }
}

#[tokio::test]
async fn the_token_is_sent_to_the_issuer_of_the_clients_add_on() {
    let server = TestServer::new();
    server.send(post_body("/oauth/revoke", FORM, "client_id=crm&token=known")).await;
    let revocations = server.doubles.script.revocations();
    assert_eq!(revocations, [["salesforce_api", "crm", "known"].map(str::to_owned)]);
}

#[tokio::test]
async fn json_and_forms_are_read_and_other_types_are_refused() {
    assert_eq!(revoke("application/json", r#"{"client_id":"crm","token":"known"}"#).await.status, 200);
    assert_eq!(revoke("text/plain", "client_id=crm&token=known").await.error().0, 415);
}

#[tokio::test]
async fn revoking_a_jwt_is_refused() {
    let reply = revoke_form(&format!("client_id=caller&token={}", id_token("caller"))).await;
    assert_eq!(reply.error_code(), code(400, "unsupported_token_type"));
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    for (body, missing) in [("client_id=crm", "token"), ("token=known", "client_id")] {
        let error = revoke_form(body).await.error();
        assert_eq!(error, (400, "invalid_request".to_owned(), format!("missing {missing} parameter")));
    }
    assert_eq!(revoke_form("client_id=crm&token=a&token=b").await.error().0, 400);
}

#[tokio::test]
async fn an_unknown_client_cannot_revoke() {
    let reply = revoke_form("client_id=nobody&token=known").await;
    assert_eq!(reply.error_code(), code(401, "invalid_client"));
}

#[tokio::test]
async fn a_revocation_is_audited_once() {
    let server = TestServer::new();
    let reply = server.send(post_body("/oauth/revoke", FORM, "client_id=crm&token=known")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(server.doubles.sink.take_only_event().code.as_str(), "srrt");
}

#[tokio::test]
async fn a_revocation_whose_body_cannot_be_read_is_audited_with_its_tenant() {
    let server = TestServer::new();
    for (content_type, body, status) in [("application/json", "{", 400), ("text/plain", "", 415)] {
        assert_eq!(server.send(post_body("/oauth/revoke", content_type, body)).await.status, status);
        let event = server.doubles.sink.take_only_event();
        assert_eq!((event.code.as_str(), event.tenant.as_deref()), ("frrt", Some(ACME)));
        assert_eq!(event.refusal.unwrap().status, status);
    }
}

#[tokio::test]
async fn a_counted_revocation_states_the_rate_limit_and_the_eleventh_how_long_to_wait() {
    let server = TestServer::new();
    let body = "client_id=crm&token=known";
    for left in (0..10).rev() {
        let reply = server.send(post_body("/oauth/revoke", FORM, body)).await;
        assert_eq!((reply.status, reply.header("x-ratelimit-remaining")), (200, Some(&*left.to_string())));
        assert_eq!(reply.header("retry-after"), None);
    }
    let reply = server.send(post_body("/oauth/revoke", FORM, body)).await;
    assert_eq!(reply.error_code(), code(429, "too_many_requests"));
    assert_eq!(reply.header("x-ratelimit-limit"), Some("10"));
    assert_eq!(reply.header("retry-after"), Some("60"));
    // Nothing is counted where no upstream is asked.
    let uncounted = server.send(post_body("/oauth/revoke", FORM, "client_id=caller&token=opaque")).await;
    assert_eq!((uncounted.status, uncounted.header("x-ratelimit-limit")), (200, None));
}
