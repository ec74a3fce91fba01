//! Plugins that were built with earlier releases: they load by their pins in this host, and pass this suite.

use std::path::PathBuf;
use std::sync::Arc;

use locum_conformance::report::to_table;
use locum_conformance::{Implementation, Options, Report, TestedIsolation, run};
use locum_host::runner::RunnerCommand;
use locum_host::{HttpUpstreams, LoadErrorCode, LoadOptions, Pins, PluginSet, plugin_files};

use crate::plugin_files::{runner, workspace};
use crate::shipped::TODAY;

fn folder() -> PathBuf {
    workspace().join("conformance/old-plugins")
}

fn files() -> Vec<PathBuf> {
    let files = plugin_files(&folder().join("plugins")).unwrap_or_default();
    assert!(!files.is_empty(), "there are no old plugins");
    files
}

/// The plugins are loaded, but not called, so no upstream is reached.
fn options() -> LoadOptions {
    LoadOptions::new(Arc::new(HttpUpstreams::new().unwrap_or_else(|error| panic!("{error}"))))
}

fn report_of(file: PathBuf, fixtures: PathBuf) -> Report {
    let options = Options {
        implementation: Implementation::Plugin(file),
        fixtures: vec![fixtures],
        settings: None,
        only: Vec::new(),
        verbose: false,
        now_unix_seconds: TODAY,
        command: "locum conformance plugin.so".to_owned(),
        isolation: TestedIsolation::Both,
        runner: RunnerCommand::Path(runner()),
    };
    run(&options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn old_plugins_load_together_by_their_original_pins() {
    let set = PluginSet::load_directory(&folder().join("plugins"), options())
        .unwrap_or_else(|error| panic!("{error}"));
    let pins = Pins::from_lock(&folder().join("plugins.lock")).unwrap_or_default();
    assert_eq!(set.plugins().count(), pins.iter().count());
    assert_eq!(set.plugins().count(), files().len());
}

#[test]
fn an_old_plugin_with_one_byte_changed_is_refused() {
    let elsewhere = tempfile::tempdir().unwrap();
    let plugins = elsewhere.path().join("plugins");
    std::fs::create_dir(&plugins).unwrap();
    std::fs::copy(folder().join("plugins.lock"), elsewhere.path().join("plugins.lock")).unwrap();
    let file = &files()[0];
    let mut bytes = std::fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(plugins.join(file.file_name().unwrap()), bytes).unwrap();
    let refused = PluginSet::load_directory(&plugins, options()).err().unwrap();
    assert_eq!(refused.code, LoadErrorCode::PinMismatch);
}

#[test]
fn old_plugins_pass_the_current_suite() {
    for file in files() {
        let report = report_of(file, folder().join("fixtures"));
        assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
    }
}

#[test]
fn every_own_case_of_an_old_plugin_runs() {
    let report =
        report_of(folder().join("plugins/liblocum_old_2026_11.so"), folder().join("fixtures/2026_11"));
    let passed: Vec<&str> =
        report.profiles.iter().flat_map(|profile| &profile.passed).map(String::as_str).collect();
    for (case, api_type) in [
        ("a-pass-says-all-that-its-grant-holds", "old_2026_11_pass"),
        ("a-panic-of-the-old-sdk-fails-one-request", "old_2026_11_pass"),
        ("a-gate-in-the-settings-is-the-one-that-is-asked", "old_2026_11_visit"),
        ("a-revocable-credential-is-revoked", "old_2026_11_visit"),
    ] {
        assert!(passed.contains(&format!("{case} ({api_type})").as_str()), "{case}: {}", to_table(&report));
    }
}
