//! Every row of the refusal table, provoked by a request.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Method;
use hyper::body::Frame;
use locum_abi::answer::Failure;
use locum_engine::model::RefreshTokenRules;
use locum_engine::ports::IssuerFailure;
use locum_engine::{JWT_BEARER, RefusalKind};
use locum_server::{Limits, ServerOptions};
use locum_testing::{
    ACME, NOW, bucket_rule, claims_for, exchange_with, good, good_with, hs256, id_token, refresh_token,
};
use serde_json::{Map, Value, json};

use crate::test_server::{
    FORM, Reply, TestServer, UNCACHED_JSON, UPSTREAM_TEXT, at, code, empty, form, post, post_body, request,
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
    let exchanged = |changes: Value| post_body("/oauth/token", FORM, form(&exchange_with(changes)));
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
        RefusalKind::RefreshTokenReused => {
            let server = TestServer::with(|setup| {
                let rules = RefreshTokenRules { rotates: true, ..RefreshTokenRules::default() };
                setup.client("caller").refresh_tokens = Some(rules);
            });
            let token = server.doubles.store_refresh_token(refresh_token("family"));
            let refresh = || {
                let body = format!("client_id=caller&grant_type=refresh_token&refresh_token={token}");
                server.send(post_body("/oauth/token", FORM, body))
            };
            let answer = refresh().await;
            assert!(answer.json()["refresh_token"].as_str().unwrap().starts_with("lrt_"));
            refresh().await
        }
        RefusalKind::UnsupportedTokenType => {
            server.send(post_body("/oauth/revoke", FORM, "client_id=caller&token=eyJ.eyJ.sig")).await
        }
        RefusalKind::InvalidScope => {
            let mut claims = claims_for("caller");
            claims["scope"] = "openid".into();
            server.delegate(good_with(json!({"id_token": hs256(&claims), "scope": "email"}))).await
        }
        RefusalKind::InvalidClient => server.send(exchanged(json!({"client_secret": "s3cret"}))).await,
        RefusalKind::InvalidToken => {
            let server = TestServer::with(|setup| setup.acme.tenant.delegation.profile_endpoints = true);
            server.get("/userinfo").await
        }
        RefusalKind::InvalidTarget => server.delegate(good_with(json!({"target": "nobody"}))).await,
        RefusalKind::UnauthorizedClient => {
            let server = TestServer::with(|setup| setup.client("caller").is_first_party = false);
            server.delegate(good()).await
        }
        RefusalKind::UserBlocked => server.delegate(with_claims("auth0|mallory", NOW + 1)).await,
        RefusalKind::UnknownClient => server.delegate(good_with(json!({"client_id": "nobody"}))).await,
        RefusalKind::AccessDenied => failed(upstream_refusal).await,
        RefusalKind::NotFound => server.send(at("unknown.example.com", post(&good()))).await,
        RefusalKind::MethodNotAllowed => server.send(empty(Method::PUT, "/delegation")).await,
        RefusalKind::RequestTimeout => server.send(with_body(post(&good()), body_that_never_arrives())).await,
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
        RefusalKind::TooManyInvalidTokens => {
            let server = TestServer::with(|setup| {
                setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(1, 2);
            });
            assert_eq!(server.delegate(good_with(json!({"id_token": "a.b.c"}))).await.status, 400);
            server.doubles.clock.advance(29);
            server.delegate(good()).await
        }
        RefusalKind::ServerError => failed(internal_failure).await,
        RefusalKind::UpstreamUnreachable => failed(unreachable_upstream).await,
        RefusalKind::TemporarilyUnavailable => {
            let limits = Limits { in_flight_max: 0, ..Limits::default() };
            let options = ServerOptions { limits, ..ServerOptions::default() };
            let server = TestServer::with_options(options);
            server.doubles.script.answers_later("app", |_, _| Box::pin(pending()));
            server.delegate(good()).await
        }
        RefusalKind::UpstreamBusy => {
            failed(|| IssuerFailure::Failed(Failure::upstream_busy(7, UPSTREAM_TEXT))).await
        }
        RefusalKind::IssuerHung => failed(|| IssuerFailure::Hung(10_000)).await,
        RefusalKind::UpstreamTimedOut => failed(|| IssuerFailure::UpstreamTimedOut(5000)).await,
        other => panic!("no request is known to provoke {other:?}"),
    }
}

