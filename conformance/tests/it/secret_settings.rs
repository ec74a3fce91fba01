//! Settings that hold secrets must be marked as such in the schema. The plugin `parrot` has texts that are not.

use std::fs;

use locum_conformance::report::{to_table, to_yaml};
use locum_conformance::{Options, run};
use serde_json::{Value, json};

use crate::shipped::options;

const SECRET: &str = "hunter2-of-the-fixtures";

/// What is found with these settings and this upstream request of the api_type `parrot_signs`, and with a case that names a
/// text that nobody may see.
fn found(settings: Value, request: Value, never_seen: &str) -> Vec<String> {
    let exchange = json!({ "request": request, "outcome": { "refused": "no" } });
    let spec = json!({ "plugin": "parrot", "cases": 1, "issuers": {
        "parrot_jwt": {}, "parrot_calls": {}, "parrot_text": {},
        "parrot_signs": { "settings": settings, "upstream": [exchange], "revocation": [exchange] },
    } });
    let expect = json!({ "status": 400, "never_seen": [never_seen] });
    let case =
        json!({ "description": "It is refused.", "profile": "errors", "steps": [{ "expect": expect }] });
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), spec.to_string()).unwrap();
    fs::write(folder.path().join("it-is-refused.yaml"), case.to_string()).unwrap();
    let fixtures = vec![folder.path().to_owned()];
    let only = vec!["a-secret-setting-is-write-only".to_owned()];
    let report = run(&Options { fixtures, only, ..options("locum-test-parrot") });
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert!(!to_yaml(&report).contains("hunter2"), "{}", to_table(&report));
    assert_eq!(report.counts.passed + report.counts.failed, 4);
    let differences = report.failures.into_iter().flat_map(|failure| failure.differences);
    differences.map(|found| format!("{}: {}", found.what, found.expected)).collect()
}

#[test]
fn settings_without_secrets_and_marked_secrets_pass() {
    let pem = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----";
    assert_eq!(
        found(json!({ "consumer": "someone", "private_key": pem }), json!({}), "another text"),
        [""; 0]
    );
}

#[test]
fn an_unmarked_private_key_is_found() {
    let pem = "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----";
    let found = found(json!({ "consumer": pem }), json!({}), "another text");
    assert_eq!(
        found,
        [
            "setting /consumer: `writeOnly: true` in the settings schema, because it holds a private key; give its field the type `Secret`, or `PrivateKey` if the host signs with it"
        ]
    );
}

#[test]
fn what_the_fixtures_take_for_a_secret_is_found() {
    let settings = || json!({ "consumer": "someone", "principal": SECRET });
    for request in [
        json!({ "headers": { "authorization": format!("Bearer {SECRET}") } }),
        json!({ "headers": { "Authorization": format!("Basic ${{base64 someone:{SECRET}}}") } }),
        json!({ "headers": { "X-Api-Key": SECRET } }),
        json!({ "form": { "client_id": "someone", "client_secret": SECRET } }),
    ] {
        let found = found(settings(), request, "another text");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("setting /principal: ") && found[0].contains("authenticates with it"),
            "{found:?}"
        );
    }
    let found = found(settings(), json!({}), SECRET);
    assert!(found.len() == 1 && found[0].contains("`never_seen` of a case"), "{found:?}");
}
