//! The observer: told of every call of a plugin and of an upstream, with its outcome.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use locum_host::{
    CallObserver, CallObservers, CallOutcome, Isolation, Operation, PluginSet, UpstreamError,
    UpstreamOutcome, UpstreamReply,
};
use serde_json::{Value, json};

use crate::harness::{
    NOW, ScriptedUpstreams, call_context, configured, issue, load_in_runner, load_with, options, parrot,
    presented, reply,
};

const URL: &str = "http://10.0.0.7:8080/path";

/// Writes down what it is told. Its clock advances by a microsecond at each reading.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>, AtomicU64);

/// Gives one recorder for every issuer, and writes down for which.
#[derive(Default)]
struct Recorders(Arc<Recorder>);

impl Recorder {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl CallObservers for Recorders {
    fn of_issuer(&self, plugin: &str, isolation: Isolation, api_type: &str) -> Arc<dyn CallObserver> {
        self.0.note(format!("{plugin} {isolation} {api_type}"));
        Arc::clone(&self.0) as _
    }
}

impl CallObserver for Recorder {
    fn now_nanos(&self) -> u64 {
        self.1.fetch_add(1000, Ordering::Relaxed)
    }

    fn plugin_called(&self, operation: Operation, outcome: CallOutcome, nanos: u64) {
        // One reading before and one after.
        assert_eq!(nanos, 1000);
        self.note(format!("{} {}", operation.as_str(), outcome.as_str()));
    }

    fn upstream_called(&self, origin: &str, outcome: UpstreamOutcome, nanos: u64) {
        assert_eq!(nanos, 1000);
        self.note(format!("{origin} {}", outcome.as_str()));
    }
}

/// A set with the parrot, the upstream's replies, and the recorder.
fn recorded(replies: Vec<Result<UpstreamReply, UpstreamError>>) -> (PluginSet, Arc<Recorder>) {
    let recorders = Recorders::default();
    let recorder = Arc::clone(&recorders.0);
    let mut options = options(ScriptedUpstreams::of(replies), Duration::from_secs(60));
    options.observers = Some(Arc::new(recorders));
    (load_with(parrot(), options).unwrap(), recorder)
}

fn lines(recorder: &Recorder) -> Vec<String> {
    std::mem::take(&mut *recorder.0.lock().unwrap())
}

fn settings(answers: &[Value]) -> Value {
    let answers: Vec<String> = answers.iter().map(Value::to_string).collect();
    json!({"upstream": URL, "answers": answers})
}

fn issued() -> Value {
    json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": NOW, "expires_at": NOW + 60})
}

fn asks_upstream() -> Value {
    json!({"kind": "call", "request": {"method": "GET", "url": URL, "body": "", "headers": []}})
}

#[tokio::test]
async fn each_call_is_told_with_its_outcome() {
    let (set, recorder) = recorded(vec![]);
    let issuer = configured(&set, "parrot_jwt", settings(&[issued()]));
    assert_eq!(lines(&recorder), ["parrot in_process parrot_jwt"]);
    issue(&*issuer).await.unwrap();
    assert_eq!(lines(&recorder), ["issue answered"]);
    let issuer = configured(&set, "parrot_jwt", settings(&[json!({"kind": "already_gone"})]));
    issuer.revoke(presented("token"), call_context()).await.unwrap();
    assert_eq!(lines(&recorder)[1..], ["revoke answered"]);
    let broken = configured(&set, "parrot_jwt", settings(&[json!({"kind": "tomorrow"})]));
    issue(&*broken).await.unwrap_err();
    assert_eq!(lines(&recorder)[1..], ["issue contract_broken"]);
}

#[tokio::test]
async fn each_upstream_call_is_told_with_the_origin_of_the_settings() {
    for (sent, outcome) in [
        (Ok(reply(204, "")), "success"),
        (Ok(reply(429, "")), "client_error"),
        (Ok(reply(503, "")), "server_error"),
        (Err(UpstreamError::Unreachable("x".to_owned())), "unreachable"),
        (Err(UpstreamError::TimedOut), "timed_out"),
    ] {
        let answered = sent.is_ok();
        let (set, recorder) = recorded(vec![sent]);
        let issuer = configured(&set, "parrot_jwt", settings(&[asks_upstream(), issued()]));
        assert_eq!(issue(&*issuer).await.is_ok(), answered);
        let mut expected = vec!["issue answered".to_owned(), format!("http://10.0.0.7:8080 {outcome}")];
        expected.extend(answered.then(|| "issue answered".to_owned()));
        assert_eq!(lines(&recorder)[1..], expected);
    }
}

#[tokio::test]
async fn a_plugin_in_its_own_process_is_observed_as_well() {
    let recorders = Recorders::default();
    let recorder = Arc::clone(&recorders.0);
    let mut options = options(ScriptedUpstreams::of([]), Duration::from_secs(60));
    options.observers = Some(Arc::new(recorders));
    let set = load_in_runner(parrot(), options).unwrap();
    let issuer = configured(&set, "parrot_jwt", settings(&[issued()]));
    issue(&*issuer).await.unwrap();
    assert_eq!(lines(&recorder), ["parrot runner parrot_jwt", "issue answered"]);
}
