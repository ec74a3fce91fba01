//! A plugin that terminates its process terminates the host, as the crate's documentation says. Each test runs the
//! plugin in a child process, which is this test binary again.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use serde_json::json;
use tokio::runtime::Builder;

use crate::harness::{configured, issue, load, misbehaving};

const SIGABRT: i32 = 6;
/// Set in the child process, to the api_type that terminates it.
const CAUSE: &str = "LOCUM_TEST_CAUSE_OF_DEATH";

/// The exit status of a child process that runs this test, and in it an issuer of this api_type.
fn exit_status(cause: &str, test: &str) -> ExitStatus {
    if std::env::var(CAUSE).as_deref() == Ok(cause) {
        let issuer = configured(&load(misbehaving()).unwrap(), cause, json!({}));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let outcome = runtime.block_on(async move { issue(&*issuer).await });
        panic!("the process survived: {outcome:?}");
    }
    // The limit prevents core files.
    let mut child = Command::new("sh");
    child.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("process_exits::{test}"), "--nocapture"]).env(CAUSE, cause);
    child.output().unwrap().status
}

#[test]
fn an_abort_terminates_the_host() {
    assert_eq!(exit_status("aborts", "an_abort_terminates_the_host").signal(), Some(SIGABRT));
}

#[test]
fn an_exit_terminates_the_host() {
    assert_eq!(exit_status("exits", "an_exit_terminates_the_host").code(), Some(7));
}

#[test]
fn a_stack_overflow_terminates_the_host() {
    assert_eq!(
        exit_status("overflows_the_stack", "a_stack_overflow_terminates_the_host").signal(),
        Some(SIGABRT)
    );
}

#[test]
fn a_failed_allocation_terminates_the_host() {
    assert_eq!(
        exit_status("exhausts_memory", "a_failed_allocation_terminates_the_host").signal(),
        Some(SIGABRT)
    );
}
