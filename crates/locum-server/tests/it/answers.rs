//! What a successful answer looks like, to the letter.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::world::{NOW, UNSTORED, World, good, good_but, id_token, post_form, rs256_id_token};

fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn an_app_token_comes_with_three_members_in_their_order() {
    let reply = World::new().delegate(good_but("target", "other")).await;
    assert_eq!(reply.status, 200);
    let token = reply.json()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(reply.body, format!(r#"{{"token_type":"Bearer","expires_in":36000,"id_token":"{token}"}}"#));
    let claims = payload(&token);
    assert_eq!((&claims["aud"], &claims["azp"]), (&json!("other"), &json!("caller")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 36_000);
}

#[tokio::test]
async fn a_text_credential_is_its_only_member() {
    let reply = World::new().delegate(good_but("target", "storage")).await;
    assert_eq!(reply.body, r#"{"azure_blob_sas":"se=2030&sp=r&sig=abc%3D"}"#);
}

#[tokio::test]
async fn an_object_comes_as_it_was_made() {
    let reply = World::new().delegate(good_but("target", "cloud")).await;
    assert_eq!(reply.body, r#"{"ResponseMetadata":{"RequestId":"1"},"Credentials":{"AccessKeyId":"ASIA"}}"#);
}

#[tokio::test]
async fn an_answer_is_stored_nowhere_and_carries_the_rate_once() {
    let reply = World::new().delegate(good()).await;
    let mut expected: Vec<String> = UNSTORED.iter().map(|line| (*line).to_owned()).collect();
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
async fn a_refusal_after_the_user_is_known_carries_the_rate_too() {
    let world = World::new();
    let unknown_target = world.delegate(good_but("target", "nobody")).await;
    assert_eq!(unknown_target.status, 401);
    assert_eq!(unknown_target.header("x-ratelimit-remaining"), Some("9"));
    let unknown_user = world.delegate(good_but("id_token", "a.b.c")).await;
    assert_eq!(unknown_user.status, 400);
    assert_eq!(unknown_user.header("x-ratelimit-remaining"), None);
}

#[tokio::test]
async fn a_form_is_as_good_as_json() {
    let world = World::new();
    let reply = world.send(post_form(&good_but("scope", "openid name"))).await;
    assert_eq!(reply.status, 200);
    assert_eq!(world.recorder.only_event().scope.as_deref(), Some("openid name"));
}

#[tokio::test]
async fn a_token_under_the_tenants_key_is_as_good_as_one_under_the_clients() {
    let rs256 = |token: String| json!({"client_id": "rs256", "grant_type": locum_engine::JWT_BEARER, "id_token": token});
    let world = World::new();
    assert_eq!(world.delegate(rs256(rs256_id_token("rs256"))).await.status, 200);
    assert_eq!(world.delegate(rs256(id_token("rs256"))).await.status, 400);
}

#[tokio::test]
async fn the_audit_knows_who_asked_from_where() {
    let world = World::new();
    let mut request = crate::world::post(&good_but("device", "phone"));
    request.headers_mut().insert("user-agent", "browser/1".parse().unwrap());
    request.headers_mut().insert("auth0-client", "!not base64!".parse().unwrap());
    assert_eq!(world.send(request).await.status, 200);
    let event = world.recorder.only_event();
    assert_eq!(event.ip.to_string(), "203.0.113.7");
    assert_eq!(event.user_agent.as_deref(), Some("browser/1"));
    assert_eq!(event.auth0_client.as_deref(), Some("!not base64!"));
    assert_eq!(event.device.as_deref(), Some("phone"));
}
