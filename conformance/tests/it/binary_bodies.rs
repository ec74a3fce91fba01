//! Exchanges whose bodies are not texts. The plugin `parrot` declares such bodies for one of its issuers.

use std::fs;

use locum_conformance::{Options, Report, run};
use serde_json::{Value, json};

use crate::shipped::options;

const URL: &str = "https://upstream.example.com/";

/// 2030-01-08T18:45:14Z, when every case starts.
const NOW: i64 = 1_894_128_314;

/// A report for a parrot that sends the bytes `00 ff` and is answered `ff 00`.
fn report_of(api_type: &str, case: Value) -> Report {
    let mut request = json!({ "method": "POST", "url": URL, "body": "question" });
    if api_type == "parrot_calls" {
        request["body"] = "AP8=".into();
        request["body_encoding"] = "base64".into();
    }
    let call = json!({ "kind": "call", "request": request });
    let issued =
        json!({ "kind": "issued", "credential": { "text": "t" }, "issued_at": NOW, "expires_at": NOW + 60 });
    let settings = json!({ "upstream": URL, "answers": [call.to_string(), issued.to_string()] });
    let exchange = json!([{ "outcome": { "binary-reply": { "status": 200, "body_base64": "/wA=" } } }]);
    let mut issuers = json!({ "parrot_calls": {}, "parrot_jwt": {}, "parrot_text": {}, "parrot_signs": {} });
    issuers[api_type] = json!({ "settings": settings, "upstream": exchange, "revocation": exchange });
    let spec = json!({ "plugin": "parrot", "cases": 2, "issuers": issuers });
    let mut whole =
        json!({ "description": "Bytes are exchanged.", "profile": "errors", "api_type": api_type });
    whole["steps"] = json!([case]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), spec.to_string()).unwrap();
    fs::write(folder.path().join("bytes-are-exchanged.yaml"), whole.to_string()).unwrap();
    // Each accepted case has a refused one that differs from it.
    let refused = json!({
        "description": "A token without an audience is refused.", "profile": "errors", "api_type": api_type,
        "neighbour_of": (api_type == "parrot_calls").then_some("bytes-are-exchanged"),
        "steps": [{ "request": { "id_token": { "claims": { "aud": null } } }, "expect": { "status": 400 } }],
    });
    fs::write(folder.path().join("a-token-without-an-audience-is-refused.yaml"), refused.to_string())
        .unwrap();
    let fixtures = vec![folder.path().to_owned()];
    let only = vec!["bytes-are-exchanged".to_owned()];
    run(&Options { fixtures, only, ..options("locum-test-parrot") }).unwrap_or_else(|error| panic!("{error}"))
}

fn expecting_request(body_base64: &str) -> Value {
    json!({
        "upstream": [{ "from": "plugin", "request": { "body_base64": body_base64 } }],
        "expect": { "status": 200 },
    })
}

#[test]
fn bytes_are_sent_as_stated_and_the_reply_is_given_to_an_issuer_that_takes_bytes() {
    let report = report_of("parrot_calls", expecting_request("AP8="));
    assert_eq!((report.counts.passed, report.counts.failed), (1, 0), "{:?}", report.failures);
}

#[test]
fn other_bytes_are_a_difference() {
    let report = report_of("parrot_calls", expecting_request("AP4="));
    let [difference] = report.failures[0].differences.as_slice() else { panic!("{:?}", report.failures) };
    assert!(difference.what.contains("bytes of the body"), "{difference:?}");
    assert_eq!((difference.expected.as_str(), difference.got.as_str()), ("AP4=", "AP8="));
}

#[test]
fn a_reply_of_bytes_is_not_given_to_an_issuer_that_takes_texts() {
    let report =
        report_of("parrot_jwt", json!({ "upstream": [{ "from": "plugin" }], "expect": { "status": 502 } }));
    assert_eq!((report.counts.passed, report.counts.failed), (1, 0), "{:?}", report.failures);
}
