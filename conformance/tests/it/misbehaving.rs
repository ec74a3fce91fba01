//! Plugins that break every rule: what a host survives comes out as a fixture says, what it does not is never called a
//! pass.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use locum_conformance::{Options, Report, run};

use crate::shipped::options;

const SIGABRT: i32 = 6;
/// Set for a child process, to the case that it is to run.
const CASE: &str = "LOCUM_TEST_FATAL_CASE";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn ids(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let ids = names.filter_map(|name| Some(name.to_str()?.strip_suffix(".yaml")?.to_owned()));
    ids.filter(|id| id != "plugin").collect()
}

fn judged(package: &str, folder: PathBuf, only: Vec<String>) -> Report {
    run(&Options { fixtures: vec![folder], only, ..options(package) })
        .unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_a_misbehaving_plugin_does_is_the_error_of_its_request() {
    let folder = folder("misbehaving");
    let survivable: Vec<String> =
        ids(&folder).into_iter().filter(|id| !id.ends_with("ends-the-process")).collect();
    let report = judged("locum-test-misbehaving", folder, survivable.clone());
    assert_eq!(report.counts.passed, survivable.len(), "{}", report.table());
    assert_eq!(report.exit_code(), 0, "{}", report.table());
}

#[test]
fn whatever_a_parrot_says_against_the_contract_is_an_error() {
    let folder = folder("parrot");
    let all = ids(&folder);
    let report = judged("locum-test-parrot", folder, all.clone());
    assert_eq!(report.counts.passed, all.len(), "{}", report.table());
    assert_eq!(report.exit_code(), 0, "{}", report.table());
}

/// How a run of the suite ends that meets this case.
fn end_of(case: &str, test: &str) -> ExitStatus {
    if std::env::var(CASE).as_deref() == Ok(case) {
        let report = judged("locum-test-misbehaving", folder("misbehaving"), vec![case.to_owned()]);
        panic!("it lives: {}", report.table());
    }
    let mut child = Command::new("sh");
    // Without the limit a death may leave a core file behind.
    child.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("misbehaving::{test}"), "--nocapture"]).env(CASE, case);
    child.output().unwrap().status
}

#[test]
fn a_run_that_meets_an_abort_ends_with_it() {
    let end = end_of("what-aborts-ends-the-process", "a_run_that_meets_an_abort_ends_with_it");
    assert_eq!(end.signal(), Some(SIGABRT));
}

#[test]
fn a_run_that_meets_an_exit_ends_with_its_code() {
    let end = end_of("what-exits-ends-the-process", "a_run_that_meets_an_exit_ends_with_its_code");
    assert_eq!(end.code(), Some(7));
}

#[test]
fn a_run_that_meets_a_stack_overflow_ends_with_it() {
    let end =
        end_of("what-overflows-the-stack-ends-the-process", "a_run_that_meets_a_stack_overflow_ends_with_it");
    assert_eq!(end.signal(), Some(SIGABRT));
}

#[test]
fn a_run_that_meets_an_endless_allocation_ends_with_it() {
    let end = end_of(
        "what-exhausts-memory-ends-the-process",
        "a_run_that_meets_an_endless_allocation_ends_with_it",
    );
    assert_eq!(end.signal(), Some(SIGABRT));
}
