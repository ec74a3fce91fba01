//! Which pages may read a response: a matrix of origins, clients and outcomes.

use axum::body::Body;
use axum::http::{Method, Request};
use locum_abi::answer::Failure;
use locum_testing::{good, good_with, id_token};
use serde_json::{Map, Value, json};

use crate::test_server::{Reply, TestServer, empty, post, post_form, request, with_body};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

fn from_origin(origin: &str, parameters: &Map<String, Value>) -> Request<Body> {
    let mut request = post(parameters);
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

async fn echoed(origin: &str, client_id: &str) -> Option<String> {
    let parameters = good_with(json!({"client_id": client_id, "id_token": id_token(client_id)}));
    let reply = TestServer::new().send(from_origin(origin, &parameters)).await;
    assert_eq!(reply.header("vary"), Some("Origin"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    reply.header(ALLOW_ORIGIN).map(str::to_owned)
}

#[tokio::test]
async fn an_origin_of_the_requesting_client_is_echoed() {
    assert_eq!(echoed("https://app.example", "caller").await.as_deref(), Some("https://app.example"));
    assert_eq!(echoed("https://other.example", "other").await.as_deref(), Some("https://other.example"));
}

#[tokio::test]
async fn an_origin_of_another_client_is_not_echoed() {
    assert_eq!(echoed("https://other.example", "caller").await, None);
    assert_eq!(echoed("https://app.example", "other").await, None);
}

#[tokio::test]
async fn the_refusal_of_an_unknown_client_can_be_read_by_any_origin_of_the_tenant() {
    let reply = |origin: &'static str| async move {
        let request = from_origin(origin, &good_with(json!({"client_id": "nobody"})));
        TestServer::new().send(request).await
    };
    for origin in ["https://app.example", "https://other.example"] {
        let reply = reply(origin).await;
        assert_eq!(reply.error().2, "invalid client");
        assert_eq!(reply.header(ALLOW_ORIGIN), Some(origin));
    }
    for origin in ["https://evil.example", "null", "https://globex.example"] {
        assert_eq!(reply(origin).await.header(ALLOW_ORIGIN), None, "{origin}");
    }
}

#[tokio::test]
async fn an_origin_that_differs_in_any_part_is_not_echoed() {
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
async fn null_and_wildcard_origins_are_never_echoed_even_if_a_client_lists_them() {
    assert_eq!(echoed("null", "wildcard").await, None);
    assert_eq!(echoed("*", "wildcard").await, None);
    assert_eq!(echoed("https://anywhere.example", "wildcard").await, None);
}

#[tokio::test]
async fn a_request_with_two_origins_gets_no_cors_headers() {
    let mut request = from_origin("https://app.example", &good());
    request.headers_mut().append("origin", "https://app.example".parse().unwrap());
    let reply = TestServer::new().send(request).await;
    assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (200, None));
}

#[tokio::test]
async fn a_request_from_an_unknown_origin_is_served_without_cors_headers() {
    let reply = TestServer::new().send(from_origin("https://evil.example", &good())).await;
    assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (200, None));
    assert_eq!(reply.header("access-control-expose-headers"), None);
}

#[tokio::test]
async fn errors_can_be_read_by_the_same_origins_as_successes() {
    let failing = TestServer::new();
    failing.app_fails(Failure::internal("broken"));
    let panicking = TestServer::new();
    panicking.app_answers(|_, _| panic!("broken"));
    for (server, parameters) in [
        (TestServer::new(), good_with(json!({"id_token": "a.b.c"}))),
        (TestServer::new(), good_with(json!({"grant_type": "x"}))),
        (failing, good()),
        (panicking, good()),
    ] {
        let reply = server.send(from_origin("https://app.example", &parameters)).await;
        assert!(reply.status >= 400);
        assert_eq!(reply.header(ALLOW_ORIGIN), Some("https://app.example"), "{}", reply.body);
        let reply = server.send(from_origin("https://other.example", &parameters)).await;
        assert_eq!(reply.header(ALLOW_ORIGIN), None);
    }
}

#[tokio::test]
async fn pages_can_read_the_rate_limit() {
    let reply = TestServer::new().send(from_origin("https://app.example", &good())).await;
    assert_eq!(
        reply.header("access-control-expose-headers"),
        Some("X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After")
    );
}

#[tokio::test]
async fn the_client_of_a_form_decides_too() {
    let mut form = post_form(&good());
    form.headers_mut().insert("origin", "https://app.example".parse().unwrap());
    assert_eq!(TestServer::new().send(form).await.header(ALLOW_ORIGIN), Some("https://app.example"));
}

#[tokio::test]
async fn without_a_client_id_any_origin_of_the_tenant_is_echoed() {
    let server = TestServer::new();
    for (origin, echoed) in [("https://app.example", true), ("https://evil.example", false), ("null", false)]
    {
        let reply = server.send(with_body(from_origin(origin, &good()), "{")).await;
        assert_eq!(reply.status, 400);
        assert_eq!(reply.header(ALLOW_ORIGIN), echoed.then_some(origin), "{origin}");
    }
}

async fn preflight(origin: &str, method: &str, headers: Option<&str>) -> Reply {
    let mut request = request(Method::OPTIONS, "/delegation")
        .header("origin", origin)
        .header("access-control-request-method", method);
    if let Some(headers) = headers {
        request = request.header("access-control-request-headers", headers);
    }
    TestServer::new().send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_preflight_of_a_known_origin_is_allowed() {
    for origin in ["https://app.example", "https://other.example"] {
        for headers in [
            None,
            Some("auth0-client,content-type"),
            Some("Auth0-Client, CONTENT-TYPE,accept-language"),
            Some("authorization,cache-control,x-requested-with"),
        ] {
            let reply = preflight(origin, "POST", headers).await;
            assert_eq!(
                reply.header_lines(),
                [
                    "access-control-allow-headers: Content-Type, Auth0-Client, Accept-Language, Authorization, \
                     X-Requested-With, Cache-Control"
                        .to_owned(),
                    "access-control-allow-methods: POST".to_owned(),
                    format!("access-control-allow-origin: {origin}"),
                    "access-control-max-age: 600".to_owned(),
                    "allow: POST, OPTIONS".to_owned(),
                    "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers".to_owned(),
                ]
            );
            assert_eq!((reply.status, reply.body.as_str()), (204, ""));
        }
    }
}

#[tokio::test]
async fn a_preflight_for_another_origin_method_or_header_is_not_allowed() {
    for (origin, method, headers) in [
        ("https://evil.example", "POST", None),
        ("null", "POST", None),
        ("*", "POST", None),
        ("https://app.example", "PUT", None),
        ("https://app.example", "post", None),
        ("https://app.example", "POST", Some("content-type, x-api-key")),
        ("https://app.example", "POST", Some("*")),
    ] {
        let reply = preflight(origin, method, headers).await;
        assert_eq!(reply.status, 204);
        assert_eq!(reply.header(ALLOW_ORIGIN), None, "{origin} {method} {headers:?}");
        assert_eq!(reply.header("access-control-allow-methods"), None);
    }
}

#[tokio::test]
async fn options_without_an_origin_lists_the_methods() {
    let reply = TestServer::new().send(empty(Method::OPTIONS, "/delegation")).await;
    assert_eq!((reply.status, reply.header("allow")), (204, Some("POST, OPTIONS")));
    assert_eq!(reply.header(ALLOW_ORIGIN), None);
}

#[tokio::test]
async fn keys_and_discovery_can_be_read_from_any_origin() {
    let server = TestServer::new();
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        for origin in ["https://evil.example", "null"] {
            let read = request(Method::GET, path).header("origin", origin).body(Body::empty()).unwrap();
            let reply = server.send(read).await;
            assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (200, Some("*")), "{path}");
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
        let preflight = request(Method::OPTIONS, path)
            .header("origin", "https://evil.example")
            .header("access-control-request-method", "GET")
            .header("access-control-request-headers", "cache-control, authorization")
            .body(Body::empty())
            .unwrap();
        let reply = server.send(preflight).await;
        assert_eq!(reply.status, 204);
        assert_eq!(
            reply.header_lines(),
            [
                "access-control-allow-headers: *, Authorization",
                "access-control-allow-methods: GET, HEAD",
                "access-control-allow-origin: *",
                "access-control-max-age: 600",
                "allow: GET, HEAD, OPTIONS",
            ]
        );
    }
    for path in ["/healthz", "/oauth/revoke"] {
        assert_eq!(server.send(empty(Method::OPTIONS, path)).await.error().0, 405, "{path}");
    }
}
