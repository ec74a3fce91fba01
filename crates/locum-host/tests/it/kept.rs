//! Values that an issuer has the host keep between requests.

use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::Credential;
use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::PluginSet;
use serde_json::{Value, json};

use crate::harness::{
    NOW, ScriptedUpstreams, configured, contract_breach, issue, load_in_runner, load_with, options, parrot,
    reply, take_log,
};

const UPSTREAM: &str = "https://gate.example.com/";

/// An issuer that sends its whole input to an upstream, has a value kept in the same answer, and then issues a text. Replies
/// of 500 make it fail and forget the value. With the statuses of the upstream, and whether it runs in a process of its own.
fn keeping(statuses: &[u16], in_runner: bool) -> (PluginSet, Arc<dyn Issuer>, Arc<ScriptedUpstreams>) {
    let script = ScriptedUpstreams::of(statuses.iter().map(|status| Ok(reply(*status, ""))));
    let options = options(script.clone(), Duration::from_secs(10));
    let set =
        if in_runner { load_in_runner(parrot(), options) } else { load_with(parrot(), options) }.unwrap();
    let call = format!(
        r#"{{"kind":"call","request":{{"method":"POST","url":"{UPSTREAM}","body":{{input}}}},
            "keep":[{{"key":"token","value":"app-token-of-all","expires_at":{}}}]}}"#,
        NOW + 60
    );
    let issued = json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": NOW});
    let failure = json!({"code": "upstream_nonsense", "message": "500", "forget": ["token"]});
    let settings = json!({
        "answers": [call, issued.to_string()], "failure_of_500": failure.to_string(), "upstream": UPSTREAM,
    });
    let issuer = configured(&set, "parrot_calls", settings);
    (set, issuer, script)
}

/// What the issuer was given of the kept values, request by request.
fn given(script: &ScriptedUpstreams) -> Vec<Value> {
    let requests = script.requests.lock().unwrap();
    let input = |body: &str| serde_json::from_str::<Value>(body).unwrap()["kept"].clone();
    requests.iter().map(|request| input(request.body())).collect()
}

#[tokio::test]
async fn a_value_is_given_to_later_requests_until_it_is_forgotten() {
    for in_runner in [false, true] {
        let (_set, issuer, script) = keeping(&[200, 500, 200, 200], in_runner);
        assert!(issue(&*issuer).await.is_ok());
        assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::Failed(_))));
        assert!(issue(&*issuer).await.is_ok() && issue(&*issuer).await.is_ok());
        let kept = json!({"token": "app-token-of-all"});
        assert_eq!(given(&script), [Value::Null, kept.clone(), Value::Null, kept], "runner: {in_runner}");
    }
}

#[tokio::test]
async fn another_issuer_of_the_same_plugin_is_given_nothing() {
    let (set, issuer, script) = keeping(&[200, 200], false);
    issue(&*issuer).await.unwrap();
    let call = json!({"kind": "call", "request": {"method": "POST", "url": UPSTREAM, "body": "{input}"}});
    let answers = json!([call.to_string().replace("\"{input}\"", "{input}"), "{}"]);
    let other = configured(&set, "parrot_calls", json!({"answers": answers, "upstream": UPSTREAM}));
    let _ = issue(&*other).await;
    assert_eq!(given(&script), [Value::Null, Value::Null]);
}

#[tokio::test]
async fn all_steps_of_a_request_are_given_the_same() {
    let set =
        load_with(parrot(), options(ScriptedUpstreams::of([Ok(reply(200, ""))]), Duration::from_secs(10)));
    let call = json!({
        "kind": "call", "request": {"method": "POST", "url": UPSTREAM},
        "keep": [{"key": "token", "value": "app-token-of-all", "expires_at": NOW + 60}],
    });
    let echo = r#"{"kind":"issued","credential":{"text":{input}},"issued_at":1900000000}"#;
    let settings = json!({"answers": [call.to_string(), echo], "upstream": UPSTREAM});
    let issuer = configured(set.as_ref().unwrap(), "parrot_calls", settings);
    let Credential::Text(input) = issue(&*issuer).await.unwrap().credential else { panic!("no text") };
    assert_eq!(serde_json::from_str::<Value>(&input).unwrap()["kept"], Value::Null);
    // The first step of the next request has it; the credential that shows it is refused.
    assert_eq!(
        contract_breach(&*with_reply(&set.unwrap())).await,
        "the credential contains the kept value `token`"
    );
}

/// An issuer that keeps a value and shows it at once.
fn with_reply(set: &PluginSet) -> Arc<dyn Issuer> {
    let answer = json!({
        "kind": "issued", "credential": {"text": "of app-token-of-all"}, "issued_at": NOW,
        "keep": [{"key": "token", "value": "app-token-of-all", "expires_at": NOW + 60}],
    });
    configured(set, "parrot_calls", json!({"answers": [answer.to_string()]}))
}

#[tokio::test]
async fn a_kept_value_is_masked_in_log_lines() {
    let set = load_with(parrot(), options(ScriptedUpstreams::of([]), Duration::from_secs(10))).unwrap();
    let answer = json!({
        "kind": "issued", "credential": {"text": "t"}, "issued_at": NOW,
        "keep": [{"key": "token", "value": "app-token-of-all", "expires_at": NOW + 60}],
        "logs": [{"level": "info", "message": "got app-token-of-all"}],
    });
    let issuer = configured(&set, "parrot_calls", json!({"answers": [answer.to_string()]}));
    take_log();
    issue(&*issuer).await.unwrap();
    let log = take_log();
    assert!(log.contains("got [secret]") && !log.contains("app-token"), "{log}");
}

#[tokio::test]
async fn only_an_issuer_that_declares_it_keeps_values_within_the_limits() {
    let set = load_with(parrot(), options(ScriptedUpstreams::of([]), Duration::from_secs(10))).unwrap();
    let keep = |api_type: &str, key: &str| {
        let answer = json!({
            "kind": "issued", "credential": {"text": "t"}, "issued_at": NOW,
            "keep": [{"key": key, "value": "v", "expires_at": NOW + 60}],
        });
        configured(&set, api_type, json!({"answers": [answer.to_string()]}))
    };
    assert!(issue(&*keep("parrot_calls", "k")).await.is_ok());
    assert!(contract_breach(&*keep("parrot_calls", "")).await.starts_with("it keeps a value whose key"));
    let undeclared = contract_breach(&*keep("parrot_text", "k")).await;
    assert_eq!(undeclared, "it keeps values between requests, which its manifest does not declare");
}
