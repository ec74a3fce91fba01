//! A plugin built with the SDK that panics, floods the log or answers too much: only its own request fails.

use locum_abi::answer::{Credential, FailureCode};
use locum_engine::ports::IssuerFailure;
use serde_json::json;

use crate::harness::{configured, contract_breach, issue, load, misbehaving, refused, take_log};

#[tokio::test]
async fn a_panic_fails_only_its_request() {
    let set = load(misbehaving()).unwrap();
    let issuer = configured(&set, "panics_in_issue", json!({}));
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
fn a_panic_during_configuration_is_a_refusal() {
    let failure = refused(&load(misbehaving()).unwrap(), "panics_in_configure", json!({}));
    assert_eq!(failure.code, FailureCode::Panicked);
}

#[tokio::test]
async fn a_panic_during_drop_is_ignored() {
    let set = load(misbehaving()).unwrap();
    let issuer = configured(&set, "panics_in_drop", json!({}));
    assert_eq!(issue(&*issuer).await.unwrap().credential, Credential::Text("fine".to_owned()));
    drop(issuer);
    let again = configured(&set, "panics_in_drop", json!({}));
    assert!(issue(&*again).await.is_ok());
}

#[tokio::test]
async fn an_oversized_answer_is_refused() {
    let set = load(misbehaving()).unwrap();
    assert_eq!(
        contract_breach(&*configured(&set, "answers_too_much", json!({}))).await,
        "its reply is larger than 256 KiB"
    );
}

#[tokio::test]
async fn log_lines_carry_the_plugins_name_and_cannot_forge_others() {
    let set = load(misbehaving()).unwrap();
    let (floods, panics) =
        (configured(&set, "floods_the_log", json!({})), configured(&set, "panics_in_issue", json!({})));
    let _ = take_log();
    issue(&*floods).await.unwrap();
    let _ = issue(&*panics).await;
    let text = take_log();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 65, "{text}");
    assert_eq!(lines[0], r#" INFO plugin: line 0\u{a}\u{1b}[31mforged plugin="misbehaving""#);
    assert_eq!(lines[64], r#" WARN plugin: about to panic plugin="misbehaving""#);
}
