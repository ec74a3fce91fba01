//! What the router needs of the tenant directory: one look-up of the tenant for each request, and an answer in time.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use locum_testing::{bucket_rule, good, good_with};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::test_server::{
    FORM, TestServer, code, empty, get_jsonp, post, post_body, post_form, request, with_body,
};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

fn preflight() -> Request<Body> {
    request(Method::OPTIONS, "/delegation")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .body(Body::empty())
        .unwrap()
}

fn with_origin(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().insert("origin", "https://app.example".parse().unwrap());
    request
}

async fn tenant_lookups(request: Request<Body>) -> usize {
    let server = TestServer::with_jsonp();
    server.send(request).await;
    server.doubles.calls.made().iter().filter(|lookup| **lookup == "tenant").count()
}

#[tokio::test]
async fn the_tenant_is_looked_up_once_for_each_request() {
    let revocation = || post_body("/oauth/revoke", FORM, "client_id=crm&token=known");
    let requests = [
        ("delegation", with_origin(post(&good()))),
        ("form", post_form(&good())),
        ("unreadable body", with_origin(with_body(post(&good()), "{"))),
        ("JSONP", get_jsonp(&good_with(json!({"cbx": "c"})))),
        ("JSONP without callback", get_jsonp(&good())),
        ("preflight", preflight()),
        ("options", empty(Method::OPTIONS, "/delegation")),
        ("other method", empty(Method::PUT, "/delegation")),
        ("head", empty(Method::HEAD, "/delegation")),
        ("revocation", revocation()),
        ("unreadable revocation", with_body(revocation(), "%")),
        ("keys", empty(Method::GET, "/.well-known/jwks.json")),
        ("discovery", empty(Method::GET, "/.well-known/openid-configuration")),
        ("metadata", empty(Method::GET, "/samlp/metadata/caller")),
    ];
    for (name, request) in requests {
        assert_eq!(tenant_lookups(request).await, 1, "{name}");
    }
    for path in ["/healthz", "/readyz", "/nothing"] {
        assert_eq!(tenant_lookups(empty(Method::GET, path)).await, 0, "{path}");
    }
}

/// What a request is answered when a look-up never is: always at the deadline.
async fn answered_without(lookup: &'static str, request: Request<Body>) -> (u16, String) {
    let server = TestServer::new();
    server.doubles.directory.never_answers(lookup);
    let start = Instant::now();
    let reply = timeout(Duration::from_secs(60), server.send(request)).await;
    let error = reply.unwrap_or_else(|_| panic!("{lookup} is waited for without end")).error_code();
    assert_eq!(start.elapsed().as_secs(), 15, "{lookup}");
    error
}

