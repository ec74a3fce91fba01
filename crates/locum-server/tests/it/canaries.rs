//! Secrets are put into every part of requests: none is shown in an error, an event or a log line, and no log line can
//! be forged.

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Method, Request};
use locum_engine::JWT_BEARER;
use locum_testing::{good, good_with, hs256, object};
use serde_json::{Map, Value, json};
use tracing_subscriber::fmt::MakeWriter;

use crate::test_server::{TestServer, empty, get_jsonp, post, post_body, post_form};

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
        hs256(&json!({"iss": "https://evil.example/", "aud": "caller", "sub": CANARY, CANARY: CANARY}));
    let refresh = json!({"client_id": "caller", "grant_type": JWT_BEARER, "refresh_token": CANARY});
    let delegations: Vec<Map<String, Value>> = vec![
        good_with(json!({"id_token": CANARY})),
        good_with(json!({"id_token": signed})),
        good_with(json!({"client_secret": CANARY})),
        object(refresh),
    ];
    let mut requests: Vec<Request<Body>> =
        delegations.iter().map(post).chain(delegations.iter().map(post_form)).collect();
    for mut parameters in delegations {
        parameters.insert("cbx".to_owned(), json!("cb"));
        requests.push(get_jsonp(&parameters));
    }
    let mut authorized = post(&good());
    authorized.headers_mut().insert("authorization", format!("Bearer {CANARY}").parse().unwrap());
    authorized.headers_mut().insert("cookie", CANARY.parse().unwrap());
    requests.push(authorized);
    let revocation = json!({"client_id": "crm", "token": CANARY}).to_string();
    requests.push(post_body("/oauth/revoke", "application/json", revocation));
    requests.push(empty(Method::GET, &format!("/{CANARY}?{CANARY}")));
    requests
}

#[tokio::test]
async fn no_endpoint_shows_a_secret() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let server = TestServer::with_jsonp();
    for request in requests() {
        let reply = server.send(request).await;
        assert!(!reply.body.contains(CANARY), "{}", reply.body);
        assert!(!format!("{:?}", reply.headers).contains(CANARY));
    }
    let events = server.doubles.sink.take_events();
    assert!(!format!("{events:?}").contains(CANARY));
    assert!(!log.text().contains(CANARY), "{}", log.text());
    assert!(events.len() >= 13);
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
    let server = TestServer::new();
    server.doubles.calls.fail_all_of("tenant");
    for forged in ["a\r\nERROR forged", "\u{1b}[31mred", "x\u{0}y"] {
        for name in ["client_id", "target", "device", "scope", "api_type", "grant_type"] {
            server.delegate(good_with(json!({name: forged}))).await;
        }
    }
    let text = log.text();
    assert!(text.contains("the tenant directory cannot be asked"), "{text}");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
    assert!(!text.contains('\u{1b}'));
}
