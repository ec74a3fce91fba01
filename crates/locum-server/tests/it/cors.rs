//! Which pages may read an answer: a matrix of origins, clients and outcomes.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;

use crate::world::{Reply, World, good, good_but, id_token, post, post_form, request};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

fn from_origin(origin: &str, parameters: &Value) -> Request<Body> {
    let mut request = post(parameters);
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

async fn echoed(origin: &str, client_id: &str) -> Option<String> {
    let mut parameters = good_but("client_id", client_id);
    parameters["id_token"] = id_token(client_id).into();
    let reply = World::new().send(from_origin(origin, &parameters)).await;
    assert_eq!(reply.header("vary"), Some("Origin"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    reply.header(ALLOW_ORIGIN).map(str::to_owned)
}

#[tokio::test]
async fn the_origin_of_the_named_client_is_echoed() {
    assert_eq!(echoed("https://app.example", "caller").await.as_deref(), Some("https://app.example"));
    assert_eq!(echoed("https://other.example", "other").await.as_deref(), Some("https://other.example"));
}

#[tokio::test]
async fn the_origin_of_another_client_is_not() {
    assert_eq!(echoed("https://other.example", "caller").await, None);
    assert_eq!(echoed("https://app.example", "other").await, None);
    assert_eq!(echoed("https://app.example", "nobody").await, None);
}

#[tokio::test]
async fn an_origin_that_is_nearly_the_same_is_another() {
    for origin in [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example/",
        "https://APP.example",
        "https://evil.app.example",
        "https://app.example.evil",
        "https://app.example, https://evil.example",
        "",
    ] {
        assert_eq!(echoed(origin, "caller").await, None, "{origin}");
    }
}

#[tokio::test]
async fn null_and_wildcards_match_nothing_even_where_a_client_lists_them() {
    assert_eq!(echoed("null", "sloppy").await, None);
    assert_eq!(echoed("*", "sloppy").await, None);
    assert_eq!(echoed("https://anywhere.example", "sloppy").await, None);
}

#[tokio::test]
async fn two_origins_are_none() {
    let mut request = from_origin("https://app.example", &good());
    request.headers_mut().append("origin", "https://app.example".parse().unwrap());
    let reply = World::new().send(request).await;
    assert_eq!((reply.status.as_u16(), reply.header(ALLOW_ORIGIN)), (200, None));
}

#[tokio::test]
async fn a_page_that_may_not_read_is_answered_all_the_same() {
    let reply = World::new().send(from_origin("https://evil.example", &good())).await;
    assert_eq!((reply.status.as_u16(), reply.header(ALLOW_ORIGIN)), (200, None));
    assert_eq!(reply.header("access-control-expose-headers"), None);
}

#[tokio::test]
async fn errors_can_be_read_as_far_as_successes() {
    for parameters in [
        good_but("id_token", "a.b.c"),
        good_but("grant_type", "x"),
        good_but("make", "internal"),
        good_but("make", "panic"),
    ] {
        let reply = World::new().send(from_origin("https://app.example", &parameters)).await;
        assert!(reply.status.as_u16() >= 400);
        assert_eq!(reply.header(ALLOW_ORIGIN), Some("https://app.example"), "{}", reply.body);
        let reply = World::new().send(from_origin("https://other.example", &parameters)).await;
        assert_eq!(reply.header(ALLOW_ORIGIN), None);
    }
}

#[tokio::test]
async fn the_rate_can_be_read() {
    let reply = World::new().send(from_origin("https://app.example", &good())).await;
    assert_eq!(
        reply.header("access-control-expose-headers"),
        Some("X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After")
    );
}

#[tokio::test]
async fn a_form_names_its_client_as_well() {
    let mut form = post_form(&good());
    form.headers_mut().insert("origin", "https://app.example".parse().unwrap());
    assert_eq!(World::new().send(form).await.header(ALLOW_ORIGIN), Some("https://app.example"));
}

#[tokio::test]
async fn a_request_that_names_no_client_is_judged_as_its_preflight() {
    let world = World::new();
    for (origin, echoed) in [("https://app.example", true), ("https://evil.example", false), ("null", false)]
    {
        let mut unreadable = from_origin(origin, &good());
        *unreadable.body_mut() = Body::from("{");
        let reply = world.send(unreadable).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header(ALLOW_ORIGIN), echoed.then_some(origin), "{origin}");
    }
}

async fn preflight(origin: &str, method: &str, headers: Option<&str>) -> Reply {
    let mut asked = request(Method::OPTIONS, "/delegation")
        .header("origin", origin)
        .header("access-control-request-method", method);
    if let Some(headers) = headers {
        asked = asked.header("access-control-request-headers", headers);
    }
    World::new().send(asked.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_preflight_of_a_known_origin_is_answered() {
    for origin in ["https://app.example", "https://other.example"] {
        for headers in
            [None, Some("auth0-client,content-type"), Some("Auth0-Client, CONTENT-TYPE,accept-language")]
        {
            let reply = preflight(origin, "POST", headers).await;
            assert_eq!(
                reply.header_lines(),
                [
                    "access-control-allow-headers: Content-Type, Auth0-Client, Accept-Language".to_owned(),
                    "access-control-allow-methods: POST".to_owned(),
                    format!("access-control-allow-origin: {origin}"),
                    "access-control-max-age: 600".to_owned(),
                    "allow: POST, OPTIONS".to_owned(),
                    "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers".to_owned(),
                ]
            );
            assert_eq!((reply.status.as_u16(), reply.body.as_str()), (204, ""));
        }
    }
}

#[tokio::test]
async fn a_preflight_that_asks_for_anything_else_is_not() {
    for (origin, method, headers) in [
        ("https://evil.example", "POST", None),
        ("null", "POST", None),
        ("*", "POST", None),
        ("https://app.example", "PUT", None),
        ("https://app.example", "post", None),
        ("https://app.example", "POST", Some("content-type, authorization")),
        ("https://app.example", "POST", Some("*")),
    ] {
        let reply = preflight(origin, method, headers).await;
        assert_eq!(reply.status, 204);
        assert_eq!(reply.header(ALLOW_ORIGIN), None, "{origin} {method} {headers:?}");
        assert_eq!(reply.header("access-control-allow-methods"), None);
    }
}

#[tokio::test]
async fn options_alone_say_what_is_served() {
    let reply = World::new().send(request(Method::OPTIONS, "/delegation").body(Body::empty()).unwrap()).await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (204, Some("POST, OPTIONS")));
    assert_eq!(reply.header(ALLOW_ORIGIN), None);
}
