//! What the tests stand on: built plugins, a directory for files of their own, and requests.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use locum_abi::answer::{Failure, Issued};
use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::Grant;
use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, Issuers, PortFuture};
use locum_host::{
    AllowedRequest, LoadError, LoadOptions, Pins, PluginSet, UpstreamError, Upstreams, inspect,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

/// When the requests of these tests are made, unix seconds.
pub(crate) const NOW: i64 = 1_900_000_000;

/// A plugin that the nested build made.
pub(crate) fn built(package: &str) -> &'static Path {
    static BUILT: OnceLock<Vec<PathBuf>> = OnceLock::new();
    let file = format!("lib{}.so", package.replace('-', "_"));
    BUILT.get_or_init(build).iter().find(|path| path.ends_with(&file)).unwrap()
}

/// `cargo test` does not build cdylibs of other packages. Same target directory, same profile.
fn build() -> Vec<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--message-format=json", "--target-dir"]).arg(target);
    for package in ["locum-test-parrot", "locum-test-misbehaving", "locum-plugin-app"] {
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

pub(crate) fn app() -> &'static Path {
    built("locum-plugin-app")
}

/// A directory that ends with the test.
pub(crate) struct Bench(TempDir);

impl Bench {
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

    /// The parrot with every occurrence of a text in it replaced by another of the same length.
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

/// Loads a file as it is.
pub(crate) fn load(path: &Path) -> Result<PluginSet, LoadError> {
    load_with(path, LoadOptions::new(Arc::new(Script::default())))
}

pub(crate) fn load_with(path: &Path, options: LoadOptions) -> Result<PluginSet, LoadError> {
    PluginSet::load([path], &Pins::of_file_as_it_is(path)?, options)
}

/// Pins of files whose manifest can be read.
pub(crate) fn pins_of(files: &[&Path]) -> Pins {
    let mut pins = Pins::default();
    for file in files {
        pins.pin(inspect(file).unwrap().pin());
    }
    pins
}

pub(crate) fn configuration(api_type: &str, settings: Value) -> Configuration {
    Configuration {
        api_type: api_type.to_owned(),
        settings: settings.as_object().unwrap().clone(),
        tenant: Tenant { domain: "acme.example.com".to_owned(), signing_key: None },
    }
}

pub(crate) fn ready(set: &PluginSet, api_type: &str, settings: Value) -> Arc<dyn Issuer> {
    set.configure(configuration(api_type, settings)).unwrap()
}

pub(crate) fn refused(set: &PluginSet, api_type: &str, settings: Value) -> Failure {
    set.configure(configuration(api_type, settings)).err().unwrap()
}

/// A minute for Alice.
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

pub(crate) fn call_context() -> CallContext {
    CallContext { now_unix_ms: NOW.unsigned_abs() * 1000, entropy: [7; 32] }
}

pub(crate) async fn issue(issuer: &dyn Issuer) -> Result<Issued, IssuerFailure> {
    issuer.issue(&grant(), call_context()).await
}

/// How an issuer broke its contract.
pub(crate) async fn broken(issuer: &dyn Issuer) -> String {
    match issue(issuer).await {
        Err(IssuerFailure::ContractBroken(how)) => how,
        other => panic!("{other:?}"),
    }
}

/// Upstreams that answer from a script, and remember what they were asked.
#[derive(Default)]
pub(crate) struct Script {
    replies: Mutex<VecDeque<Result<UpstreamReply, UpstreamError>>>,
    pub(crate) asked: Mutex<Vec<AllowedRequest>>,
}

impl Script {
    pub(crate) fn of(replies: impl IntoIterator<Item = Result<UpstreamReply, UpstreamError>>) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::new(replies.into_iter().collect()), asked: Mutex::default() })
    }
}

impl Upstreams for Script {
    fn send(
        &self,
        request: AllowedRequest,
        _: tokio::time::Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        self.asked.lock().unwrap().push(request);
        let reply = self.replies.lock().unwrap().pop_front();
        Box::pin(async move {
            match reply {
                Some(reply) => reply,
                // The script is over: this one never answers.
                None => std::future::pending().await,
            }
        })
    }
}

pub(crate) fn reply(status: u16, body: &str) -> UpstreamReply {
    UpstreamReply::new(status, body)
}

/// Options with this script and a deadline.
pub(crate) fn options(upstreams: Arc<dyn Upstreams>, deadline: Duration) -> LoadOptions {
    LoadOptions { deadline, ..LoadOptions::new(upstreams) }
}
