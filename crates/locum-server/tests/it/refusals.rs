//! Every row of the refusal table, provoked by a request.

use axum::http::Method;
use locum_abi::answer::Failure;
use locum_engine::ports::IssuerFailure;
use locum_engine::{JWT_BEARER, RefusalKind};
use locum_server::{Limits, ServerOptions};
use locum_testing::{ACME, NOW, claims_for, good, good_with, hs256};
use serde_json::{Map, Value, json};

use crate::test_server::{
    FORM, Reply, TestServer, UNCACHED_JSON, UPSTREAM_TEXT, at, code, empty, post, post_body, request,
    with_body,
};

async fn refused(parameters: Map<String, Value>) -> (u16, String, String) {
    TestServer::new().delegate(parameters).await.error()
}

/// The response to a delegation whose issuer fails like this.
async fn failed(failure: impl Fn() -> IssuerFailure + Send + Sync + 'static) -> Reply {
    let server = TestServer::new();
    server.app_answers(move |_, _| Err(failure()));
    server.delegate(good()).await
}

fn upstream_refusal() -> IssuerFailure {
    IssuerFailure::Failed(Failure::upstream_refused("AccessDenied", UPSTREAM_TEXT))
}

fn internal_failure() -> IssuerFailure {
    IssuerFailure::Failed(Failure::internal(UPSTREAM_TEXT))
}

fn unreachable_upstream() -> IssuerFailure {
    IssuerFailure::UpstreamUnreachable(UPSTREAM_TEXT.to_owned())
}

/// A response of this kind.
async fn provoked(kind: RefusalKind) -> Reply {
    let server = TestServer::new();
    let with_claims = |sub: &str, exp: i64| {
        let mut claims = claims_for("caller");
        claims["sub"] = sub.into();
        claims["exp"] = exp.into();
        good_with(json!({"id_token": hs256(&claims)}))
    };
    match kind {
        RefusalKind::InvalidRequest => server.delegate(Map::new()).await,
        RefusalKind::UnsupportedGrantType => {
            server.delegate(good_with(json!({"grant_type": "password"}))).await
        }
        RefusalKind::InvalidGrant => server.delegate(with_claims("auth0|alice", NOW)).await,
        RefusalKind::UnsupportedTokenType => {
            server.send(post_body("/oauth/revoke", FORM, "client_id=caller&token=eyJ.eyJ.sig")).await
        }
        RefusalKind::Unauthorized => server.delegate(with_claims("auth0|mallory", NOW + 1)).await,
        RefusalKind::UnauthorizedClient => server.delegate(good_with(json!({"client_id": "nobody"}))).await,
        RefusalKind::AccessDenied => failed(upstream_refusal).await,
        RefusalKind::NotFound => server.send(at("unknown.example.com", post(&good()))).await,
        RefusalKind::MethodNotAllowed => server.send(empty(Method::PUT, "/delegation")).await,
        RefusalKind::BodyTooLarge => {
            server.delegate(good_with(json!({"device": "x".repeat(64 * 1024)}))).await
        }
        RefusalKind::UnsupportedMediaType => {
            let body = Value::Object(good()).to_string();
            server.send(request(Method::POST, "/delegation").body(body.into()).unwrap()).await
        }
        RefusalKind::TooManyRequests => {
            for _ in 0..10 {
                assert_eq!(server.delegate(good()).await.status, 200);
            }
            server.delegate(good()).await
        }
        RefusalKind::ServerError => failed(internal_failure).await,
        RefusalKind::UpstreamUnreachable => failed(unreachable_upstream).await,
        RefusalKind::TemporarilyUnavailable => {
            let limits = Limits { in_flight_max: 0, ..Limits::default() };
            let options = ServerOptions { limits, ..ServerOptions::default() };
            TestServer::with_options(options).delegate(good()).await
        }
        RefusalKind::UpstreamBusy => {
            failed(|| IssuerFailure::Failed(Failure::upstream_busy(7, UPSTREAM_TEXT))).await
        }
        RefusalKind::IssuerHung => failed(|| IssuerFailure::Hung(10_000)).await,
        RefusalKind::UpstreamTimedOut => failed(|| IssuerFailure::UpstreamTimedOut(5000)).await,
        other => panic!("no request is known to provoke {other:?}"),
    }
}

#[tokio::test]
async fn every_kind_of_refusal_has_the_same_shape() {
    for kind in RefusalKind::ALL {
        let reply = provoked(kind).await;
        let (status, code, _) = kind.row();
        let (replied_status, replied_code, description) = reply.error();
        assert_eq!((replied_status, replied_code.as_str()), (status, code), "{kind:?}: {description}");
        assert!(!description.is_empty() && description.len() < 300, "{kind:?}: {description}");
        let lines = reply.header_lines();
        for line in UNCACHED_JSON {
            assert!(lines.iter().any(|sent| sent == line), "{kind:?} lacks {line}");
        }
    }
}

