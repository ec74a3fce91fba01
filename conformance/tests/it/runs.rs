//! Runs that must not count as passed, and the errors before a run starts.

use std::fs;
use std::path::Path;

use locum_conformance::report::{to_table, to_yaml};
use locum_conformance::{Options, SetupError, run};
use serde_json::json;

use crate::shipped::options;

fn text_of(options: &Options) -> String {
    run(options).map_or_else(|error| error.to_string(), |report| to_table(&report))
}

#[test]
fn a_run_without_a_passed_case_fails() {
    // The case exists, but only for issuers whose credentials can be revoked.
    let only = vec!["a-revocable-credential-is-revoked".to_owned()];
    let report = run(&Options { only, ..options("locum-plugin-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.failed, report.counts.unsupported), (0, 0, 1));
    assert_ne!(report.exit_code(), 0);
}

#[test]
fn an_unknown_case_is_named() {
    let only = vec!["an-unknown-case".to_owned()];
    let text = text_of(&Options { only, ..options("locum-plugin-app") });
    assert_eq!(text, "no case has the id `an-unknown-case`, or fits it as a pattern; check --only");
}

#[test]
fn a_pattern_selects_cases_with_and_without_their_folder() {
    let passed = |only: &str| {
        let only = vec![only.to_owned()];
        run(&Options { only, ..options("locum-plugin-app") }).unwrap().counts.passed
    };
    let (in_core, in_all) = (passed("core/an-unknown-*-is-refused"), passed("an-unknown-*-is-refused"));
    assert!(1 < in_core && in_core < in_all, "{in_core} of {in_all}");
    assert_eq!(passed("core/an-unknown-client-is-refused"), 1);
}

#[test]
fn a_plugin_without_a_plugin_spec_needs_settings() {
    let options = options("locum-test-parrot");
    assert!(matches!(run(&options), Err(SetupError::NoPluginSpec(name)) if name == "parrot"));
    let settings = json!({
        "answers": [r#"{"kind":"issued","credential":{"text":"polly"},"issued_at":1894128314,"expires_at":1894128374}"#]
    });
    let settings = settings.as_object().cloned();
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { settings, only, ..options }).unwrap();
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
}

#[test]
fn a_file_that_is_not_a_plugin_is_refused_with_its_error_code() {
    let implementation =
        locum_conformance::Implementation::Plugin(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"));
    let text = text_of(&Options { implementation, ..options("locum-plugin-app") });
    assert!(text.contains("not-a-shared-object"), "{text}");
}

#[test]
fn a_typo_in_a_fixture_is_reported_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), "plugin: app\ncases: 1\nissuers: {}\n").unwrap();
    let case = "description: It is refused.\nprofile: errors\nsteps:\n  - expect: { sttaus: 400 }\n";
    fs::write(folder.path().join("it-is-refused.yaml"), case).unwrap();
    let text = text_of(&Options { fixtures: vec![folder.path().to_owned()], ..options("locum-plugin-app") });
    assert!(text.contains("it-is-refused.yaml:4:15: unknown field `sttaus`"), "{text}");
}

#[test]
fn equal_runs_give_equal_reports() {
    let only = vec!["a-valid-request-gets-the-declared-credential".to_owned()];
    let options = Options { only, ..options("locum-bad-outlives") };
    let [one, other] = [run(&options).unwrap(), run(&options).unwrap()];
    assert!(one.counts.failed > 0);
    assert_eq!(to_yaml(&one), to_yaml(&other));
    assert_eq!(to_table(&one), to_table(&other));
}

#[test]
fn an_exemption_is_listed_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let spec = "plugin: app\ncases: 0\nissuers: { app: {} }\nskip:\n  - { case: an-unknown-client-is-refused, reason: Known bug, until: 2026-12-31 }\n";
    fs::write(folder.path().join("plugin.yaml"), spec).unwrap();
    let only = vec!["an-unknown-client-is-refused".to_owned(), "an-unknown-target-is-refused".to_owned()];
    let fixtures = vec![folder.path().to_owned()];
    let report = run(&Options { fixtures, only, ..options("locum-plugin-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.skipped), (1, 1));
    assert!(
        to_table(&report).contains("skipped: an-unknown-client-is-refused: Known bug (until 2026-12-31)")
    );
}
