//! What a successful response looks like: body and headers, compared as a whole.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use locum_abi::answer::Credential;
use locum_engine::JWT_BEARER;
use locum_testing::{ACME, NOW, claims_for, good, good_with, id_token, object, rs256};
use serde_json::{Value, json};

use crate::test_server::{TestServer, UNCACHED_JSON, app_token, post, post_form};

fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_app_token_has_three_members_in_auth0s_order() {
    let server = TestServer::with(|setup| {
        setup.issuers.manifest("app").lifetime.default_seconds = 36_000;
    });
    let reply = server.delegate(good_with(json!({"target": "other"}))).await;
    assert_eq!(reply.status, 200);
    let token = reply.json()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(reply.body, format!(r#"{{"token_type":"Bearer","expires_in":36000,"id_token":"{token}"}}"#));
    let claims = payload(&token);
    assert_eq!((&claims["aud"], &claims["azp"]), (&json!("other"), &json!("caller")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 36_000);
}

#[tokio::test]
async fn a_text_credential_is_the_only_member_of_the_body() {
    let server = TestServer::new();
    server.doubles.script.answers("azure_blob", |grant, context| {
        let mut issued = app_token(grant, context);
        issued.credential = Credential::Text("se=2030&sp=r&sig=abc%3D".to_owned());
        Ok(issued)
    });
    let reply = server.delegate(good_with(json!({"target": "storage"}))).await;
    assert_eq!(reply.body, r#"{"azure_blob_sas":"se=2030&sp=r&sig=abc%3D"}"#);
}

#[tokio::test]
async fn an_object_credential_is_passed_on_unchanged() {
    let server = TestServer::new();
    server.doubles.script.answers("aws", |grant, context| {
        let mut issued = app_token(grant, context);
        issued.credential = Credential::Object(object(json!({
            "ResponseMetadata": {"RequestId": "1"}, "Credentials": {"AccessKeyId": "ASIA"},
        })));
        Ok(issued)
    });
    let reply = server.delegate(good_with(json!({"target": "cloud"}))).await;
    assert_eq!(reply.body, r#"{"ResponseMetadata":{"RequestId":"1"},"Credentials":{"AccessKeyId":"ASIA"}}"#);
}

#[tokio::test]
async fn a_response_forbids_caching_and_states_the_rate_limit_once() {
    let reply = TestServer::new().delegate(good()).await;
    let mut expected: Vec<String> = UNCACHED_JSON.iter().map(|line| (*line).to_owned()).collect();
    expected.extend([
        "vary: Origin".to_owned(),
        "x-ratelimit-limit: 10".to_owned(),
        "x-ratelimit-remaining: 9".to_owned(),
        format!("x-ratelimit-reset: {}", NOW + 60),
    ]);
    expected.sort();
    assert_eq!(reply.header_lines(), expected);
}

#[tokio::test]
async fn a_refusal_after_the_user_is_known_states_the_rate_limit_too() {
    let server = TestServer::new();
    let unknown_target = server.delegate(good_with(json!({"target": "nobody"}))).await;
    assert_eq!(unknown_target.status, 401);
    assert_eq!(unknown_target.header("x-ratelimit-remaining"), Some("9"));
    let unknown_user = server.delegate(good_with(json!({"id_token": "a.b.c"}))).await;
    assert_eq!(unknown_user.status, 400);
    assert_eq!(unknown_user.header("x-ratelimit-remaining"), None);
}

#[tokio::test]
async fn form_and_json_bodies_give_the_same_response() {
    let parameters = good_with(json!({"scope": "openid name"}));
    let mut bodies = Vec::new();
    for request in [post(&parameters), post_form(&parameters)] {
        let server = TestServer::new();
        let reply = server.send(request).await;
        assert_eq!(reply.status, 200);
        assert_eq!(server.doubles.sink.take_only_event().scope.as_deref(), Some("openid name"));
        bodies.push(reply.body);
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn a_client_with_rs256_takes_tokens_under_the_tenants_key_alone() {
    let with_token =
        |token: String| object(json!({"client_id": "rs256", "grant_type": JWT_BEARER, "id_token": token}));
    let server = TestServer::new();
    let under_tenant_key = rs256(ACME, &claims_for("rs256"));
    assert_eq!(server.delegate(with_token(under_tenant_key)).await.status, 200);
    assert_eq!(server.delegate(with_token(id_token("rs256"))).await.status, 400);
}

#[tokio::test]
async fn the_audit_event_names_address_user_agent_and_device() {
    let server = TestServer::new();
    let mut request = post(&good_with(json!({"device": "phone"})));
    request.headers_mut().insert("user-agent", "browser/1".parse().unwrap());
    request.headers_mut().insert("auth0-client", "!not base64!".parse().unwrap());
    assert_eq!(server.send(request).await.status, 200);
    let event = server.doubles.sink.take_only_event();
    assert_eq!(event.ip.to_string(), "203.0.113.7");
    assert_eq!(event.user_agent.as_deref(), Some("browser/1"));
    assert_eq!(event.auth0_client.as_deref(), Some("!not base64!"));
    assert_eq!(event.device.as_deref(), Some("phone"));
}
