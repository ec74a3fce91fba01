//! Runs that must not count as a pass, and what a run says before it starts.

use std::fs;
use std::path::Path;

use locum_conformance::{Options, SetupError, run};
use serde_json::json;

use crate::shipped::options;

fn said(options: &Options) -> String {
    run(options).map_or_else(|error| error.to_string(), |report| report.table())
}

#[test]
fn a_run_of_no_cases_fails() {
    // The case is there, but only for issuers that can be revoked.
    let only = vec!["a-revocable-credential-is-revoked".to_owned()];
    let report = run(&Options { only, ..options("locum-issuer-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.failed, report.counts.unsupported), (0, 0, 1));
    assert_ne!(report.exit_code(), 0);
}

#[test]
fn a_case_that_there_is_not_is_named() {
    let only = vec!["a-case-that-there-is-not".to_owned()];
    let said = said(&Options { only, ..options("locum-issuer-app") });
    assert_eq!(said, "no case has the id `a-case-that-there-is-not`");
}

#[test]
fn a_plugin_without_a_sheet_needs_settings() {
    let options = options("locum-test-parrot");
    assert!(matches!(run(&options), Err(SetupError::NoSheet(name)) if name == "parrot"));
    let settings = json!({
        "answers": [r#"{"kind":"issued","credential":{"text":"polly"},"issued_at":1894128314,"expires_at":1894128374}"#]
    });
    let settings = settings.as_object().cloned();
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { settings, only, ..options }).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", report.table());
}

#[test]
fn a_file_that_is_no_plugin_is_refused_by_name() {
    let subject =
        locum_conformance::Subject::Plugin(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let said = said(&Options { subject, ..options("locum-issuer-app") });
    assert!(said.contains("not-a-shared-object"), "{said}");
}

#[test]
fn a_typo_in_a_fixture_is_said_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), "plugin: app\ncases: 1\nissuers: {}\n").unwrap();
    let case = "description: It is refused.\nprofile: errors\nsteps:\n  - expect: { sttaus: 400 }\n";
    fs::write(folder.path().join("it-is-refused.yaml"), case).unwrap();
    let said = said(&Options { fixtures: vec![folder.path().to_owned()], ..options("locum-issuer-app") });
    assert!(said.contains("it-is-refused.yaml:4:15: unknown field `sttaus`"), "{said}");
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let only = vec!["a-valid-request-gets-the-declared-credential".to_owned()];
    let options = Options { only, ..options("locum-bad-outlives") };
    let [one, other] = [run(&options).unwrap(), run(&options).unwrap()];
    assert!(one.counts.failed > 0);
    assert_eq!(one.to_yaml(), other.to_yaml());
    assert_eq!(one.table(), other.table());
}

#[test]
fn an_exemption_is_told_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let sheet = "plugin: app\ncases: 0\nissuers: { app: {} }\nskip:\n  - { case: an-unknown-client-is-refused, reason: It is being mended, until: 2026-12-31 }\n";
    fs::write(folder.path().join("plugin.yaml"), sheet).unwrap();
    let only = vec!["an-unknown-client-is-refused".to_owned(), "an-unknown-target-is-refused".to_owned()];
    let fixtures = vec![folder.path().to_owned()];
    let report = run(&Options { fixtures, only, ..options("locum-issuer-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.skipped), (1, 1));
    assert!(
        report
            .table()
            .contains("skipped: an-unknown-client-is-refused: It is being mended (until 2026-12-31)")
    );
}
