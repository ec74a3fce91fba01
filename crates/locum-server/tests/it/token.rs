//! `POST /oauth/token` (RFC 8693).

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use locum_abi::answer::{Credential, Issued};
use locum_engine::model::{ClientAuthentication, SecretDigest};
use locum_engine::ports::CallContext;
use locum_testing::{NOW, TestSetup, exchange_with, token_type};
use serde_json::{Value, json};

use crate::test_server::{FORM, TestServer, UNCACHED_JSON, code, form, post_body, request};

fn exchange(changes: Value) -> Request<Body> {
    post_body("/oauth/token", FORM, form(&exchange_with(changes)))
}

fn with_header(mut request: Request<Body>, name: &'static str, value: &str) -> Request<Body> {
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}

/// `caller` authenticates by the secret `s+cret`.
fn with_secret(setup: &mut TestSetup) {
    let secret = SecretDigest::of(&"s+cret".into());
    setup.client("caller").authentication = ClientAuthentication::Secret(secret);
}

#[tokio::test]
async fn a_token_is_answered_as_oauth_clients_read_it() {
    let server = TestServer::new();
    let reply = server.send(exchange(json!({"audience": "rs256", "scope": "openid email none"}))).await;
    let body = reply.json();
    assert_eq!(reply.status, 200);
    assert!(body["access_token"].as_str().unwrap().starts_with("eyJ"));
    assert_eq!(body["issued_token_type"], token_type("jwt"));
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(body["scope"], "openid email");
    assert_eq!(body.as_object().unwrap().len(), 5);
    let lines = reply.header_lines();
    for line in UNCACHED_JSON.iter().map(|line| (*line).to_owned()).chain([
        "x-ratelimit-limit: 10".to_owned(),
        "x-ratelimit-remaining: 9".to_owned(),
        format!("x-ratelimit-reset: {}", NOW + 60),
        "vary: Origin".to_owned(),
    ]) {
        assert!(lines.contains(&line), "{line} is missing in {lines:?}");
    }
}

#[tokio::test]
async fn json_is_read_like_a_form() {
    let body = Value::Object(exchange_with(json!({}))).to_string();
    assert_eq!(TestServer::new().send(post_body("/oauth/token", "application/json", body)).await.status, 200);
}

#[tokio::test]
async fn what_is_no_bearer_token_says_so_and_objects_are_there_unpacked() {
    let server = TestServer::new();
    let answers = |api_type: &'static str, credential: Credential| {
        server.doubles.script.answers(api_type, move |_, context: CallContext| {
            let issued_at = i64::try_from(context.now_unix_ms / 1000).unwrap();
            Ok(Issued { credential: credential.clone(), issued_at, expires_at: Some(issued_at + 60) })
        });
    };
    let object = |members: Value| Credential::Object(members.as_object().unwrap().clone());
    let requested = async |api_type: &str| {
        let token_type = format!("urn:locum:token-type:{api_type}");
        let reply =
            server.send(exchange(json!({"audience": "storage", "requested_token_type": token_type}))).await;
        assert_eq!(reply.json()["issued_token_type"], token_type);
        assert_eq!(reply.json()["expires_in"], 60);
        reply.json()
    };
    answers("azure_blob", Credential::Text("sig=x".to_owned()));
    let body = requested("azure_blob").await;
    assert_eq!((&body["access_token"], &body["token_type"]), (&json!("sig=x"), &json!("N_A")));
    assert!(body.get("credential").is_none());
    let keys = json!({"Credentials": {"AccessKeyId": "A"}});
    answers("aws", object(keys.clone()));
    let body = requested("aws").await;
    assert_eq!((&body["token_type"], &body["credential"]), (&json!("N_A"), &keys));
    assert_eq!(serde_json::from_str::<Value>(body["access_token"].as_str().unwrap()).unwrap(), keys);
    for (members, token_type, is_token) in [
        (json!({"access_token": "t0ken", "instance_url": "https://x.example"}), "Bearer", true),
        (json!({"access_token": "t0ken", "token_type": "bearer"}), "Bearer", true),
        (json!({"access_token": "t0ken", "token_type": "mac"}), "N_A", false),
        (json!({"access_token": 7}), "N_A", false),
    ] {
        answers("salesforce_api", object(members.clone()));
        let body = requested("salesforce_api").await;
        assert_eq!((&body["token_type"], &body["credential"]), (&json!(token_type), &members));
        assert_eq!(body["access_token"] == "t0ken", is_token, "{members}");
    }
}

