//! Every plugin of the folder `plugins/` passes the suite.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use locum_conformance::report::to_table;
use locum_conformance::{Implementation, Options, Report, TestedIsolation, run, run_at_both_endpoints};
use locum_host::runner::RunnerCommand;

use crate::plugin_files::{ShippedPlugin, built, runner, shipped_plugins};

/// 2026-11-21T00:00:00Z
pub(crate) const TODAY: i64 = 1_795_219_200;

/// The options of a run against a package of this workspace.
pub(crate) fn options(package: &str) -> Options {
    Options {
        implementation: Implementation::Plugin(built(package)),
        fixtures: Vec::new(),
        settings: None,
        only: Vec::new(),
        verbose: false,
        now_unix_seconds: TODAY,
        command: "locum conformance plugin.so".to_owned(),
        isolation: TestedIsolation::InProcess,
        runner: RunnerCommand::Path(runner()),
    }
}

/// The report of a run against a package of this workspace.
pub(crate) fn report_of(package: &str) -> Report {
    run(&options(package)).unwrap_or_else(|error| panic!("{error}"))
}

/// How many plugins are tested at once.
const AT_ONCE: usize = 4;

/// Runs a check, which panics to fail, for every shipped plugin, and names the plugins for which it failed.
pub(crate) fn for_every_shipped_plugin(check: impl Fn(&ShippedPlugin) + Sync) {
    let plugins = shipped_plugins();
    let check = &check;
    let mut failed = Vec::new();
    for group in plugins.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let running: Vec<_> =
                group.iter().map(|plugin| (plugin, scope.spawn(move || check(plugin)))).collect();
            let results = running.into_iter().map(|(plugin, thread)| (plugin, thread.join()));
            failed.extend(
                results.filter(|(_, result)| result.is_err()).map(|(plugin, _)| plugin.folder.as_str()),
            );
        });
    }
    assert!(failed.is_empty(), "failed for the plugins {}; see the messages above", failed.join(", "));
}

#[test]
fn every_shipped_plugin_passes_and_gives_the_same_answers_at_both_levels_of_isolation() {
    for_every_shipped_plugin(|plugin| {
        let options = Options { isolation: TestedIsolation::Both, ..options(&plugin.package) };
        let report = run(&options).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.exit_code(), 0, "{}: {}", plugin.folder, to_table(&report));
    });
}

/// The fixtures of all plugins make some 2,500 delegations.
#[test]
fn what_one_endpoint_refuses_the_other_does_not_grant() {
    let counted = AtomicUsize::new(0);
    for_every_shipped_plugin(|plugin| {
        let options = options(&plugin.package);
        let (report, requests) = run_at_both_endpoints(&options).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.exit_code(), 0, "{}: {}", plugin.folder, to_table(&report));
        assert!(requests > 100, "{}: {requests} requests were made at both endpoints", plugin.folder);
        counted.fetch_add(requests, Ordering::Relaxed);
    });
    println!("{} requests were made at both endpoints", counted.into_inner());
}
