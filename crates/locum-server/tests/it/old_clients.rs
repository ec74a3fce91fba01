//! Requests as the SDKs of the last ten years send them.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_engine::JWT_BEARER;
use serde_json::json;

use crate::world::{World, id_token, post_form, request, rs256_id_token};

async fn accepted(request: Request<Body>) {
    let reply = World::new().send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.json().get("error").is_none());
    assert!(reply.json()["expires_in"].is_i64());
}

/// auth0.js 7: a form, an empty `api_type`, headers that no standard knows.
#[tokio::test]
async fn a_form_with_an_empty_api_type_and_strange_headers_is_accepted() {
    let mut asked = post_form(&json!({
        "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"), "target": "other",
        "scope": "openid", "api_type": "", "api": "firebase",
    }));
    for (name, value) in [
        ("auth0-client", "eyJuYW1lIjoiYXV0aDAuanMiLCJ2ZXJzaW9uIjoiNy42LjEifQ"),
        ("accept-language", "en_US"),
        ("authorization", "Bearer something else"),
        ("x-requested-with", "XMLHttpRequest"),
    ] {
        asked.headers_mut().insert(name, value.parse().unwrap());
    }
    accepted(asked).await;
}

/// auth0.js `renewIdToken`.
#[tokio::test]
async fn a_renewal_asks_for_auth0_and_passthrough() {
    let renewal = |api_type: &str| {
        post_form(&json!({
            "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"),
            "api_type": api_type, "scope": "passthrough",
        }))
    };
    accepted(renewal("auth0")).await;
    assert_eq!(World::new().send(renewal("auth1")).await.error().0, 400);
}

/// auth0.js 8 and later: JSON with a charset, snake-cased options.
#[tokio::test]
async fn json_with_a_charset_is_accepted() {
    let body = json!({
        "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"), "api_type": "app",
        "container_name": "photos",
    });
    let asked = |charset: &str| {
        request(Method::POST, "/delegation")
            .header("content-type", format!("application/json{charset}"))
            .header("auth0-client", "eyJuYW1lIjoiYXV0aDAuanMifQ==")
            .body(Body::from(body.to_string()))
            .unwrap()
    };
    accepted(asked("; charset=UTF-8")).await;
    assert_eq!(World::new().send(asked("-patch+json")).await.error().0, 415);
}

/// auth0.net 1.x: a `client_secret` that nobody asked for, even a wrong one.
#[tokio::test]
async fn a_client_secret_is_neither_wanted_nor_checked() {
    accepted(post_form(&json!({
        "client_id": "rs256", "client_secret": "wrong", "grant_type": JWT_BEARER, "id_token": rs256_id_token("rs256"),
        "scope": "passthrough",
    })))
    .await;
}
