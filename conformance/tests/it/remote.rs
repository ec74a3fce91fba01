//! The same fixtures against a running server: cases that need only HTTP pass, the others are listed as not run.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use locum_conformance::report::to_table;
use locum_conformance::{Implementation, Options, Report, ServerUnderTest, run};
use locum_engine::ports::{AuditSink, Clock as _, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, Pins, PluginSet};
use locum_server::{ServerOptions, router};
use locum_store::tenant_file::{References, load};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantData, TenantSet};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::plugin_files::{built, workspace};
use crate::shipped::options;

struct DiscardingSink;

impl AuditSink for DiscardingSink {
    fn record(&self, _: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        PortReply::Now(Ok(()))
    }
}

/// A server on this machine with the suite's tenant and this plugin. It stops with its runtime.
struct RunningServer {
    base_url: String,
    _runtime: Runtime,
}

impl RunningServer {
    fn of(plugin: &Path) -> Self {
        let runtime = Runtime::new().unwrap();
        let upstreams = Arc::new(HttpUpstreams::new().unwrap());
        let pins = Pins::trusting_file(plugin).unwrap();
        let issuers = PluginSet::load([plugin], &pins, LoadOptions::new(upstreams)).unwrap();
        let set = TenantSet::prepare(vec![tenant()], &issuers).unwrap();
        let engine = Engine::new(Ports::new(
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            Arc::new(MemoryDirectory::new(set)),
            Arc::new(MemoryBuckets::default()),
            Arc::new(DiscardingSink),
        ));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = router(Arc::new(engine), ServerOptions::default());
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { base_url, _runtime: runtime }
    }

    fn report_of(&self) -> Report {
        let implementation = Implementation::Server(Box::new(ServerUnderTest::new(&self.base_url, tenant())));
        let now_unix_seconds = i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap();
        let defaults = options("locum-plugin-app");
        run(&Options { implementation, now_unix_seconds, ..defaults }).unwrap()
    }
}

/// The suite's own tenant.
fn tenant() -> TenantData {
    let folder = workspace().join("fixtures");
    load(&folder.join("tenant.yaml"), &References::new(&|_| None, &folder)).unwrap().data
}

#[test]
fn a_correct_server_passes_and_other_cases_are_listed_as_not_run() {
    let report = RunningServer::of(&built("locum-plugin-app")).report_of();
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
    assert!(report.counts.passed >= 100, "{}", to_table(&report));
    let reasons: Vec<&str> = report
        .profiles
        .iter()
        .flat_map(|profile| &profile.not_run)
        .map(|listed| listed.reason.as_str())
        .collect();
    for reason in [
        "needs a controllable clock",
        "needs its own tenant",
        "needs another client IP address",
        "needs the plugin file",
    ] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
}

#[test]
fn a_server_that_issues_for_the_wrong_audience_fails() {
    let report = RunningServer::of(&built("locum-bad-swaps-aud")).report_of();
    assert_ne!(report.exit_code(), 0);
    let differences = report.failures.iter().flat_map(|failure| &failure.differences);
    assert!(
        differences.into_iter().any(|difference| difference.what == "claim aud"),
        "{}",
        to_table(&report)
    );
}

#[test]
fn an_unreachable_server_fails_every_case_that_runs() {
    let stopped = RunningServer::of(&built("locum-plugin-app")).base_url;
    let implementation = Implementation::Server(Box::new(ServerUnderTest::new(stopped, tenant())));
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { implementation, only, ..options("locum-plugin-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.failed), (0, 1), "{}", to_table(&report));
}
