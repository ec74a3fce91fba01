//! What `issued` in plugin.yaml states is compared in core cases, with the settings of that file.

use std::fs;

use locum_conformance::{Options, Report, SetupError, run};
use serde_json::{Map, Value, json};

use crate::shipped::options;

/// A core case that gets a credential.
const CASE: &str = "a-valid-request-gets-the-declared-credential";

fn run_with(issued: &str, settings: Option<Map<String, Value>>) -> Result<Report, SetupError> {
    let folder = tempfile::tempdir().unwrap();
    let spec = format!(
        "plugin: wams
cases: 0
issuers:
  wams:
    settings: {{ masterkey: masterkey123 }}
    credential: {{ jwt: {{ verifies_with: {{ secret-bytes: S3jzTmNkC0B2kf3eEDCbjmcI3j56LR9GeMAuG1b8KA4 }} }} }}
    issued: {issued}
"
    );
    fs::write(folder.path().join("plugin.yaml"), spec).unwrap();
    let fixtures = vec![folder.path().to_owned()];
    run(&Options { fixtures, settings, only: vec![CASE.to_owned()], ..options("locum-plugin-wams") })
}

#[test]
fn a_credential_that_holds_what_is_stated_passes() {
    let report = run_with(r#"{ claims: { ver: 2, uid: "Custom:${subject}" } }"#, None).unwrap();
    assert_eq!((report.counts.passed, report.counts.failed), (1, 0));
}

#[test]
fn a_credential_that_holds_something_else_fails() {
    for issued in ["{ claims: { ver: 3 } }", "{ only_claims: [uid] }", "{ header: { alg: HS256 } }"] {
        let report = run_with(issued, None).unwrap();
        assert_eq!(report.counts.failed, 1, "{issued}");
    }
}

#[test]
fn with_other_settings_nothing_is_compared() {
    let settings = json!({ "masterkey": "masterkey123", "ver": 1 });
    let report = run_with("{ claims: { ver: 3 } }", settings.as_object().cloned()).unwrap();
    assert_eq!(report.counts.failed, 0);
}

#[test]
fn a_key_or_an_earlier_step_cannot_be_stated() {
    for issued in ["{ same_as_step: 1 }", "{ differs_from_step: 1 }", "{ verifies_with: tenant-key }"] {
        let error = run_with(issued, None).unwrap_err().to_string();
        assert!(error.contains("names neither a key nor an earlier step"), "{error}");
    }
}
