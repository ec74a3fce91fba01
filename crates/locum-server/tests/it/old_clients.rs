//! Requests as the SDKs of the last ten years send them.

use axum::body::Body;
use axum::http::Request;
use locum_engine::JWT_BEARER;
use locum_testing::{ACME, claims_for, good_with, id_token, object, rs256};
use serde_json::json;

use crate::test_server::{FORM, TestServer, form, post_body, post_form};

async fn assert_accepted(request: Request<Body>) {
    let reply = TestServer::new().send(request).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(reply.json().get("error").is_none());
    assert!(reply.json()["expires_in"].is_i64());
}

/// auth0.js 7: a form, an empty `api_type`, headers that no standard defines.
#[tokio::test]
async fn a_form_with_an_empty_api_type_and_unknown_headers_is_accepted() {
    let mut request = post_form(&good_with(json!({
        "target": "other", "scope": "openid", "api_type": "", "api": "firebase",
    })));
    for (name, value) in [
        ("auth0-client", "eyJuYW1lIjoiYXV0aDAuanMiLCJ2ZXJzaW9uIjoiNy42LjEifQ"),
        ("accept-language", "en_US"),
        ("authorization", "Bearer something else"),
        ("x-requested-with", "XMLHttpRequest"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    assert_accepted(request).await;
}

/// auth0.js `renewIdToken`.
#[tokio::test]
async fn a_renewal_with_api_type_auth0_and_scope_passthrough_is_accepted() {
    let renewal =
        |api_type: &str| post_form(&good_with(json!({"api_type": api_type, "scope": "passthrough"})));
    assert_accepted(renewal("auth0")).await;
    assert_eq!(TestServer::new().send(renewal("auth1")).await.error().0, 400);
}

/// auth0.js 8 and later: JSON with a charset, snake-cased options.
#[tokio::test]
async fn json_with_a_charset_is_accepted() {
    let body = json!({
        "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"), "api_type": "app",
        "container_name": "photos",
    });
    let request = |charset: &str| {
        let mut request = post_body("/delegation", &format!("application/json{charset}"), body.to_string());
        request.headers_mut().insert("auth0-client", "eyJuYW1lIjoiYXV0aDAuanMifQ==".parse().unwrap());
        request
    };
    assert_accepted(request("; charset=UTF-8")).await;
    assert_eq!(TestServer::new().send(request("-patch+json")).await.error().0, 415);
}

/// auth0.net 1.x sends a `client_secret`, which may be wrong.
#[tokio::test]
async fn a_client_secret_is_neither_required_nor_checked() {
    assert_accepted(post_form(&object(json!({
        "client_id": "rs256", "client_secret": "wrong", "grant_type": JWT_BEARER,
        "id_token": rs256(ACME, &claims_for("rs256")), "scope": "passthrough",
    }))))
    .await;
}

/// auth0.js 7 writes an array as a parameter that is repeated with brackets.
#[tokio::test]
async fn an_array_in_a_form_is_a_value_of_a_free_form_parameter() {
    let form = |array: &str| {
        let known = form(&good_with(json!({})));
        post_body("/delegation", FORM, format!("{known}&{array}"))
    };
    let server = TestServer::new();
    let reply = server.send(form("roles[]=a&roles%5B%5D=b&single[]=c")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let parameters = server.doubles.script.last_grant().parameters;
    assert_eq!(json!(parameters), json!({"roles": ["a", "b"], "single": ["c"]}));

    for (array, description) in [
        ("scope[]=openid", "scope parameter must be a string"),
        ("roles[]=a&roles=b", "the parameter roles was sent twice"),
        ("roles=a&roles[]=b", "the parameter roles was sent twice"),
        ("[]=a", "a parameter has no name"),
    ] {
        let error = TestServer::new().send(form(array)).await.error();
        assert_eq!(error, (400, "invalid_request".to_owned(), description.to_owned()), "{array}");
    }
}

/// auth0-python sends `null` for what its caller left out.
#[tokio::test]
async fn a_json_null_is_an_absent_parameter() {
    let nulls = json!({"target": null, "scope": "openid", "api_type": null, "refresh_token": null});
    assert_accepted(post_body("/delegation", "application/json", json!(good_with(nulls)).to_string())).await;
    let without_token = json!(good_with(json!({"id_token": null}))).to_string();
    let error =
        TestServer::new().send(post_body("/delegation", "application/json", without_token)).await.error();
    assert_eq!(error.2, "missing id_token parameter");
}
