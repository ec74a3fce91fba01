//! A plugin.yaml that lacks something is one message, before any case runs.

use std::fs;

use locum_conformance::{Options, run};

use crate::plugin_files::workspace;
use crate::shipped::options;

/// The error of a run with a changed plugin spec of `salesforce_api`, and no cases of its own.
fn error_with(change: impl Fn(String) -> String) -> String {
    let spec = fs::read_to_string(workspace().join("fixtures/salesforce_api/plugin.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), change(spec.replace("cases: 177", "cases: 0"))).unwrap();
    let fixtures = vec![folder.path().to_owned()];
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { fixtures, only, ..options("locum-plugin-salesforce-api") });
    report.map_or_else(|error| error.to_string(), |report| format!("{:?}", report.counts))
}

/// The text without the lines from one to the next of the two, which is kept.
fn without(text: &str, from: &str, to: &str) -> String {
    let (start, end) = (text.find(from).unwrap(), text.find(to).unwrap());
    format!("{}{}", &text[..start], &text[end..])
}

#[test]
fn a_missing_setting_is_named_with_its_meaning() {
    let error = error_with(|spec| spec.replace("clientid: 3MVG9.consumer-key", "{}"));
    let expected = "plugin.yaml of the plugin `salesforce_api` lacks, under `issuers: salesforce_api:`\n  the setting `clientid` (";
    assert!(error.starts_with(expected), "{error}");
    assert!(error.ends_with("write `settings: { clientid: … }`"), "{error}");
}

#[test]
fn missing_exchanges_are_named_with_how_to_write_them() {
    let error = error_with(|spec| without(&spec, "    upstream:", "    revocation:"));
    let request =
        "write `upstream: [{ method: POST, url: \"https://login.salesforce.com/services/oauth2/token\", ";
    assert!(error.contains(request), "{error}");
    let error = error_with(|spec| without(&spec, "    revocation:", "    credential:"));
    assert!(error.contains("the requests by which a token is revoked"), "{error}");
}

#[test]
fn a_complete_spec_is_run() {
    assert!(error_with(|spec| spec).contains("passed: 2"));
}