fn body_that_never_arrives() -> Body {
    struct Silent;
    impl HttpBody for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }
    Body::new(Silent)
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_refusal_has_the_same_shape() {
    for kind in RefusalKind::ALL {
        let reply = provoked(kind).await;
        let (status, code) = kind.row().delegation;
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
async fn an_address_that_sends_only_invalid_tokens_is_told_how_long_to_wait_and_no_rate() {
    let reply = provoked(RefusalKind::TooManyInvalidTokens).await;
    assert_eq!(reply.header("retry-after"), Some("1"));
    let rate = reply.header_lines().into_iter().filter(|line| line.starts_with("x-ratelimit"));
    assert_eq!(rate.count(), 0);
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
    assert_eq!(event.tenant.as_deref(), Some(ACME));
    assert_eq!(event.refusal.unwrap().status, 400);
    assert_eq!(server.send(at("unknown.example.com", with_body(post(&good()), "{"))).await.status, 400);
    assert_eq!(server.doubles.sink.take_only_event().tenant, None);
}

#[tokio::test]
async fn an_unavailable_directory_is_not_described() {
    let server = TestServer::new();
    server.doubles.calls.fail_all_of("tenant");
    let (status, code, description) = server.delegate(good()).await.error();
    assert_eq!((status, code.as_str()), (503, "temporarily_unavailable"));
    assert!(!description.contains("db.internal"), "{description}");
}

#[tokio::test]
async fn a_body_in_another_transfer_coding_than_chunked_is_refused() {
    for (coding, status) in
        [("chunked", 200), ("Chunked", 200), ("gzip, chunked", 415), ("gzip", 415), ("x", 415)]
    {
        let mut request = post(&good());
        request.headers_mut().insert("transfer-encoding", coding.parse().unwrap());
        assert_eq!(TestServer::new().send(request).await.status, status, "{coding}");
    }
    let mut two_lines = post(&good());
    two_lines.headers_mut().append("transfer-encoding", "gzip".parse().unwrap());
    two_lines.headers_mut().append("transfer-encoding", "chunked".parse().unwrap());
    assert_eq!(TestServer::new().send(two_lines).await.error().0, 415);
}

#[tokio::test]
async fn a_token_in_place_of_a_parameters_name_is_not_repeated() {
    let token = id_token("caller");
    let server = TestServer::new();
    let bodies = [
        post_body("/delegation", FORM, format!("{token}=1&{token}=2")),
        post_body("/delegation", FORM, format!("a{token}=1&a{token}=2")),
        post_body("/oauth/revoke", FORM, format!("{token}=1&{token}=2")),
        with_body(post(&good()), format!(r#"{{"{token}":1,"{token}":2}}"#)),
        with_body(post(&good()), format!(r#"{{"a":"{token}" "b"}}"#)),
        with_body(post(&good()), format!(r#"{{"a":{token}}}"#)),
        with_body(post(&good()), token.clone()),
    ];
    for body in bodies {
        let (status, _, description) = server.send(body).await.error();
        assert_eq!(status, 400);
        let event = server.doubles.sink.take_only_event();
        for text in [description, format!("{event:?}")] {
            for part in token.split('.') {
                assert!(!text.contains(&part[..12]), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_in_a_header_that_the_audit_keeps_is_masked() {
    let token = id_token("caller");
    let mut request = post(&good());
    request.headers_mut().insert("user-agent", format!("curl/8 {token}").parse().unwrap());
    request.headers_mut().insert("auth0-client", token.parse().unwrap());
    let server = TestServer::new();
    assert_eq!(server.send(request).await.status, 200);
    let event = server.doubles.sink.take_only_event();
    assert_eq!(event.user_agent.as_deref(), Some("curl/8 [token]"));
    assert_eq!(event.auth0_client.as_deref(), Some("[token]"));
    // The usual value of the header is base64 of JSON, which is not a token.
    let mut usual = post(&good());
    usual.headers_mut().insert("auth0-client", "eyJuYW1lIjoiYXV0aDAuanMifQ".parse().unwrap());
    assert_eq!(server.send(usual).await.status, 200);
    let event = server.doubles.sink.take_only_event();
    assert_eq!(event.auth0_client.as_deref(), Some("eyJuYW1lIjoiYXV0aDAuanMifQ"));
}
