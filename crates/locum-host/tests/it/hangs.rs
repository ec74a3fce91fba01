//! Plugin calls that hang, on an otherwise idle runtime with two workers.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::{PluginHealth, PluginSet};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::runtime::{Builder, Runtime};

use crate::harness::{ScriptedUpstreams, TestDirectory, configured, issue, load_with, misbehaving, options};

const DEADLINE: Duration = Duration::from_millis(500);
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

    /// An issuer that hangs until a file of this name exists.
    fn hanging(&self, name: &str) -> (Arc<dyn Issuer>, PathBuf) {
        let release = self.directory.path().join(name);
        (configured(&self.set, "hangs", json!({"released_by": release})), release)
    }

    /// Issues like a server, for a request from a socket: the worker that handles it is then the one that polled sockets
    /// and timers. The calling thread waits outside the runtime.
    fn issue(&self, issuer: &Arc<dyn Issuer>) -> Result<(), IssuerFailure> {
        let (sender, receiver) = mpsc::channel();
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let issuer = Arc::clone(issuer);
        self.runtime.spawn(async move {
            let mut server = tokio::net::UnixStream::from_std(server).unwrap();
            sender.send(None).unwrap();
            server.read_u8().await.unwrap();
            sender.send(Some(issue(&*issuer).await.map(|_| ()))).unwrap();
        });
        assert!(receiver.recv_timeout(TIMEOUT).unwrap().is_none());
        client.write_all(b"x").unwrap();
        receiver.recv_timeout(TIMEOUT).expect("the request never completed").unwrap()
    }

    fn expect_health(&self, running: usize, hangs: u32, quarantined: bool) {
        let health = self.health();
        assert_eq!((health.running, health.hangs, health.quarantined), (running, hangs, quarantined));
    }

    fn health(&self) -> PluginHealth {
        self.set.plugins().next().unwrap().health()
    }

    /// Releases the call and waits until it has returned.
    fn release(&self, file: &PathBuf) {
        std::fs::write(file, "").unwrap();
        let start = std::time::Instant::now();
        while self.health().running > 0 {
            assert!(start.elapsed() < TIMEOUT, "the call never returned");
            std::thread::yield_now();
        }
    }
}

fn is_hung(outcome: Result<(), IssuerFailure>) -> bool {
    matches!(outcome, Err(IssuerFailure::Hung(500)))
}

fn is_quarantined(outcome: Result<(), IssuerFailure>) -> bool {
    matches!(outcome, Err(IssuerFailure::Quarantined))
}

#[test]
fn a_call_that_hangs_fails_at_the_deadline_and_quarantines_its_plugin() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging("release");
    let fine = configured(&harness.set, "panics_in_drop", json!({}));
    assert!(is_hung(harness.issue(&hangs)));
    harness.expect_health(1, 1, true);
    assert!(is_quarantined(harness.issue(&fine)));

    harness.release(&file);
    harness.expect_health(0, 1, false);
    assert!(harness.issue(&fine).is_ok());
}

#[test]
fn a_plugin_is_not_called_again_after_three_hangs() {
    let harness = PluginHarness::new();
    for hang in 1..=3 {
        let (hangs, file) = harness.hanging(&format!("release {hang}"));
        assert!(is_hung(harness.issue(&hangs)));
        harness.release(&file);
        harness.expect_health(0, hang, hang == 3);
    }
    let fine = configured(&harness.set, "panics_in_drop", json!({}));
    assert!(is_quarantined(harness.issue(&fine)));
}

#[test]
fn concurrent_calls_that_hang_do_not_block_the_last_worker() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging("release");
    let (sender, receiver) = mpsc::channel();
    for _ in 0..4 {
        let (issuer, sender) = (Arc::clone(&hangs), sender.clone());
        harness.runtime.spawn(async move { sender.send(issue(&*issuer).await.map(|_| ())) });
    }
    for _ in 0..4 {
        assert!(is_hung(receiver.recv_timeout(TIMEOUT).expect("a request never completed")));
    }
    // Only one call is in the plugin. The others never started and do not count as hangs.
    harness.expect_health(1, 1, true);
    harness.release(&file);
}

#[test]
fn a_call_is_counted_after_its_request_was_cancelled() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging("release");
    let request = harness.runtime.spawn(async move { issue(&*hangs).await.map(|_| ()) });
    let start = std::time::Instant::now();
    while harness.health().running == 0 {
        assert!(start.elapsed() < TIMEOUT, "the call never started");
        std::thread::yield_now();
    }
    request.abort();
    while harness.health().hangs == 0 {
        assert!(start.elapsed() < TIMEOUT, "the hang was never counted");
        std::thread::yield_now();
    }
    assert!(harness.health().quarantined);
    harness.release(&file);
}
