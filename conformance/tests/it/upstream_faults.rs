//! A fault hits every exchange of a plugin, not only the first one. The plugin `parrot` ignores all replies.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_conformance::{Options, Report, run};
use serde_json::{Value, json};

use crate::shipped::options;

/// 2030-01-08T18:45:14Z, when every case starts.
const NOW: i64 = 1_894_128_314;

/// A report for a parrot that makes two calls and then issues a token, whatever it is answered.
fn report_of(second_body: &str, fault: Value) -> Report {
    let call = json!({ "kind": "call", "request": { "method": "GET", "url": "https://login.example.com/" } });
    let parts = [json!({ "alg": "HS256" }), json!({ "iat": NOW, "exp": NOW + 60 })];
    let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let credential = json!({ "jwt": format!("{header}.{claims}.c2ln") });
    let issued =
        json!({ "kind": "issued", "credential": credential, "issued_at": NOW, "expires_at": NOW + 60 });
    let answers = [&call, &call, &issued].map(ToString::to_string);
    let exchange = |body: &str| json!({ "outcome": { "reply": { "status": 200, "body": body } } });
    let spec = json!({ "plugin": "parrot", "cases": 1, "issuers": {
        "parrot_calls": {}, "parrot_text": {}, "parrot_signs": {},
        "parrot_jwt": { "settings": { "answers": answers }, "upstream": [exchange(""), exchange(second_body)], "revocation": [exchange("")] },
    } });
    let case = json!({
        "description": "A fault is reported.",
        "profile": "upstream-faults",
        "api_type": "parrot_jwt",
        "steps": [{ "upstream_fault": fault, "expect": { "status": 502 } }],
    });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), spec.to_string()).unwrap();
    fs::write(folder.path().join("a-fault-is-reported.yaml"), case.to_string()).unwrap();
    let fixtures = vec![folder.path().to_owned()];
    let only = vec!["a-fault-is-reported".to_owned()];
    run(&Options { fixtures, only, ..options("locum-test-parrot") }).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_fault_that_the_host_reports_is_reported_at_every_exchange() {
    let report = report_of("", json!({ "outcome": { "refused": "no" } }));
    assert_eq!((report.counts.passed, report.counts.failed), (1, 0));
}

#[test]
fn a_plugin_that_ignores_the_body_of_its_second_exchange_fails() {
    let report = report_of("{}", json!({ "body": "cut" }));
    let differences = &report.failures[0].differences;
    let named: Vec<String> =
        differences.iter().map(|difference| format!("{}: {}", difference.what, difference.got)).collect();
    assert!(named.contains(&"status: 200".to_owned()), "{named:?}");
    assert!(named.contains(&"upstream fault: of exchange 2".to_owned()), "{named:?}");
}

#[test]
fn a_fault_that_no_exchange_can_have_is_listed_as_not_run() {
    let report = report_of("", json!({ "body": "cut" }));
    assert_eq!((report.counts.passed, report.counts.failed, report.counts.not_run), (0, 0, 1));
}
