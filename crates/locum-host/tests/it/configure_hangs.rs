//! A plugin that hangs while it configures an issuer: the host goes on at the deadline, and can configure again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_abi::answer::FailureCode;
use locum_engine::ports::{Issuer, Issuers};
use locum_host::limits::CONFIGURE_THREADS_MAX;
use locum_host::{LoadOptions, PluginSet};
use serde_json::{Value, json};

use crate::harness::{
    ScriptedUpstreams, TestDirectory, configuration, issue, load_with, misbehaving, refused, take_log,
};

const DEADLINE: Duration = Duration::from_millis(100);
/// When a test fails because the host does not respond.
const TIMEOUT: Duration = Duration::from_secs(60);

fn set() -> PluginSet {
    let mut options = LoadOptions::new(Arc::new(ScriptedUpstreams::default()));
    options.configure_deadline = DEADLINE;
    load_with(misbehaving(), options).unwrap()
}

fn refusal(set: &PluginSet, release: &Path) -> String {
    let failure = refused(set, "hangs_in_configure", json!({"released_by": release}));
    assert_eq!(failure.code, FailureCode::Internal);
    failure.message
}

fn released(directory: &TestDirectory) -> PathBuf {
    directory.file("released", "")
}

/// Tries until it succeeds: on a machine that does much else, what does not hang can miss the deadline too.
fn configured_in_time(set: &PluginSet, api_type: &str, settings: Value) -> Arc<dyn Issuer> {
    let start = Instant::now();
    loop {
        if let Ok(issuer) = set.configure(configuration(api_type, settings.clone())) {
            return issuer;
        }
        assert!(start.elapsed() < TIMEOUT, "{api_type} was never configured");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_configuration_that_hangs_fails_at_the_deadline_and_later_ones_succeed() {
    let (set, directory) = (set(), TestDirectory::new());
    let _ = take_log();
    let start = Instant::now();
    assert_eq!(refusal(&set, &directory.path().join("never")), "the plugin did not answer within 100 ms");
    assert!(start.elapsed() < TIMEOUT);
    assert!(take_log().contains("could not be configured"));
    // The same plugin, another issuer; then the same issuer with settings that do not hang.
    assert!(issue(&*configured_in_time(&set, "panics_in_drop", json!({}))).await.is_ok());
    let fine = configured_in_time(&set, "hangs_in_configure", json!({"released_by": released(&directory)}));
    assert!(issue(&*fine).await.is_ok());
}

#[test]
fn configurations_that_hang_are_limited_and_counted_until_they_return() {
    let (set, directory) = (set(), TestDirectory::new());
    let release = directory.path().join("release");
    std::thread::scope(|scope| {
        for _ in 0..CONFIGURE_THREADS_MAX {
            scope.spawn(|| refusal(&set, &release));
        }
    });
    assert_eq!(refusal(&set, &release), "32 earlier calls of the plugin hang; restart the server");
    directory.file("release", "");
    configured_in_time(&set, "hangs_in_configure", json!({"released_by": release}));
}
