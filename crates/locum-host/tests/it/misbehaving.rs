//! Panics, floods and excess of a plugin made with the SDK: each is that request's error, and the host goes on.

use std::io;
use std::sync::{Arc, Mutex};

use locum_abi::answer::{Credential, FailureCode};
use locum_engine::ports::IssuerFailure;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{broken, issue, load, misbehaving, ready, refused};

#[tokio::test]
async fn a_panic_is_the_failure_of_its_request() {
    let set = load(misbehaving()).unwrap();
    let issuer = ready(&set, "panics_in_issue", json!({}));
    for _ in 0..2 {
        match issue(&*issuer).await {
            Err(IssuerFailure::Failed(failure)) => {
                assert_eq!(failure.code, FailureCode::Panicked);
                assert!(
                    failure.message.starts_with("no credential for auth0|alice at "),
                    "{}",
                    failure.message
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_panic_while_being_configured_is_a_refusal() {
    let failure = refused(&load(misbehaving()).unwrap(), "panics_in_configure", json!({}));
    assert_eq!(failure.code, FailureCode::Panicked);
}

#[tokio::test]
async fn a_panic_while_being_dropped_is_nobodys_business() {
    let set = load(misbehaving()).unwrap();
    let issuer = ready(&set, "panics_in_drop", json!({}));
    assert_eq!(issue(&*issuer).await.unwrap().credential, Credential::Text("fine".to_owned()));
    drop(issuer);
    let again = ready(&set, "panics_in_drop", json!({}));
    assert!(issue(&*again).await.is_ok());
}

#[tokio::test]
async fn an_answer_without_measure_is_cut_off() {
    let set = load(misbehaving()).unwrap();
    assert_eq!(broken(&*ready(&set, "answers_too_much", json!({}))).await, "its reply has more than 256 KiB");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn log_lines_arrive_under_the_plugins_name_and_can_forge_nothing() {
    let set = load(misbehaving()).unwrap();
    let (floods, panics) =
        (ready(&set, "floods_the_log", json!({})), ready(&set, "panics_in_issue", json!({})));
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).without_time().finish();
    let guard = tracing::subscriber::set_default(subscriber);
    issue(&*floods).await.unwrap();
    let _ = issue(&*panics).await;
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 65, "{text}");
    assert_eq!(lines[0], r#" INFO plugin: line 0\u{a}\u{1b}[31mforged plugin="misbehaving""#);
    assert_eq!(lines[64], r#" WARN plugin: about to panic plugin="misbehaving""#);
}
