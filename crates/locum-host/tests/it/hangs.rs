//! Calls that hang in the host's process: what they cost, and what they do not.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::{PluginHealth, PluginSet};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::harness::{
    ScriptedUpstreams, TestDirectory, configured, issue, load_with, misbehaving, options, take_log,
};

const DEADLINE: Duration = Duration::from_secs(1);
/// When a test fails because the host does not respond.
const TIMEOUT: Duration = Duration::from_secs(60);

struct PluginHarness {
    directory: TestDirectory,
    set: PluginSet,
    runtime: Runtime,
}

impl PluginHarness {
    fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let set =
            load_with(misbehaving(), options(Arc::new(ScriptedUpstreams::default()), DEADLINE)).unwrap();
        Self { directory: TestDirectory::new(), set, runtime }
    }

    /// An issuer that hangs until this file exists.
    fn hanging(&self) -> (Arc<dyn Issuer>, PathBuf) {
        let release = self.directory.path().join("release");
        (configured(&self.set, "hangs", json!({"released_by": release})), release)
    }

    /// Issues on a worker of the runtime.
    fn issue(&self, issuer: &Arc<dyn Issuer>) -> mpsc::Receiver<Result<(), IssuerFailure>> {
        let (sender, receiver) = mpsc::channel();
        let issuer = Arc::clone(issuer);
        self.runtime.spawn(async move { sender.send(issue(&*issuer).await.map(|_| ())) });
        receiver
    }

    fn health(&self) -> PluginHealth {
        self.set.plugins().next().unwrap().health()
    }

    /// Waits until a call is in the plugin and past its deadline.
    fn wait_past_the_deadline(&self) {
        let start = Instant::now();
        while self.health().running == 0 {
            assert!(start.elapsed() < TIMEOUT, "the call never started");
            thread::yield_now();
        }
        let running = Instant::now();
        while running.elapsed() <= DEADLINE {
            thread::yield_now();
        }
    }
}

#[test]
fn a_call_that_hangs_keeps_its_worker_and_other_calls_are_answered_by_the_others() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging();
    let fine = configured(&harness.set, "panics_in_drop", json!({}));
    let hanging = harness.issue(&hangs);
    harness.wait_past_the_deadline();
    assert!(hanging.try_recv().is_err(), "the request waits for the call");
    assert!(matches!(harness.issue(&fine).recv_timeout(TIMEOUT), Ok(Ok(()))));
    assert_eq!((harness.health().running, harness.health().hangs), (1, 0));

    std::fs::write(file, "").unwrap();
    assert!(matches!(hanging.recv_timeout(TIMEOUT), Ok(Err(IssuerFailure::Hung(1000)))));
    let health = harness.health();
    assert_eq!((health.running, health.hangs, health.quarantined), (0, 1, false));
}

#[tokio::test]
async fn each_late_call_is_logged_with_its_number() {
    let late = options(Arc::new(ScriptedUpstreams::default()), Duration::ZERO);
    let set = load_with(misbehaving(), late).unwrap();
    let issuer = configured(&set, "panics_in_drop", json!({}));
    take_log();
    for number in 1..=2 {
        assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::Hung(0))));
        let log = take_log();
        assert!(log.contains(&format!("hangs={number}")), "{log}");
    }
}

#[test]
fn a_call_that_returns_in_time_is_no_hang() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging();
    std::fs::write(file, "").unwrap();
    assert!(matches!(harness.issue(&hangs).recv_timeout(TIMEOUT), Ok(Ok(()))));
    assert_eq!((harness.health().running, harness.health().hangs), (0, 0));
}
