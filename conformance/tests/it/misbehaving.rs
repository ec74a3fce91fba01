//! Plugins that break every rule: what a host survives is an error of the request, and what it does not survive never
//! counts as a pass.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use locum_conformance::report::to_table;
use locum_conformance::{Options, Report, TestedIsolation, run};

use crate::shipped::options;

const SIGABRT: i32 = 6;
/// The environment variable that names the case for a child process to run.
const CASE: &str = "LOCUM_TEST_FATAL_CASE";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn ids(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let ids = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".yaml")?.to_owned()));
    ids.filter(|id| id != "plugin").collect()
}

fn report_of(package: &str, folder: PathBuf, only: Vec<String>) -> Report {
    run(&Options { fixtures: vec![folder], only, ..options(package) })
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn misbehaviour_is_an_error_of_the_request() {
    let folder = folder("misbehaving");
    let survivable: Vec<String> =
        ids(&folder).into_iter().filter(|id| !id.ends_with("ends-the-process")).collect();
    let report = report_of("locum-test-misbehaving", folder, survivable.clone());
    assert_eq!(report.counts.passed, survivable.len(), "{}", to_table(&report));
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
}

#[test]
fn every_answer_that_breaks_the_contract_is_an_error() {
    let folder = folder("parrot");
    let all = ids(&folder);
    let report = report_of("locum-test-parrot", folder, all.clone());
    assert_eq!(report.counts.passed, all.len(), "{}", to_table(&report));
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
}

#[test]
fn what_ends_a_process_is_an_error_of_the_request_at_the_level_runner() {
    let folder = folder("misbehaving");
    let all = ids(&folder);
    let isolation = TestedIsolation::Runner;
    let options = Options { fixtures: vec![folder], isolation, ..options("locum-test-misbehaving") };
    let report = run(&Options { only: all.clone(), ..options }).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.counts.passed, all.len(), "{}", to_table(&report));
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
}

/// The exit status of a child process that runs this case.
fn exit_status_of(case: &str, test: &str) -> ExitStatus {
    if std::env::var(CASE).as_deref() == Ok(case) {
        let report = report_of("locum-test-misbehaving", folder("misbehaving"), vec![case.to_owned()]);
        panic!("the process survived: {}", to_table(&report));
    }
    let mut child = Command::new("sh");
    // Without this limit a crash may leave a core file.
    child.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("misbehaving::{test}"), "--nocapture"]).env(CASE, case);
    child.output().unwrap().status
}

#[test]
fn an_abort_of_a_plugin_aborts_the_run() {
    let status = exit_status_of("an-abort-ends-the-process", "an_abort_of_a_plugin_aborts_the_run");
    assert_eq!(status.signal(), Some(SIGABRT));
}

#[test]
fn an_exit_of_a_plugin_ends_the_run_with_its_code() {
    let status = exit_status_of("an-exit-ends-the-process", "an_exit_of_a_plugin_ends_the_run_with_its_code");
    assert_eq!(status.code(), Some(7));
}

#[test]
fn a_stack_overflow_of_a_plugin_aborts_the_run() {
    let status =
        exit_status_of("a-stack-overflow-ends-the-process", "a_stack_overflow_of_a_plugin_aborts_the_run");
    assert_eq!(status.signal(), Some(SIGABRT));
}

#[test]
fn an_endless_allocation_of_a_plugin_aborts_the_run() {
    let status = exit_status_of(
        "exhausted-memory-ends-the-process",
        "an_endless_allocation_of_a_plugin_aborts_the_run",
    );
    assert_eq!(status.signal(), Some(SIGABRT));
}
