//! What one request may take, and that no request takes another down with it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::Method;
use hyper::body::Frame;
use locum_server::{Limits, ServerOptions};
use serde_json::{Value, json};

use crate::world::{Tenants, World, good, good_but, post, post_form, request};

fn limited(limits: Limits) -> World {
    World::with(Tenants::usual(), ServerOptions { limits, ..ServerOptions::default() })
}

#[tokio::test]
async fn the_last_byte_that_fits_is_read() {
    let body = good_but("device", "phone").to_string();
    for (body_bytes_max, status) in [(body.len(), 200), (body.len() - 1, 413)] {
        let world = limited(Limits { body_bytes_max, ..Limits::default() });
        assert_eq!(world.delegate(good_but("device", "phone")).await.status, status);
    }
}

/// Bodies that announce no size.
enum Unannounced {
    /// More and more of it.
    Endless,
    /// Nothing, for ever.
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
    let mut request = post(&good());
    *request.body_mut() = Body::new(body);
    World::new().send(request).await.error().0
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    assert_eq!(delegate_unannounced(Unannounced::Endless).await, 413);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for() {
    assert_eq!(delegate_unannounced(Unannounced::Silent).await, 503);
}

#[tokio::test]
async fn the_last_parameter_that_fits_is_read() {
    let world = World::new();
    let with = |count: usize| {
        let mut parameters = good();
        for number in 3..count {
            parameters[format!("extra{number}")] = json!("x");
        }
        parameters
    };
    assert_eq!(world.send(post(&with(100))).await.status, 200);
    assert_eq!(world.send(post(&with(101))).await.error().0, 400);
    assert_eq!(world.send(post_form(&with(100))).await.status, 200);
    assert_eq!(world.send(post_form(&with(101))).await.error().0, 400);
}

#[tokio::test]
async fn one_request_more_than_are_worked_on_is_turned_away() {
    let world = Arc::new(limited(Limits { in_flight_max: 2, ..Limits::default() }));
    let waiting: Vec<_> =
        (0..2).map(|_| tokio::spawn(delegate(Arc::clone(&world), good_but("make", "wait")))).collect();
    settle().await;
    let (status, code, _) = world.delegate(good()).await.error();
    assert_eq!((status, code.as_str()), (503, "temporarily_unavailable"));
    world.issuers.gate.add_permits(2);
    for reply in waiting {
        assert_eq!(reply.await.unwrap(), 200);
    }
    assert_eq!(world.delegate(good()).await.status, 200);
    assert_eq!(world.recorder.events().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_request_ends_at_its_deadline() {
    let world = World::new();
    let begun = tokio::time::Instant::now();
    let (status, code, _) = world.delegate(good_but("make", "hang")).await.error();
    assert_eq!((status, code.as_str()), (503, "temporarily_unavailable"));
    assert_eq!(begun.elapsed().as_secs(), 15);
    assert_eq!(world.recorder.only_event().refusal.unwrap().status, 503);
}

#[tokio::test]
async fn a_client_that_hangs_up_is_counted_and_audited() {
    let world = Arc::new(World::new());
    let asking = tokio::spawn(delegate(Arc::clone(&world), good_but("make", "wait")));
    settle().await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    assert_eq!(world.recorder.events().len(), 0);
    world.issuers.gate.add_permits(1);
    settle().await;
    assert_eq!(world.recorder.only_event().code.as_str(), "sd");
}

#[tokio::test]
async fn a_panic_is_the_fault_of_one_request() {
    let world = World::new();
    let (status, code, description) = world.delegate(good_but("make", "panic")).await.error();
    assert_eq!((status, code.as_str()), (500, "server_error"));
    let reference = description.strip_prefix("internal error; reference ").unwrap();
    assert_eq!(reference.len(), 16);
    assert_eq!(world.recorder.only_event().refusal.unwrap().description, description);
    assert_eq!(world.delegate(good()).await.status, 200);
}

#[tokio::test]
async fn a_panic_outside_the_engine_is_a_500_too() {
    let options =
        ServerOptions { ready: Arc::new(|| panic!("not even ready to say so")), ..ServerOptions::default() };
    let world = World::with(Tenants::usual(), options);
    let asked = || request(Method::GET, "/readyz").body(Body::empty()).unwrap();
    assert_eq!(world.send(asked()).await.error().0, 500);
    assert_eq!(world.delegate(good()).await.status, 200);
}

#[tokio::test]
async fn without_a_peer_address_nothing_is_delegated() {
    let world = World::new();
    let mut request = post(&good());
    request.extensions_mut().clear();
    let (status, code, _) = world.send(request).await.error();
    assert_eq!((status, code.as_str()), (500, "server_error"));
    assert!(world.recorder.events().is_empty());
}

async fn delegate(world: Arc<World>, parameters: Value) -> u16 {
    world.delegate(parameters).await.status.as_u16()
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}
