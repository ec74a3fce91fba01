//! Secrets go in everywhere; none comes out in an error, an event or a log line, and no log line is forged.

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request};
use locum_engine::tenant::DelegationPolicy;
use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{Tenants, World, form, good, good_but, post, post_form, request, token_of};

const CANARY: &str = "c4n4ry";

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn requests() -> Vec<Request<Body>> {
    let signed =
        token_of(&json!({"iss": "https://evil.example/", "aud": "caller", "sub": CANARY, CANARY: CANARY}));
    let bad: Vec<Value> = vec![
        good_but("id_token", CANARY),
        good_but("id_token", signed),
        good_but("client_secret", CANARY),
        json!({"client_id": "caller", "grant_type": locum_engine::JWT_BEARER, "refresh_token": CANARY}),
    ];
    let mut requests: Vec<Request<Body>> = bad.iter().map(post).chain(bad.iter().map(post_form)).collect();
    for parameters in &bad {
        let mut parameters = parameters.clone();
        parameters["cbx"] = json!("cb");
        let query = form(parameters.as_object().unwrap());
        requests.push(request(Method::GET, &format!("/delegation?{query}")).body(Body::empty()).unwrap());
    }
    let mut authorized = post(&good());
    authorized.headers_mut().insert("authorization", format!("Bearer {CANARY}").parse().unwrap());
    authorized.headers_mut().insert("cookie", CANARY.parse().unwrap());
    requests.push(authorized);
    let revoke = request(Method::POST, "/oauth/revoke").header("content-type", "application/json");
    requests
        .push(revoke.body(Body::from(json!({"client_id": "cloud", "token": CANARY}).to_string())).unwrap());
    requests.push(request(Method::GET, &format!("/{CANARY}?{CANARY}")).body(Body::empty()).unwrap());
    requests
}

#[tokio::test]
async fn no_secret_leaves_by_any_door() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let world =
        World::of(Tenants::with_policy(DelegationPolicy { jsonp: true, ..DelegationPolicy::default() }));
    for request in requests() {
        let reply = world.send(request).await;
        assert!(!reply.body.contains(CANARY), "{}", reply.body);
        assert!(!format!("{:?}", reply.headers).contains(CANARY));
    }
    assert!(!format!("{:?}", world.recorder.events()).contains(CANARY));
    assert!(!log.text().contains(CANARY), "{}", log.text());
    assert!(world.recorder.events().len() >= 13);
}

#[tokio::test]
async fn a_log_line_cannot_be_forged() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let world = World::new();
    world.directory.goes_away();
    for forged in ["a\r\nERROR forged", "\u{1b}[31mred", "x\u{0}y"] {
        for name in ["client_id", "target", "device", "scope", "api_type", "grant_type"] {
            world.delegate(good_but(name, forged)).await;
        }
    }
    let text = log.text();
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
    assert!(!text.contains('\u{1b}'));
}
