//! The test harness: built plugins, a temporary directory, scripted upstreams and requests.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::Duration;

use locum_abi::answer::{Failure, Issued};
use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::Grant;
use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::{
    CallContext, Issuer, IssuerFailure, Issuers, NoAudiences, PortFuture, PresentedCredential,
};
use locum_host::runner::RunnerCommand;
use locum_host::{
    AllowedRequest, Isolation, LoadError, LoadOptions, Pins, PluginSet, UpstreamError, Upstreams, inspect,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// The time of every request, unix seconds.
pub(crate) const NOW: i64 = 1_900_000_000;

/// The file of a plugin, built once per test run.
pub(crate) fn built(package: &str) -> &'static Path {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let file = format!("lib{}.so", package.replace('-', "_"));
    BUILT.get_or_init(build).iter().find(|path| path.ends_with(&file)).unwrap()
}

/// Builds the plugins with cargo, in the same target directory and profile: `cargo test` does not build the cdylibs of
/// other packages.
fn build() -> Vec<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--message-format=json", "--target-dir"]).arg(target);
    for package in [
        "locum-test-parrot",
        "locum-test-misbehaving",
        "locum-test-hostile",
        "locum-test-linkable",
        "locum-plugin-app",
    ] {
        cargo.args(["--package", package]);
    }
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    let files = messages.filter_map(|message: Value| message["filenames"].as_array().cloned()).flatten();
    files
        .filter_map(|file| Some(PathBuf::from(file.as_str()?)))
        .filter(|file| file.extension().is_some_and(|e| e == "so"))
        .collect()
}

pub(crate) fn parrot() -> &'static Path {
    built("locum-test-parrot")
}

pub(crate) fn misbehaving() -> &'static Path {
    built("locum-test-misbehaving")
}

pub(crate) fn hostile() -> &'static Path {
    built("locum-test-hostile")
}

pub(crate) fn linkable() -> &'static Path {
    built("locum-test-linkable")
}

pub(crate) fn app() -> &'static Path {
    built("locum-plugin-app")
}

/// A directory that is deleted with the test.
pub(crate) struct TestDirectory(TempDir);

impl TestDirectory {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A copy of the parrot in which every occurrence of a text is replaced by another text of the same length.
    pub(crate) fn parrot_with(&self, name: &str, replacements: &[(&str, &str)]) -> PathBuf {
        let mut bytes = fs::read(parrot()).unwrap();
        for (from, to) in replacements {
            assert_eq!(from.len(), to.len());
            let places: Vec<usize> = bytes
                .windows(from.len())
                .enumerate()
                .filter(|(_, window)| *window == from.as_bytes())
                .map(|(at, _)| at)
                .collect();
            assert!(!places.is_empty(), "{from}");
            for at in places {
                bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            }
        }
        self.file(name, bytes)
    }
}

/// Loads a file, pinned with its current contents.
pub(crate) fn load(path: &Path) -> Result<PluginSet, LoadError> {
    load_with(path, LoadOptions::new(Arc::new(ScriptedUpstreams::default())))
}

pub(crate) fn load_with(path: &Path, options: LoadOptions) -> Result<PluginSet, LoadError> {
    capture_logs();
    PluginSet::load([path], &Pins::trusting_file(path)?, options)
}

/// What starts the runner in these tests: the small program of this crate.
pub(crate) fn runner() -> RunnerCommand {
    RunnerCommand::Path(env!("CARGO_BIN_EXE_locum-plugin-runner").into())
}

pub(crate) fn load_in_runner(path: &Path, mut options: LoadOptions) -> Result<PluginSet, LoadError> {
    capture_logs();
    options.runner = Some(runner());
    PluginSet::load([path], &Pins::trusting_file(path)?.at(Isolation::Runner), options)
}

/// Pins of files with valid manifests.
pub(crate) fn pins_of(files: &[&Path]) -> Pins {
    let mut pins = Pins::default();
    for file in files {
        pins.pin(inspect(file).unwrap().pin().at(Isolation::InProcess));
    }
    pins
}

pub(crate) fn configuration(api_type: &str, settings: Value) -> Configuration {
    let settings = settings.as_object().unwrap().clone();
    Configuration::new(api_type, settings, Tenant::new("acme.example.com"))
}

pub(crate) fn configured(set: &impl Issuers, api_type: &str, settings: Value) -> Arc<dyn Issuer> {
    set.configure(configuration(api_type, settings)).unwrap()
}

pub(crate) fn refused(set: &impl Issuers, api_type: &str, settings: Value) -> Failure {
    set.configure(configuration(api_type, settings)).err().unwrap()
}

/// A grant of 60 seconds for Alice.
pub(crate) fn grant() -> Grant {
    Grant {
        user_id: "auth0|alice".to_owned(),
        client_id: "caller".to_owned(),
        target_id: "target".to_owned(),
        scopes: vec!["openid".to_owned()],
        claims: Map::new(),
        profile: Map::new(),
        parameters: Map::new(),
        lifetime_seconds: 60,
    }
}

/// A credential that the client `caller` presents.
pub(crate) fn presented(text: &str) -> PresentedCredential<'_> {
    PresentedCredential { text, client_id: "caller" }
}

pub(crate) fn call_context() -> CallContext {
    CallContext { now_unix_ms: NOW.unsigned_abs() * 1000, entropy: [7; 32] }
}

pub(crate) async fn issue(issuer: &dyn Issuer) -> Result<Issued, IssuerFailure> {
    issuer.issue(&grant(), call_context(), &NoAudiences).await
}

/// Issues, and expects the issuer to break its contract: in which way.
pub(crate) async fn contract_breach(issuer: &dyn Issuer) -> String {
    match issue(issuer).await {
        Err(IssuerFailure::ContractBroken(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Upstreams that answer from a script and record the requests.
#[derive(Default)]
pub(crate) struct ScriptedUpstreams {
    replies: Mutex<VecDeque<Result<UpstreamReply, UpstreamError>>>,
    pub(crate) requests: Mutex<Vec<AllowedRequest>>,
}

impl ScriptedUpstreams {
    pub(crate) fn of(replies: impl IntoIterator<Item = Result<UpstreamReply, UpstreamError>>) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::new(replies.into_iter().collect()), requests: Mutex::default() })
    }
}

impl Upstreams for ScriptedUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        _: tokio::time::Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        self.requests.lock().unwrap().push(request);
        let reply = self.replies.lock().unwrap().pop_front();
        Box::pin(async move {
            match reply {
                Some(reply) => reply,
                // The script has no more replies: this request is never answered.
                None => std::future::pending().await,
            }
        })
    }
}

pub(crate) fn reply(status: u16, body: &str) -> UpstreamReply {
    UpstreamReply::new(status, body)
}

/// Options with these upstreams and a deadline.
pub(crate) fn options(upstreams: Arc<dyn Upstreams>, deadline: Duration) -> LoadOptions {
    let mut options = LoadOptions::new(upstreams);
    options.deadline = deadline;
    options
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Appends to the log of the current thread.
struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Captures log lines by thread. The subscriber is global, because tracing decides once per call site whether it is
/// enabled: a test without a subscriber on another thread would disable it for all.
fn capture_logs() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(|| ThreadLog)
            .with_ansi(false)
            .without_time()
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
    });
}

/// What was logged on this thread since the last call.
pub(crate) fn take_log() -> String {
    String::from_utf8(LOG.take()).unwrap()
}
