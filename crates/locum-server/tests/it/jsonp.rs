//! `GET /delegation` where a tenant has switched it on, and where it has not.

use axum::http::Method;
use locum_abi::answer::Credential;
use locum_testing::{NOW, good, good_with};
use serde_json::{Value, json};

use crate::test_server::{Reply, TestServer, app_token, empty, form, get_jsonp};

/// The argument that the callback is called with.
fn payload(reply: &Reply) -> Value {
    let call = reply.body.strip_prefix("/**/__auth0jp0(").and_then(|call| call.strip_suffix(");"));
    serde_json::from_str(call.unwrap_or_else(|| panic!("{}", reply.body))).unwrap()
}

#[tokio::test]
async fn jsonp_is_not_served_unless_the_tenant_switches_it_on() {
    let reply = TestServer::new().send(get_jsonp(&good_with(json!({"cbx": "__auth0jp0"})))).await;
    assert_eq!(reply.error().0, 405);
    assert_eq!(reply.header("allow"), Some("POST, OPTIONS"));
    let without_delegation = TestServer::with(|setup| {
        setup.acme.tenant.delegation.jsonp = true;
        setup.acme.tenant.delegation.enabled = false;
    });
    assert_eq!(without_delegation.send(get_jsonp(&good_with(json!({"cbx": "c"})))).await.status, 405);
}

#[tokio::test]
async fn the_callback_is_called_with_the_token() {
    let reply = TestServer::with_jsonp().send(get_jsonp(&good_with(json!({"cbx": "__auth0jp0"})))).await;
    assert_eq!(reply.status, 200);
    let members = payload(&reply);
    let names: Vec<&String> = members.as_object().unwrap().keys().collect();
    assert_eq!(names, ["token_type", "expires_in", "id_token"]);
    assert_eq!(
        reply.header_lines(),
        [
            "cache-control: no-store",
            "content-type: application/javascript",
            "cross-origin-resource-policy: cross-origin",
            "pragma: no-cache",
            "x-content-type-options: nosniff",
            "x-ratelimit-limit: 10",
            "x-ratelimit-remaining: 9",
            &format!("x-ratelimit-reset: {}", NOW + 60),
        ]
    );
}

#[tokio::test]
async fn the_callback_is_called_with_errors_too() {
    let parameters = good_with(json!({"cbx": "__auth0jp0", "target": "closed"}));
    let reply = TestServer::with_jsonp().send(get_jsonp(&parameters)).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        payload(&reply),
        json!({
            "status": 401,
            "error": "unauthorized",
            "error_description": "the target is unknown or does not allow the client",
        })
    );
}

#[tokio::test]
async fn a_request_without_a_valid_callback_is_refused_in_json() {
    let server = TestServer::with_jsonp();
    let (status, _, description) = server.send(get_jsonp(&good())).await.error();
    assert_eq!((status, description.as_str()), (400, "missing cbx parameter"));
    for name in ["", "a b", "alert(1)//", "a;b", "</script>", &"c".repeat(129)] {
        let reply = server.send(get_jsonp(&good_with(json!({"cbx": name})))).await;
        assert_eq!(reply.error().0, 400, "{name}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
    let longest = good_with(json!({"cbx": "c".repeat(128)}));
    assert_eq!(server.send(get_jsonp(&longest)).await.status, 200);
}

#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    let twice = empty(Method::GET, &format!("/delegation?cbx=a&cbx=b&{}", form(&good())));
    assert_eq!(TestServer::with_jsonp().send(twice).await.error().0, 400);
}

#[tokio::test]
async fn the_issuer_is_not_given_the_callback() {
    let server = TestServer::with_jsonp();
    server.doubles.script.answers("azure_blob", |grant, context| {
        let names: Vec<&str> = grant.parameters.keys().map(String::as_str).collect();
        let mut issued = app_token(grant, context);
        issued.credential = Credential::Text(names.join(" "));
        Ok(issued)
    });
    let parameters = json!({
        "cbx": "__auth0jp0", "target": "storage", "blobName": "cat.png", "containerName": "photos",
    });
    let reply = server.send(get_jsonp(&good_with(parameters))).await;
    assert_eq!(payload(&reply), json!({ "azure_blob_sas": "blobName containerName" }));
}

#[tokio::test]
async fn get_and_post_share_one_rate_limit() {
    let server = TestServer::with_jsonp();
    assert_eq!(server.delegate(good()).await.header("x-ratelimit-remaining"), Some("9"));
    let reply = server.send(get_jsonp(&good_with(json!({"cbx": "c"})))).await;
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("8"));
}

#[tokio::test]
async fn allow_lists_get_where_jsonp_is_served() {
    let reply = TestServer::with_jsonp().send(empty(Method::HEAD, "/delegation")).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST, OPTIONS")));
}

#[tokio::test]
async fn only_a_jsonp_response_may_be_embedded_by_any_origin() {
    let post = TestServer::new().delegate(good()).await;
    assert_eq!(post.header("cross-origin-resource-policy"), None);
}
