//! A plugin.yaml that lacks something is one message, before any case runs.

use std::fs;

use locum_conformance::{Options, run};

use crate::shipped::options;

/// All that `salesforce_api` needs, once for each of its api_types.
const COMPLETE: &str = r#"
plugin: salesforce_api
cases: 0
issuers:
  salesforce_api: &issuer
    settings: { clientid: 3MVG9.consumer-key }
    upstream: [{ outcome: { reply: { status: 200, body: '{"access_token":"t","instance_url":"https://acme.my.salesforce.com"}' } } }]
    revocation: [{ outcome: { reply: { status: 200 } } }]
    credential: { object: { token: /access_token } }
    profile: { email: alice@example.com, email_verified: true }
  salesforce_sandbox_api: *issuer
"#;

/// The error of a run with this plugin spec and no cases of the plugin, or the counts of its report.
fn error_with(spec: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), spec).unwrap();
    let fixtures = vec![folder.path().to_owned()];
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { fixtures, only, ..options("locum-plugin-salesforce-api") });
    report.map_or_else(|error| error.to_string(), |report| format!("{:?}", report.counts))
}

/// The complete spec without the line that begins so.
fn without(start: &str) -> String {
    let kept: Vec<&str> = COMPLETE.lines().filter(|line| !line.trim_start().starts_with(start)).collect();
    assert_eq!(kept.len() + 1, COMPLETE.lines().count());
    kept.join("\n")
}

#[test]
fn a_missing_setting_is_named_with_its_meaning() {
    let error = error_with(&without("settings:"));
    let expected = "plugin.yaml of the plugin `salesforce_api` lacks, under `issuers: salesforce_api:`\n  the setting `clientid` (";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.ends_with("write `settings: { clientid: … }`"), "{error}");
}

#[test]
fn missing_exchanges_are_named_with_how_to_write_them() {
    let error = error_with(&without("upstream:"));
    let request = "write `upstream: [{ request: { method: POST, url: \"https://login.salesforce.com/services/oauth2/token\" }, ";
    assert!(error.contains(request), "{error}");
    let error = error_with(&without("revocation:"));
    assert!(error.contains("the requests by which a token is revoked"), "{error}");
}

#[test]
fn a_complete_spec_is_run() {
    let counts = error_with(COMPLETE);
    assert!(counts.contains("passed: 2"), "{counts}");
}
