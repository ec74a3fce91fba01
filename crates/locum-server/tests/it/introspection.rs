//! `POST /oauth/introspect` (RFC 7662).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use locum_engine::model::{ClientAuthentication, SecretDigest};
use locum_testing::id_token;
use serde_json::json;

use crate::test_server::{FORM, TestServer, UNCACHED_JSON, code, post_body};

fn server() -> TestServer {
    TestServer::with(|setup| {
        let secret = SecretDigest::of(&"s3cret".into());
        setup.client("caller").authentication = ClientAuthentication::Secret(secret);
    })
}

#[tokio::test]
async fn a_valid_token_is_active_and_another_is_only_said_to_be_inactive() {
    let server = server();
    let ask = |token: &str| {
        let body = format!("client_id=caller&client_secret=s3cret&token_type_hint=x&token={token}");
        server.send(post_body("/oauth/introspect", FORM, body))
    };
    let active = ask(&id_token("caller")).await;
    assert_eq!((active.status, &active.json()["active"]), (200, &json!(true)));
    assert_eq!(active.json()["sub"], "auth0|alice");
    assert_eq!(active.header_lines(), UNCACHED_JSON);
    let inactive = ask("opaque").await;
    assert_eq!((inactive.status, inactive.json()), (200, json!({"active": false})));
}

#[tokio::test]
async fn only_a_client_that_authenticates_is_answered() {
    let server = server();
    let mut request = post_body("/oauth/introspect", FORM, "token=opaque");
    let header = format!("Basic {}", BASE64_STANDARD.encode("caller:wrong"));
    request.headers_mut().insert("authorization", header.parse().unwrap());
    let reply = server.send(request).await;
    assert_eq!(reply.error_code(), code(401, "invalid_client"));
    assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"clients\", charset=\"UTF-8\""));
    let public = post_body("/oauth/introspect", FORM, "client_id=crm&token=opaque");
    assert_eq!(server.send(public).await.error_code(), code(401, "invalid_client"));
    let missing = post_body("/oauth/introspect", FORM, "client_id=caller&client_secret=s3cret");
    assert_eq!(server.send(missing).await.error_code(), code(400, "invalid_request"));
}
