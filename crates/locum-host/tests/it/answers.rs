//! Answers of a plugin that says whatever it is heard to say: which pass, and which break the contract.

use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::{Credential, FailureCode, RevokeAnswer};
use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::{PluginSet, UpstreamError};
use serde_json::{Value, json};

use crate::harness::{
    NOW, ScriptedUpstreams, broken, call_context, issue, load, load_with, options, parrot, ready, reply,
};

/// An issuer of texts or JWTs that answers this, whatever it is asked.
fn saying(api_type: &str, answer: &Value) -> (PluginSet, Arc<dyn Issuer>) {
    let set = load(parrot()).unwrap();
    let issuer = ready(&set, api_type, json!({"answers": [answer.to_string()]}));
    (set, issuer)
}

fn text() -> Value {
    json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": NOW, "expires_at": NOW + 60})
}

fn with(pointer: &str, value: Value) -> Value {
    let mut answer = text();
    *answer.pointer_mut(pointer).unwrap() = value;
    answer
}

#[tokio::test]
async fn a_text_within_its_grant_passes() {
    let (_set, issuer) = saying("parrot_text", &text());
    let issued = issue(&*issuer).await.unwrap();
    assert_eq!((issued.credential, issued.expires_at), (Credential::Text("t".to_owned()), Some(NOW + 60)));
}

#[tokio::test]
async fn members_that_the_host_does_not_know_are_skipped() {
    let mut answer = text();
    answer["of_the_future"] = json!({"deep": [1]});
    assert!(issue(&*saying("parrot_text", &answer).1).await.is_ok());
}

#[tokio::test]
async fn one_field_that_breaks_a_promise_is_refused() {
    for (pointer, value, how) in [
        ("/expires_at", json!(NOW + 61), "the credential outlives its grant"),
        ("/expires_at", json!(NOW), "the credential has ended already"),
        ("/issued_at", json!(NOW + 1), "the credential's life starts at another time than now"),
        (
            "/credential",
            json!({"jwt": "a.b.c"}),
            "the credential has not the form that the manifest promises",
        ),
        (
            "/credential",
            json!({"object": {"a": 1}}),
            "the credential has not the form that the manifest promises",
        ),
        ("/credential/text", json!(""), "the credential is empty"),
        ("/credential/text", json!("x".repeat(65 << 10)), "the credential is larger than 64 KiB"),
        ("/credential/text", json!("x".repeat(257 << 10)), "its reply has more than 256 KiB"),
        ("/credential/text", json!(7), "its reply is not one: Data error"),
        ("/kind", json!("tomorrow"), "it answers with a kind that this host does not know"),
    ] {
        let heard = broken(&*saying("parrot_text", &with(pointer, value)).1).await;
        assert!(heard.starts_with(how), "{pointer}: {heard}");
    }
}

#[tokio::test]
async fn a_token_that_states_another_end_is_refused() {
    // {"alg":"HS256"} and {"exp":1900000060}, then {"exp":1900000061}
    for (payload, passes) in [("eyJleHAiOjE5MDAwMDAwNjB9", true), ("eyJleHAiOjE5MDAwMDAwNjF9", false)] {
        let answer = with("/credential", json!({"jwt": format!("eyJhbGciOiJIUzI1NiJ9.{payload}.c2ln")}));
        assert_eq!(issue(&*saying("parrot_jwt", &answer).1).await.is_ok(), passes);
    }
}

#[tokio::test]
async fn garbage_is_no_answer() {
    let set = load(parrot()).unwrap();
    for answer in ["", "null", "{", "\u{0}", "[[[["] {
        let issuer = ready(&set, "parrot_text", json!({"answers": [answer]}));
        assert!(broken(&*issuer).await.starts_with("its reply is not one"), "{answer}");
    }
}

#[tokio::test]
async fn a_failure_comes_back_with_its_code() {
    let set = load(parrot()).unwrap();
    let failure = json!({"code": "upstream_refused", "message": "no", "upstream_code": "AccessDenied", "retryable": true});
    match issue(&*ready(&set, "parrot_jwt", json!({"failure": failure.to_string()}))).await {
        Err(IssuerFailure::Failed(failure)) => {
            assert_eq!(failure.code, FailureCode::UpstreamRefused);
            assert_eq!((failure.upstream_code.as_deref(), failure.retryable), (Some("AccessDenied"), true));
        }
        other => panic!("{other:?}"),
    }
    assert!(
        broken(&*ready(&set, "parrot_jwt", json!({"failure": "no"})))
            .await
            .starts_with("its failure is not one")
    );
}

fn call_to(url: &str) -> String {
    json!({"kind": "call", "request": {"method": "POST", "url": url, "body": "question"}}).to_string()
}

#[tokio::test]
async fn an_upstreams_reply_stands_in_the_next_input() {
    let jwt = r#"{"kind":"issued","credential":{"text":{input}},"issued_at":1900000000}"#;
    let script = ScriptedUpstreams::of([Ok(reply(503, "first")), Ok(reply(200, "second"))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let call = call_to("https://login.example.com/token");
    let issuer = ready(&set, "parrot_jwt", json!({"answers": [call, call, jwt]}));
    // It may issue JWTs only, so its text is refused: but both calls were made before.
    assert!(broken(&*issuer).await.contains("form"));
    let requests = script.requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (requests[0].url().as_str(), requests[0].body()),
        ("https://login.example.com/token", "question")
    );
}

#[tokio::test]
async fn replies_are_handed_over_in_order_when_revoking() {
    let script = ScriptedUpstreams::of([Ok(reply(200, "gone"))]);
    let set = load_with(parrot(), options(script, Duration::from_secs(10))).unwrap();
    let answers = json!([call_to("https://login.example.com/revoke"), r#"{"kind":"already_gone"}"#]);
    let issuer = ready(&set, "parrot_jwt", json!({"answers": answers}));
    assert_eq!(issuer.revoke("token", call_context()).await.unwrap(), RevokeAnswer::AlreadyGone);
}

#[tokio::test]
async fn four_calls_are_made_and_a_fifth_is_not() {
    let script = ScriptedUpstreams::of((0..5).map(|_| Ok(reply(200, ""))));
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let issuer = ready(&set, "parrot_jwt", json!({"answers": [call_to("https://login.example.com/")]}));
    assert_eq!(broken(&*issuer).await, "it asks for more than 4 upstream calls");
    assert_eq!(script.requests.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn an_undeclared_host_is_not_called() {
    let script = ScriptedUpstreams::of([Ok(reply(200, ""))]);
    let set = load_with(parrot(), options(script.clone(), Duration::from_secs(10))).unwrap();
    let issuer = ready(
        &set,
        "parrot_jwt",
        json!({"answers": [call_to("https://evil.example/login.example.com?t=secret")]}),
    );
    assert_eq!(broken(&*issuer).await, "it called https://evil.example, which its manifest does not declare");
    assert!(script.requests.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_fails_fails_the_request() {
    let script = ScriptedUpstreams::of([
        Err(UpstreamError::Unreachable("refused".to_owned())),
        Err(UpstreamError::TimedOut),
    ]);
    let set = load_with(parrot(), options(script, Duration::from_secs(10))).unwrap();
    let issuer = ready(&set, "parrot_jwt", json!({"answers": [call_to("https://login.example.com/")]}));
    assert!(
        matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamUnreachable(why)) if why == "refused")
    );
    assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamTimedOut(0))));
    // The script is over: this upstream never answers, and the host does not wait for ever.
    assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::UpstreamTimedOut(10_000))));
}