#[tokio::test(start_paused = true)]
async fn a_request_is_refused_at_its_deadline_when_the_tenant_cannot_be_looked_up() {
    let requests = [
        ("delegation", post(&good())),
        ("preflight", preflight()),
        ("revocation", post_body("/oauth/revoke", FORM, "client_id=crm&token=known")),
        ("keys", empty(Method::GET, "/.well-known/jwks.json")),
        ("discovery", empty(Method::GET, "/.well-known/openid-configuration")),
        ("metadata", empty(Method::GET, "/samlp/metadata/caller")),
    ];
    for (name, request) in requests {
        let error = answered_without("tenant", request).await;
        assert_eq!(error, code(503, "temporarily_unavailable"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_later_lookup_is_bounded_by_the_same_deadline() {
    let requests = [
        ("client", post(&good())),
        ("client", with_origin(post(&good()))),
        ("client", empty(Method::GET, "/samlp/metadata/caller")),
        ("client", post_body("/oauth/revoke", FORM, "client_id=crm&token=known")),
        ("user", post(&good())),
        ("allows_origin", preflight()),
    ];
    for (lookup, request) in requests {
        assert_eq!(answered_without(lookup, request).await, code(503, "temporarily_unavailable"), "{lookup}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delegation_that_times_out_is_audited_once() {
    let server = TestServer::new();
    server.doubles.directory.never_answers("tenant");
    timeout(Duration::from_secs(60), server.delegate(good())).await.unwrap();
    assert_eq!(server.doubles.sink.take_only_event().refusal.unwrap().status, 503);
}

#[tokio::test]
async fn an_origin_that_cannot_be_looked_up_is_not_echoed() {
    for (lookup, request) in [
        ("client", with_origin(post(&good()))),
        ("allows_origin", with_origin(with_body(post(&good()), "{"))),
    ] {
        let server = TestServer::new();
        server.doubles.calls.fail_all_of(lookup);
        let reply = server.send(request).await;
        assert!(reply.status >= 400, "{lookup}");
        assert_eq!(reply.header("access-control-allow-origin"), None, "{lookup}");
    }
    let server = TestServer::new();
    server.doubles.calls.fail_all_of("allows_origin");
    let (status, code, description) = server.send(preflight()).await.error();
    assert_eq!((status, code.as_str()), (503, "temporarily_unavailable"));
    assert!(!description.contains("db.internal"), "{description}");
}

/// A server whose addresses may send two unknown names, and whose directory has to read what it is asked for.
fn with_two_names() -> TestServer {
    let server = TestServer::with(|setup| {
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 60);
    });
    server.doubles.directory.answers_later(true);
    server
}

fn preflight_of(origin: &str) -> Request<Body> {
    let mut request = preflight();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request
}

const TOO_MANY: &str = "too many unknown names from this address; wait before the next request";

#[tokio::test]
async fn a_preflight_of_an_address_with_too_many_unknown_origins_is_refused_and_no_page_reads_it() {
    let server = with_two_names();
    for number in 0..2 {
        let reply = server.send(preflight_of(&format!("https://{number}.example"))).await;
        assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (204, None));
    }
    assert_eq!(server.doubles.directory.reads(), 2);
    for origin in ["https://more.example", "https://app.example"] {
        let reply = server.send(preflight_of(origin)).await;
        let (status, error, description) = reply.error();
        assert_eq!(
            (status, error.as_str(), description.as_str()),
            (429, "too_many_requests", TOO_MANY),
            "{origin}"
        );
        assert_eq!((reply.header("retry-after"), reply.header(ALLOW_ORIGIN)), (Some("1"), None));
    }
    assert_eq!(server.doubles.directory.reads(), 2);
    assert!(server.doubles.sink.take_events().is_empty(), "a preflight has no event");

    let mut elsewhere = preflight_of("https://app.example");
    let peer: SocketAddr = "203.0.113.8:4711".parse().unwrap();
    elsewhere.extensions_mut().insert(ConnectInfo(peer));
    let reply = server.send(elsewhere).await;
    assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (204, Some("https://app.example")));
    server.doubles.directory.answers_later(false);
    let reply = server.send(preflight_of("https://app.example")).await;
    assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (204, Some("https://app.example")));
}

#[tokio::test]
async fn a_request_whose_origin_was_not_looked_up_is_answered_and_no_page_reads_it() {
    let server = with_two_names();
    for number in 0..2 {
        server.send(preflight_of(&format!("https://{number}.example"))).await;
    }
    let reply = server.send(with_origin(post(&good()))).await;
    assert_eq!((reply.error_code(), reply.header(ALLOW_ORIGIN)), (code(429, "too_many_requests"), None));
    assert_eq!(reply.header("retry-after"), Some("1"));
    let refusal = server.doubles.sink.take_only_event().refusal.unwrap();
    assert_eq!((refusal.status, refusal.description.as_str()), (429, TOO_MANY));
    server.doubles.directory.answers_later(false);
    let reply = server.send(with_origin(post(&good()))).await;
    assert_eq!((reply.status, reply.header(ALLOW_ORIGIN)), (200, Some("https://app.example")));
}

#[tokio::test]
async fn metadata_of_unknown_clients_is_counted_for_each_address() {
    let server = with_two_names();
    for number in 0..2 {
        assert_eq!(server.get(&format!("/samlp/metadata/nobody{number}")).await.status, 404);
    }
    let reply = server.get("/samlp/metadata/nobody").await;
    assert_eq!(
        (reply.error_code(), reply.header("retry-after")),
        (code(429, "too_many_requests"), Some("1"))
    );
    assert_eq!(server.doubles.directory.reads(), 2);
}