#[tokio::test]
async fn the_eleventh_request_is_told_how_long_to_wait() {
    let reply = provoked(RefusalKind::TooManyRequests).await;
    assert_eq!(reply.header("retry-after"), Some("60"));
    assert_eq!(reply.header("x-ratelimit-limit"), Some("10"));
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(reply.header("x-ratelimit-reset"), Some((NOW + 600).to_string().as_str()));
    for kind in [RefusalKind::TemporarilyUnavailable, RefusalKind::UpstreamUnreachable] {
        assert_eq!(provoked(kind).await.header("retry-after"), None, "{kind:?}");
    }
}

#[tokio::test]
async fn a_busy_upstream_says_when_to_try_again() {
    for (seconds, told) in [(0, "1"), (7, "7"), (u64::MAX, "3600")] {
        let server = TestServer::new();
        server.app_fails(Failure::upstream_busy(seconds, UPSTREAM_TEXT));
        let reply = server.delegate(good()).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some(told)));
    }
}

#[tokio::test]
async fn a_missing_parameter_is_named() {
    for name in ["client_id", "grant_type", "id_token"] {
        let error = refused(good_with(json!({name: ""}))).await;
        assert_eq!(error, (400, "invalid_request".to_owned(), format!("missing {name} parameter")));
    }
}

#[tokio::test]
async fn no_text_of_an_upstream_reaches_a_client() {
    let panicking = || -> IssuerFailure { panic!("{UPSTREAM_TEXT}") };
    let replies = [
        failed(upstream_refusal).await,
        failed(internal_failure).await,
        failed(unreachable_upstream).await,
        failed(panicking).await,
    ];
    for reply in &replies {
        let (_, _, description) = reply.error();
        assert!(!description.contains("secret-role"), "{description}");
    }
    assert_eq!(replies[0].error().2, "the upstream refused: AccessDenied");
}

#[tokio::test]
async fn an_issuers_text_about_a_parameter_is_passed_on() {
    let server = TestServer::new();
    server.app_fails(Failure::parameter("containerName", "containerName may not be empty"));
    let error = server.delegate(good()).await.error();
    assert_eq!(error, (400, "invalid_request".to_owned(), "containerName may not be empty".to_owned()));
}

#[tokio::test]
async fn a_repeated_parameter_is_refused_in_both_kinds_of_body() {
    let server = TestServer::new();
    let json =
        format!(r#"{{"client_id":"caller","grant_type":"{JWT_BEARER}","id_token":"t","id_token":"t"}}"#);
    let (status, code, description) = server.send(with_body(post(&good()), json)).await.error();
    assert_eq!((status, code.as_str()), (400, "invalid_request"));
    assert!(description.contains("twice"), "{description}");

    let form = post_body("/delegation", FORM, "scope=openid&scope=openid");
    let error = server.send(form).await.error();
    assert_eq!(error, (400, "invalid_request".to_owned(), "the parameter scope was sent twice".to_owned()));
}

#[tokio::test]
async fn a_body_that_is_not_a_json_object_is_refused() {
    let server = TestServer::new();
    for body in ["", "[]", "client_id=caller", "{\"client_id\":\"caller\"", "\u{feff}{}"] {
        let error = server.send(with_body(post(&good()), body)).await.error_code();
        assert_eq!(error, code(400, "invalid_request"), "{body}");
    }
}

#[tokio::test]
async fn a_request_must_have_exactly_one_host() {
    let server = TestServer::new();
    assert_eq!(server.send(at("ACME.example.com:8080", post(&good()))).await.status, 200);
    for host in ["", "acme.example.com/", "a b", "user@acme.example.com"] {
        assert_eq!(server.send(at(host, post(&good()))).await.status, 400, "{host}");
    }
    let mut two = post(&good());
    two.headers_mut().append("host", ACME.parse().unwrap());
    assert_eq!(server.send(two).await.status, 400);
    let mut without = post(&good());
    without.headers_mut().remove("host");
    assert_eq!(server.send(without).await.status, 400);
}

#[tokio::test]
async fn an_unreadable_body_is_audited_once() {
    let server = TestServer::new();
    assert_eq!(server.send(with_body(post(&good()), "{")).await.status, 400);
    let event = server.doubles.sink.take_only_event();
    assert_eq!(event.code.as_str(), "fd");
    assert_eq!(event.refusal.unwrap().status, 400);
}

#[tokio::test]
async fn an_unavailable_directory_is_not_described() {
    let server = TestServer::new();
    server.doubles.calls.fail_all_of("tenant");
    let (status, code, description) = server.delegate(good()).await.error();
    assert_eq!((status, code.as_str()), (503, "temporarily_unavailable"));
    assert!(!description.contains("db.internal"), "{description}");
}
