//! What a plugin in the host's own process takes with it: the whole process, as the crate's page says. Each death
//! happens in a child process, which is this test binary again.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use serde_json::json;
use tokio::runtime::Builder;

use crate::harness::{issue, load, misbehaving, ready};

const SIGABRT: i32 = 6;
/// Set for the child, to what it is to die of.
const CAUSE: &str = "LOCUM_TEST_CAUSE_OF_DEATH";

/// How a child ends that runs this test, and in it an issuer of this api_type.
fn death_of(cause: &str, test: &str) -> ExitStatus {
    if std::env::var(CAUSE).as_deref() == Ok(cause) {
        let issuer = ready(&load(misbehaving()).unwrap(), cause, json!({}));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let outcome = runtime.block_on(async move { issue(&*issuer).await });
        panic!("it lives: {outcome:?}");
    }
    // Without the limit a death may leave a core file behind.
    let mut child = Command::new("sh");
    child.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", &format!("deaths::{test}"), "--nocapture"]).env(CAUSE, cause);
    child.output().unwrap().status
}

#[test]
fn an_abort_ends_the_process() {
    assert_eq!(death_of("aborts", "an_abort_ends_the_process").signal(), Some(SIGABRT));
}

#[test]
fn an_exit_ends_the_process() {
    assert_eq!(death_of("exits", "an_exit_ends_the_process").code(), Some(7));
}

#[test]
fn a_stack_overflow_ends_the_process() {
    assert_eq!(death_of("overflows_the_stack", "a_stack_overflow_ends_the_process").signal(), Some(SIGABRT));
}

#[test]
fn an_allocation_that_fails_ends_the_process() {
    assert_eq!(
        death_of("exhausts_memory", "an_allocation_that_fails_ends_the_process").signal(),
        Some(SIGABRT)
    );
}
