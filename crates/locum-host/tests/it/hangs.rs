//! Calls that do not come back, on a runtime of two workers that has nothing else to do.

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

use crate::harness::{ScriptedUpstreams, TestDirectory, issue, load_with, misbehaving, options, ready};

const DEADLINE: Duration = Duration::from_millis(500);
/// When a test gives up: never reached unless the host is broken.
const PATIENCE: Duration = Duration::from_secs(60);

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

    /// An issuer that hangs until this file is there.
    fn hanging(&self, name: &str) -> (Arc<dyn Issuer>, PathBuf) {
        let release = self.directory.path().join(name);
        (ready(&self.set, "hangs", json!({"released_by": release})), release)
    }

    /// Issues as a server would, by a request that comes in through a socket: the worker that takes it up is then the
    /// one that was waiting for sockets and timers. This thread waits outside of the runtime.
    fn issue(&self, issuer: &Arc<dyn Issuer>) -> Result<(), IssuerFailure> {
        let (tell, heard) = mpsc::channel();
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        let issuer = Arc::clone(issuer);
        self.runtime.spawn(async move {
            let mut server = tokio::net::UnixStream::from_std(server).unwrap();
            tell.send(None).unwrap();
            server.read_u8().await.unwrap();
            tell.send(Some(issue(&*issuer).await.map(|_| ()))).unwrap();
        });
        assert!(heard.recv_timeout(PATIENCE).unwrap().is_none());
        client.write_all(b"x").unwrap();
        heard.recv_timeout(PATIENCE).expect("the request never ended").unwrap()
    }

    fn health(&self) -> PluginHealth {
        self.set.plugins().next().unwrap().health()
    }

    /// Lets the call go, and waits until it has come back.
    fn release(&self, file: &PathBuf) {
        std::fs::write(file, "").unwrap();
        let start = std::time::Instant::now();
        while self.health().running > 0 {
            assert!(start.elapsed() < PATIENCE, "the call never came back");
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
fn a_call_that_hangs_is_given_up_at_the_deadline_and_its_plugin_not_called_meanwhile() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging("release");
    let fine = ready(&harness.set, "panics_in_drop", json!({}));
    assert!(is_hung(harness.issue(&hangs)));
    assert_eq!(harness.health(), PluginHealth { running: 1, hangs: 1, quarantined: true });
    assert!(is_quarantined(harness.issue(&fine)));

    harness.release(&file);
    assert_eq!(harness.health(), PluginHealth { running: 0, hangs: 1, quarantined: false });
    assert!(harness.issue(&fine).is_ok());
}

#[test]
fn after_three_hangs_a_plugin_is_called_no_more() {
    let harness = PluginHarness::new();
    for hang in 1..=3 {
        let (hangs, file) = harness.hanging(&format!("release {hang}"));
        assert!(is_hung(harness.issue(&hangs)));
        harness.release(&file);
        assert_eq!(harness.health(), PluginHealth { running: 0, hangs: hang, quarantined: hang == 3 });
    }
    let fine = ready(&harness.set, "panics_in_drop", json!({}));
    assert!(is_quarantined(harness.issue(&fine)));
}

#[test]
fn calls_that_hang_at_once_do_not_take_the_last_worker() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging("release");
    let (tell, heard) = mpsc::channel();
    for _ in 0..4 {
        let (issuer, tell) = (Arc::clone(&hangs), tell.clone());
        harness.runtime.spawn(async move { tell.send(issue(&*issuer).await.map(|_| ())) });
    }
    for _ in 0..4 {
        assert!(is_hung(heard.recv_timeout(PATIENCE).expect("a request never ended")));
    }
    // One is in the plugin. The others never got there, and are no hangs of it.
    assert_eq!(harness.health(), PluginHealth { running: 1, hangs: 1, quarantined: true });
    harness.release(&file);
}

#[test]
fn a_request_that_is_given_up_leaves_its_call_counted() {
    let harness = PluginHarness::new();
    let (hangs, file) = harness.hanging("release");
    let request = harness.runtime.spawn(async move { issue(&*hangs).await.map(|_| ()) });
    let start = std::time::Instant::now();
    while harness.health().running == 0 {
        assert!(start.elapsed() < PATIENCE, "the call never began");
        std::thread::yield_now();
    }
    request.abort();
    while harness.health().hangs == 0 {
        assert!(start.elapsed() < PATIENCE, "the hang was never counted");
        std::thread::yield_now();
    }
    assert!(harness.health().quarantined);
    harness.release(&file);
}