#[tokio::test]
async fn a_client_authenticates_by_the_header_or_in_the_body() {
    let server = TestServer::with(with_secret);
    let header =
        |id: &str, secret: &str| with_header(exchange(json!({})), "authorization", &basic(id, secret));
    assert_eq!(server.send(exchange(json!({"client_secret": "s+cret"}))).await.status, 200);
    assert_eq!(server.send(header("caller", "s%2Bcret")).await.status, 200);
    // Without its encoding, the plus is a blank.
    for (id, secret) in [("caller", "s+cret"), ("caller", "wrong"), ("nobody", "s%2Bcret")] {
        let without_id = with_header(exchange(json!({"client_id": ""})), "authorization", &basic(id, secret));
        let reply = server.send(without_id).await;
        assert_eq!(reply.error(), (401, "invalid_client".to_owned(), "invalid client".to_owned()));
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"clients\", charset=\"UTF-8\""));
    }
    // A browser that reads the header asks its user for a password.
    let reply = server.send(exchange(json!({"client_secret": "wrong"}))).await;
    assert_eq!((reply.status, reply.header("www-authenticate")), (401, None));
    let both = with_header(
        exchange(json!({"client_secret": "s+cret"})),
        "authorization",
        &basic("caller", "s%2Bcret"),
    );
    assert_eq!(server.send(both).await.error_code(), code(400, "invalid_request"));
    let bearer = with_header(exchange(json!({})), "authorization", "Bearer x");
    assert_eq!(server.send(bearer).await.error_code(), code(401, "invalid_client"));
}

#[tokio::test]
async fn a_client_authenticates_in_the_same_way_to_revoke() {
    let server = TestServer::with(with_secret);
    let revocation = || post_body("/oauth/revoke", FORM, "token=opaque");
    let header = |secret: &str| with_header(revocation(), "authorization", &basic("caller", secret));
    assert_eq!(server.send(header("s%2Bcret")).await.status, 200);
    let reply = server.send(header("wrong")).await;
    assert_eq!(reply.error_code(), code(401, "invalid_client"));
    assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"clients\", charset=\"UTF-8\""));
    let unauthenticated = post_body("/oauth/revoke", FORM, "client_id=caller&token=opaque");
    assert_eq!(server.send(unauthenticated).await.error_code(), code(401, "invalid_client"));
}

#[tokio::test]
async fn a_target_that_is_named_twice_is_invalid_and_another_parameter_is_the_request() {
    let server = TestServer::new();
    for (added, error) in [
        ("audience=rs256&audience=rs256", "invalid_target"),
        ("resource=a&resource=b", "invalid_target"),
        ("scope=a&scope=b", "invalid_request"),
        ("grant_type=a", "invalid_request"),
    ] {
        let body = format!("{}&{added}", form(&exchange_with(json!({}))));
        let reply = server.send(post_body("/oauth/token", FORM, body)).await;
        assert_eq!(reply.error_code(), code(400, error), "{added}");
    }
    let unknown = server.send(exchange(json!({"audience": "nobody"}))).await;
    assert_eq!(unknown.error_code(), code(400, "invalid_target"));
}

#[tokio::test]
async fn each_request_is_audited_once() {
    let server = TestServer::new();
    for (request, code) in [
        (exchange(json!({})), "secte"),
        (exchange(json!({"subject_token": "a.b.c"})), "fecte"),
        (exchange(json!({"grant_type": "password"})), "fecte"),
        (post_body("/oauth/token", "text/plain", "x"), "fecte"),
    ] {
        server.send(request).await;
        assert_eq!(server.doubles.sink.take_only_event().code.as_str(), code);
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_read_the_answer() {
    let server = TestServer::new();
    let preflight = |origin: &str| {
        request(Method::OPTIONS, "/oauth/token")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization, content-type")
            .body(Body::empty())
            .unwrap()
    };
    for (origin, allowed) in [("https://app.example", true), ("https://evil.example", false)] {
        let expected = allowed.then_some(origin);
        let reply = server.send(preflight(origin)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, expected));
        assert_eq!(reply.allowed_methods(), ["OPTIONS", "POST"]);
        let reply = server.send(with_header(exchange(json!({})), "origin", origin)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, expected));
    }
}
