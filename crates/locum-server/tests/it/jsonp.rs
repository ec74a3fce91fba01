//! `GET /delegation` where a tenant has switched it on, and where it has not.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_engine::tenant::DelegationPolicy;
use serde_json::{Value, json};

use crate::world::{NOW, Reply, Tenants, World, form, good, good_but, request};

fn with_jsonp() -> World {
    World::of(Tenants::with_policy(DelegationPolicy { jsonp: true, ..DelegationPolicy::default() }))
}

fn get(parameters: &Value) -> Request<Body> {
    let query = form(parameters.as_object().unwrap());
    request(Method::GET, &format!("/delegation?{query}")).body(Body::empty()).unwrap()
}

fn payload(reply: &Reply) -> Value {
    let call = reply.body.strip_prefix("/**/__auth0jp0(").and_then(|call| call.strip_suffix(");"));
    serde_json::from_str(call.unwrap_or_else(|| panic!("{}", reply.body))).unwrap()
}

#[tokio::test]
async fn a_tenant_that_did_not_ask_for_it_does_not_serve_it() {
    let reply = World::new().send(get(&good_but("cbx", "__auth0jp0"))).await;
    assert_eq!(reply.error().0, 405);
    assert_eq!(reply.header("allow"), Some("POST, OPTIONS"));
    let off = DelegationPolicy { jsonp: true, enabled: false, ..DelegationPolicy::default() };
    assert_eq!(World::of(Tenants::with_policy(off)).send(get(&good_but("cbx", "c"))).await.status, 405);
}

#[tokio::test]
async fn the_callback_is_given_the_token() {
    let reply = with_jsonp().send(get(&good_but("cbx", "__auth0jp0"))).await;
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
async fn an_error_is_a_payload_like_any_other() {
    let mut parameters = good_but("cbx", "__auth0jp0");
    parameters["target"] = "closed".into();
    let reply = with_jsonp().send(get(&parameters)).await;
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
async fn without_a_callback_there_is_nobody_to_call() {
    let world = with_jsonp();
    let (status, _, description) = world.send(get(&good())).await.error();
    assert_eq!((status, description.as_str()), (400, "missing cbx parameter"));
    for name in ["", "a b", "alert(1)//", "a;b", "</script>", &"c".repeat(129)] {
        let reply = world.send(get(&good_but("cbx", name))).await;
        assert_eq!(reply.error().0, 400, "{name}");
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
    assert_eq!(world.send(get(&good_but("cbx", "c".repeat(128)))).await.status, 200);
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    let query = form(good().as_object().unwrap());
    let twice =
        request(Method::GET, &format!("/delegation?cbx=a&cbx=b&{query}")).body(Body::empty()).unwrap();
    assert_eq!(with_jsonp().send(twice).await.error().0, 400);
}

#[tokio::test]
async fn the_callback_is_no_parameter_of_the_request() {
    let mut parameters = good_but("cbx", "__auth0jp0");
    for (name, value) in [("target", "storage"), ("make", "names"), ("containerName", "photos")] {
        parameters[name] = value.into();
    }
    let reply = with_jsonp().send(get(&parameters)).await;
    assert_eq!(payload(&reply), json!({ "azure_blob_sas": "make containerName" }));
}

#[tokio::test]
async fn the_rate_of_both_methods_is_one() {
    let world = with_jsonp();
    assert_eq!(world.delegate(good()).await.header("x-ratelimit-remaining"), Some("9"));
    let reply = world.send(get(&good_but("cbx", "c"))).await;
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("8"));
}

#[tokio::test]
async fn other_methods_are_told_of_it() {
    let reply = with_jsonp().send(request(Method::HEAD, "/delegation").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, Some("GET, POST, OPTIONS")));
}

#[tokio::test]
async fn pages_of_any_origin_may_embed_this_answer_and_no_other() {
    let post = World::new().delegate(good()).await;
    assert_eq!(post.header("cross-origin-resource-policy"), None);
}
