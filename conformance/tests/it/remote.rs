//! The same fixtures against a running server: cases that need only HTTP pass, the others are listed as not run.

use locum_conformance::report::to_table;
use locum_conformance::{Implementation, Options, Report, ServerUnderTest, run};
use locum_engine::ports::Clock as _;
use locum_store::tenant_file::{References, load};
use locum_store::{SystemClock, TenantData};

use crate::plugin_files::{built, workspace};
use crate::running_server::RunningServer;
use crate::shipped::options;

fn report_of(server: &RunningServer) -> Report {
    let implementation = Implementation::Server(Box::new(ServerUnderTest::new(&server.base_url, tenant())));
    let now_unix_seconds = i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap();
    let defaults = options("locum-plugin-app");
    run(&Options { implementation, now_unix_seconds, ..defaults }).unwrap()
}

/// The suite's own tenant.
fn tenant() -> TenantData {
    let folder = workspace().join("fixtures");
    load(&folder.join("tenant.yaml"), &References::new(&|_| None, &folder)).unwrap().data
}

#[test]
fn a_correct_server_passes_and_other_cases_are_listed_as_not_run() {
    let report = report_of(&RunningServer::of(&built("locum-plugin-app"), tenant()));
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
    assert!(report.counts.passed >= 100, "{}", to_table(&report));
    let not_run = || report.profiles.iter().flat_map(|profile| &profile.not_run);
    let reasons: Vec<&str> = not_run().map(|listed| listed.reason.as_str()).collect();
    for reason in [
        "needs a controllable clock",
        "needs its own tenant",
        "needs another client IP address",
        "needs the plugin file",
    ] {
        assert!(reasons.contains(&reason), "{reasons:?}");
    }
    let needs_file = not_run().filter(|listed| listed.reason == "needs the plugin file");
    let needs_file: Vec<&str> = needs_file.map(|listed| listed.case.as_str()).collect();
    for probe in [
        "a-second-user-gets-what-nobody-before-has-changed",
        "a-setting-sent-as-a-parameter-changes-nothing",
        "equal-grants-give-equal-credentials-in-two-processes",
    ] {
        assert!(needs_file.contains(&probe), "{needs_file:?}");
    }
}

#[test]
fn a_server_that_issues_for_the_wrong_audience_fails() {
    let report = report_of(&RunningServer::of(&built("locum-bad-swaps-aud"), tenant()));
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
    let stopped = RunningServer::of(&built("locum-plugin-app"), tenant()).base_url;
    let implementation = Implementation::Server(Box::new(ServerUnderTest::new(stopped, tenant())));
    let only = vec!["an-unknown-client-is-refused".to_owned()];
    let report = run(&Options { implementation, only, ..options("locum-plugin-app") }).unwrap();
    assert_eq!((report.counts.passed, report.counts.failed), (0, 1), "{}", to_table(&report));
}
