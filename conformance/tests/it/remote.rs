//! The same fixtures against a running server: what needs no inside passes there too, the rest is named.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_conformance::{Options, Report, Subject, run};
use locum_engine::ports::{AuditSink, Clock as _};
use locum_engine::{AuditEvent, Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, Pins, PluginSet};
use locum_server::{ServerOptions, router};
use locum_store::tenant_file::{References, load};
use locum_store::{FileDirectory, MemoryBuckets, SystemClock, SystemEntropy, TenantSet};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::plugin_files::{built, workspace};
use crate::shipped::options;

struct Nowhere;

impl AuditSink for Nowhere {
    fn record(&self, _: AuditEvent) {}
}

/// A server on this machine with the suite's tenant and this plugin; it lives as long as its runtime.
struct RunningServer {
    base_url: String,
    _runtime: Runtime,
}

impl RunningServer {
    fn of(plugin: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let upstreams = Arc::new(HttpUpstreams::new().unwrap());
        let pins = Pins::of_file_as_it_is(plugin).unwrap();
        let issuers = PluginSet::load([plugin], &pins, LoadOptions::new(upstreams)).unwrap();
        let tenant = load(&tenant_file(), &References::new(&|_| None, workspace().join("fixtures"))).unwrap();
        let engine = Engine::new(Ports {
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            directory: Arc::new(FileDirectory::new(TenantSet::new(vec![tenant]).unwrap())),
            buckets: Arc::new(MemoryBuckets::default()),
            audit: Arc::new(Nowhere),
            issuers: Arc::new(issuers),
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = router(Arc::new(engine), ServerOptions::default());
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { base_url, _runtime: runtime }
    }

    fn judged(&self) -> Report {
        let subject =
            Subject::Server { base_url: self.base_url.clone(), tenant: tenant_file(), manifests: Vec::new() };
        let now_unix_seconds = i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap();
        let only_for_its_fields = options("locum-plugin-app");
        run(&Options { subject, now_unix_seconds, ..only_for_its_fields }).unwrap()
    }
}

fn tenant_file() -> PathBuf {
    workspace().join("fixtures/tenant.yaml")
}

#[test]
fn an_honest_server_passes_and_what_needs_the_inside_is_named() {
    let report = RunningServer::of(&built("locum-plugin-app")).judged();
    assert_eq!(report.exit_code(), 0, "{}", report.table());
    assert!(report.counts.passed >= 60, "{}", report.table());
    let reasons: Vec<&str> = report
        .profiles
        .iter()
        .flat_map(|profile| &profile.not_run)
        .map(|excused| excused.reason.as_str())
        .collect();
    for reason in [
        "needs a clock that can be moved",
        "needs a tenant of its own",
        "needs another address to ask from",
        "needs the plugin itself",
    ] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
}

#[test]
fn a_server_that_issues_for_the_wrong_audience_fails() {
    let report = RunningServer::of(&built("locum-bad-swaps-aud")).judged();
    assert_ne!(report.exit_code(), 0);
    let differences = report.failures.iter().flat_map(|failure| &failure.differences);
    assert!(differences.into_iter().any(|difference| difference.what == "claim aud"), "{}", report.table());
}

#[test]
fn a_server_that_is_not_there_fails_every_case_that_was_run() {
    let gone = RunningServer::of(&built("locum-plugin-app")).base_url;
    let subject = Subject::Server { base_url: gone, tenant: tenant_file(), manifests: Vec::new() };
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { subject, only, ..options("locum-plugin-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.failed), (0, 1), "{}", report.table());
}
