//! A plugin that opens a socket or a file, or starts a process, fails in a process of its own, and the report names what it
//! did. `docs/isolation.md` shows these texts.

use std::fs;

use locum_conformance::report::to_table;
use locum_conformance::{Options, Report, TestedIsolation, run};
use serde_json::{Value, json};

use crate::plugin_files::workspace;
use crate::shipped::options;

/// A case that every issuer passes.
const CASE: &str = "a-valid-request-gets-the-declared-credential";

/// What it does, and what the report shows.
const REACHES: [(&str, &str); 3] = [
    ("socket", "it made the system call `socket`, which plugins may not make"),
    ("file", "it made the system call `openat`, which plugins may not make"),
    ("process", "it made a system call that plugins may not make, such as starting a thread or a process"),
];

fn report_of(reach: &str, isolation: TestedIsolation, only: &[&str]) -> Report {
    let Value::Object(settings) = json!({ "reach": reach }) else { panic!("an object") };
    let fixtures = vec![workspace().join("conformance/tests/fixtures/reaches_out")];
    let only = only.iter().map(|id| (*id).to_owned()).collect();
    let options = options("locum-bad-reaches-out");
    run(&Options { settings: Some(settings), fixtures, isolation, only, ..options })
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_a_plugin_reaches_for_is_named() {
    let page = fs::read_to_string(workspace().join("docs/isolation.md")).unwrap();
    for (reach, text) in REACHES {
        let report = report_of(reach, TestedIsolation::Runner, &[CASE]);
        let table = to_table(&report);
        assert_eq!((report.counts.failed, report.exit_code()), (1, 1), "{table}");
        let reason = format!("the issuer broke its contract: {text}");
        let shown = format!("  reason in the audit event: expected none, got {reason}\n");
        assert!(table.contains(&shown), "{reach}: {table}");
        assert!(page.contains(&format!("{reason}`")), "docs/isolation.md lacks: {reason}");
    }
}

#[test]
fn the_same_plugin_passes_if_it_reaches_for_nothing() {
    let report = report_of("nothing", TestedIsolation::Both, &[]);
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
}

#[test]
fn a_look_for_a_file_is_answered_and_shows_only_where_the_levels_are_compared() {
    let report = report_of("existence", TestedIsolation::Runner, &[CASE]);
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
    let table = to_table(&report_of("existence", TestedIsolation::Both, &[CASE]));
    assert!(table.contains("the issuer broke its contract: the levels of isolation differ"), "{table}");
}
