//! What one request may take, and that no request harms another.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Method;
use hyper::body::Frame;
use locum_server::{Limits, ServerOptions};
use locum_testing::{ACME, good, good_with};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::test_server::{
    TestServer, UPSTREAM_TEXT, app_token, code, empty, get_jsonp, post, post_body, post_form, with_body,
};

fn limited(limits: Limits) -> TestServer {
    TestServer::with_options(ServerOptions { limits, ..ServerOptions::default() })
}

/// App tokens are issued only when the semaphore has a permit.
fn wait_for_permits(server: &TestServer) -> Arc<Semaphore> {
    let permits = Arc::new(Semaphore::new(0));
    let awaited = Arc::clone(&permits);
    server.doubles.script.answers_later("app", move |grant, context| {
        let awaited = Arc::clone(&awaited);
        Box::pin(async move {
            awaited.acquire().await.unwrap().forget();
            Ok(app_token(grant, context))
        })
    });
    permits
}

#[tokio::test]
async fn a_body_of_the_largest_size_is_read_and_one_byte_more_is_refused() {
    let parameters = good_with(json!({"device": "phone"}));
    let length = serde_json::Value::Object(parameters.clone()).to_string().len();
    for (body_bytes_max, status) in [(length, 200), (length - 1, 413)] {
        let server = limited(Limits { body_bytes_max, ..Limits::default() });
        assert_eq!(server.delegate(parameters.clone()).await.status, status);
    }
}

/// Bodies that announce no size.
enum Unannounced {
    /// It never ends.
    Endless,
    /// Nothing of it arrives.
    Silent,
}

impl HttpBody for Unannounced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match *self {
            Self::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 1024]))))),
            Self::Silent => Poll::Pending,
        }
    }
}

async fn delegate_unannounced(body: Unannounced) -> u16 {
    TestServer::new().send(with_body(post(&good()), Body::new(body))).await.error().0
}

#[tokio::test]
async fn an_endless_body_is_refused() {
    assert_eq!(delegate_unannounced(Unannounced::Endless).await, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_arrives_is_refused_at_the_deadline() {
    for path in ["/delegation", "/oauth/revoke"] {
        let server = TestServer::new();
        let start = Instant::now();
        let request = post_body(path, "application/json", Body::new(Unannounced::Silent));
        let reply = server.send(request).await;
        assert_eq!(reply.error_code(), code(408, "invalid_request"), "{path}");
        assert_eq!(reply.header("connection"), Some("close"), "{path}");
        assert_eq!(start.elapsed().as_secs(), 15);
        let event = server.doubles.sink.take_only_event();
        assert_eq!((event.tenant.as_deref(), event.refusal.unwrap().status), (Some(ACME), 408), "{path}");
    }
}

#[tokio::test]
async fn one_hundred_parameters_are_read_and_one_more_is_refused() {
    let server = TestServer::new();
    let with = |count: usize| {
        let mut parameters = good();
        for number in 3..count {
            parameters.insert(format!("extra{number}"), json!("x"));
        }
        parameters
    };
    assert_eq!(server.send(post(&with(100))).await.status, 200);
    assert_eq!(server.send(post(&with(101))).await.error().0, 400);
    assert_eq!(server.send(post_form(&with(100))).await.status, 200);
    assert_eq!(server.send(post_form(&with(101))).await.error().0, 400);
}

#[tokio::test]
async fn a_request_beyond_the_in_flight_limit_is_refused() {
    let server = Arc::new(limited(Limits { in_flight_max: 2, ..Limits::default() }));
    let permits = wait_for_permits(&server);
    let waiting: Vec<_> = (0..2).map(|_| tokio::spawn(delegate(Arc::clone(&server)))).collect();
    settle().await;
    assert_eq!(server.delegate(good()).await.error_code(), code(503, "temporarily_unavailable"));
    permits.add_permits(3);
    for status in waiting {
        assert_eq!(status.await.unwrap(), 200);
    }
    assert_eq!(server.delegate(good()).await.status, 200);
    assert_eq!(server.doubles.sink.take_events().len(), 4);
}

#[tokio::test]
async fn a_request_that_waits_for_nothing_needs_no_permit() {
    let server = limited(Limits { in_flight_max: 0, ..Limits::default() });
    assert_eq!(server.delegate(good()).await.status, 200);
    server.doubles.script.answers_later("app", |_, _| Box::pin(pending()));
    assert_eq!(server.delegate(good()).await.error_code(), code(503, "temporarily_unavailable"));
    assert_eq!(server.doubles.sink.take_events().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_refused_at_its_deadline() {
    let server = TestServer::new();
    server.doubles.script.answers_later("app", |_, _| Box::pin(pending()));
    let start = Instant::now();
    assert_eq!(server.delegate(good()).await.error_code(), code(503, "temporarily_unavailable"));
    assert_eq!(start.elapsed().as_secs(), 15);
    assert_eq!(server.doubles.sink.take_only_event().refusal.unwrap().status, 503);
}

#[tokio::test]
async fn a_request_whose_client_hangs_up_is_finished_and_audited() {
    let server = Arc::new(TestServer::new());
    let permits = wait_for_permits(&server);
    let request = tokio::spawn(delegate(Arc::clone(&server)));
    settle().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    assert_eq!(server.doubles.sink.take_events().len(), 0);
    permits.add_permits(1);
    settle().await;
    assert_eq!(server.doubles.sink.take_only_event().code.as_str(), "sd");
}

#[tokio::test]
async fn a_panicking_issuer_fails_only_that_request() {
    let server = TestServer::new();
    server.app_answers(|_, _| panic!("{UPSTREAM_TEXT}"));
    let (status, code, description) = server.delegate(good()).await.error();
    assert_eq!((status, code.as_str()), (500, "server_error"));
    let reference = description.strip_prefix("internal error; reference ").unwrap();
    assert_eq!(reference.len(), 16);
    assert_eq!(server.doubles.sink.take_only_event().refusal.unwrap().description, description);
    server.app_answers(|grant, context| Ok(app_token(grant, context)));
    assert_eq!(server.delegate(good()).await.status, 200);
}

#[tokio::test]
async fn a_panic_outside_the_engine_is_a_500_too() {
    let options = ServerOptions {
        ready: Arc::new(|| panic!("the readiness check panics")),
        ..ServerOptions::default()
    };
    let server = TestServer::with_options(options);
    assert_eq!(server.get("/readyz").await.error().0, 500);
    assert_eq!(server.send(post(&good()).map(|_| body_that_panics())).await.error().0, 500);
    assert_eq!(server.delegate(good()).await.status, 200);
}

fn body_that_panics() -> Body {
    struct Panicking;
    impl HttpBody for Panicking {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            panic!("the body panics")
        }
    }
    Body::new(Panicking)
}

#[tokio::test]
async fn without_a_peer_address_nothing_is_delegated() {
    let server = TestServer::with_jsonp();
    for mut request in [post(&good()), get_jsonp(&good_with(json!({"cbx": "c"})))] {
        request.extensions_mut().clear();
        assert_eq!(server.send(request).await.error_code(), code(500, "server_error"));
    }
    let mut document = empty(Method::GET, "/.well-known/jwks.json");
    document.extensions_mut().clear();
    assert_eq!(server.send(document).await.status, 200);
    assert!(server.doubles.sink.take_events().is_empty());
}

async fn delegate(server: Arc<TestServer>) -> u16 {
    server.delegate(good()).await.status
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
