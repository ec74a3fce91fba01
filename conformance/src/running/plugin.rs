//! A run against a plugin file.

use std::path::Path;
use std::sync::Arc;

use locum_abi::manifest::Manifest;
use locum_engine::ports::Issuers;
use locum_host::{Isolation, LoadError, LoadOptions, Pins, PluginSet, Upstreams, inspect};
use tokio::runtime::Runtime;
use tracing::dispatcher::set_default;

use crate::cases::both_endpoints::BothEndpoints;
use crate::cases::both_levels::{BothLevels, RecordingUpstreams, ReplayingUpstreams};
use crate::cases::fresh_processes::FreshProcesses;
use crate::cases::harness::Harness;
use crate::cases::log_lines::LogLines;
use crate::cases::runner_tokens::RunnerTokens;
use crate::cases::scripted_upstreams::ScriptedUpstreams;
use crate::fixtures::load::Fixtures;
use crate::fixtures::plugin_spec::PluginSpec;
use crate::fixtures::variables::rfc_3339;
use crate::options::{Options, SetupError, TestedIsolation};
use crate::report::{ImplementationReport, Report};
use crate::running::run::{Run, RunDestination};
use crate::running::runtime::runtime;
use crate::running::spec::spec_for;

/// Runs all cases of a plugin file.
pub(crate) fn test_plugin(options: &Options, fixtures: &Fixtures, file: &Path) -> Result<Report, SetupError> {
    let plugin = LoadedPlugin::load(options, fixtures, file)?;
    let implementation = plugin.implementation.clone();
    let results = plugin.with_run(async |run| run.all_cases().await)?;
    Ok(Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command))
}

/// The same with every delegation made at both endpoints. Also returns how many were.
pub(crate) fn test_at_both_endpoints(
    options: &Options,
    fixtures: &Fixtures,
    file: &Path,
) -> Result<(Report, usize), SetupError> {
    let mut plugin = LoadedPlugin::load(options, fixtures, file)?;
    let both = Arc::new(BothEndpoints::default());
    plugin.harness.both_endpoints = Some(Arc::clone(&both));
    let implementation = plugin.implementation.clone();
    let results = plugin.with_run(async |run| run.all_cases().await)?;
    let report = Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command);
    Ok((report, both.counted()))
}

/// A loaded plugin with everything that its cases need.
pub(crate) struct LoadedPlugin<'a> {
    options: &'a Options,
    fixtures: &'a Fixtures,
    manifest: Manifest,
    spec: PluginSpec,
    harness: Harness,
    runtime: Runtime,
    implementation: ImplementationReport,
}

impl<'a> LoadedPlugin<'a> {
    /// Loads the plugin as production does, by a pin of the file as it is.
    ///
    /// # Errors
    /// A plugin that cannot be loaded, or that has no plugin spec.
    pub(crate) fn load(
        options: &'a Options,
        fixtures: &'a Fixtures,
        file: &Path,
    ) -> Result<Self, SetupError> {
        let file = std::path::absolute(file).map_err(SetupError::Runtime)?;
        let upstreams = Arc::new(ScriptedUpstreams::default());
        let log = Arc::new(LogLines::default());
        let runtime = runtime(&log)?;
        let inspection = inspect(&file)?;
        let manifest = inspection.manifest;
        let isolation = tested_isolation(options.isolation, &manifest);
        let runner_tokens = Arc::new(RunnerTokens::default());
        let issuers = load_issuers(options, isolation, &file, &upstreams, &runner_tokens)?;
        let mut fresh = FreshProcesses::of(file.clone(), options.runner.clone(), upstreams.clone());
        if manifest.needs_tenant_key() {
            fresh = fresh.unavailable(
                "no process of a plugin is given the tenant's private key, which this one needs",
            );
        }
        let harness = Harness {
            issuers,
            upstreams,
            log,
            runner_tokens,
            fresh: Arc::new(fresh),
            earlier: Arc::default(),
            both_endpoints: None,
            fault: None,
            request_fault: None,
        };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let implementation = ImplementationReport::of_plugin(
            name,
            inspection.sha256.to_string(),
            &manifest,
            isolation_name(options.isolation, isolation),
        );
        let spec = spec_for(options, fixtures, &manifest)?;
        Ok(Self { options, fixtures, manifest, spec, harness, runtime, implementation })
    }

    /// Does this work with the plugin's run, on the plugin's runtime, while the log is recorded.
    pub(crate) fn with_run<T>(
        self,
        work: impl AsyncFnOnce(Run<'_>) -> Result<T, SetupError>,
    ) -> Result<T, SetupError> {
        let run = Run {
            options: self.options,
            fixtures: self.fixtures,
            manifest: &self.manifest,
            spec: &self.spec,
            tenant: &self.fixtures.tenant,
            destination: RunDestination::InProcess(self.harness.clone()),
            of_several_api_types: self.manifest.issuers.len() > 1,
        };
        let log = set_default(&self.harness.log.dispatch());
        let outcome = self.runtime.block_on(work(run));
        drop(log);
        // A plugin call that hangs would block a normal shutdown.
        self.runtime.shutdown_background();
        outcome
    }
}

/// The levels at which a plugin can be tested. One that needs the tenant's private key is given it only in process.
fn tested_isolation(wanted: TestedIsolation, manifest: &Manifest) -> TestedIsolation {
    if manifest.needs_tenant_key() && wanted == TestedIsolation::Both {
        TestedIsolation::InProcess
    } else {
        wanted
    }
}

/// The issuers of a plugin file, at the levels that are to be tested.
fn load_issuers(
    options: &Options,
    isolation: TestedIsolation,
    file: &Path,
    upstreams: &Arc<ScriptedUpstreams>,
    runner_tokens: &Arc<RunnerTokens>,
) -> Result<Arc<dyn Issuers>, LoadError> {
    let load = |isolation, upstreams: Arc<dyn Upstreams>| {
        let mut load = LoadOptions::new(upstreams);
        load.runner = Some(options.runner.clone());
        PluginSet::load([file], &Pins::trusting_file(file)?.at(isolation), load)
    };
    Ok(match isolation {
        TestedIsolation::InProcess => Arc::new(load(Isolation::InProcess, upstreams.clone())?),
        TestedIsolation::Runner => Arc::new(load(Isolation::Runner, upstreams.clone())?),
        TestedIsolation::Both => Arc::new(BothLevels {
            in_process: load(Isolation::InProcess, Arc::new(RecordingUpstreams(upstreams.clone())))?,
            runner: load(Isolation::Runner, Arc::new(ReplayingUpstreams))?,
            runner_tokens: Arc::clone(runner_tokens),
        }),
    })
}

fn isolation_name(wanted: TestedIsolation, tested: TestedIsolation) -> String {
    match (wanted, tested) {
        (TestedIsolation::Both, TestedIsolation::InProcess) => {
            "in process; not run in the runner, where no plugin is given the tenant's private key, which this one needs"
        }
        (_, TestedIsolation::InProcess) => "in process",
        (_, TestedIsolation::Runner) => "runner",
        (_, TestedIsolation::Both) => "in process and runner, with equal answers",
    }
    .to_owned()
}
