//! A run against a plugin file.

use std::path::Path;
use std::sync::Arc;

use locum_abi::manifest::Manifest;
use locum_engine::ports::Issuers;
use locum_host::{Isolation, LoadOptions, Pins, PluginSet, inspect};
use tokio::runtime::Runtime;
use tracing::dispatcher::set_default;

use crate::cases::harness::Harness;
use crate::cases::log_lines::LogLines;
use crate::cases::scripted_upstreams::ScriptedUpstreams;
use crate::fixtures::load::Fixtures;
use crate::fixtures::plugin_spec::PluginSpec;
use crate::fixtures::variables::rfc_3339;
use crate::options::{Options, SetupError};
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
        let load = LoadOptions::new(upstreams.clone());
        let isolation = load.isolation;
        let log = Arc::new(LogLines::default());
        let runtime = runtime(&log)?;
        let plugins = Arc::new(PluginSet::load([&file], &Pins::trusting_file(&file)?, load)?);
        let inspection = inspect(&file)?;
        let manifest = inspection.manifest;
        let harness = Harness { issuers: plugins as Arc<dyn Issuers>, upstreams, log, fault: None };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let implementation = ImplementationReport::of_plugin(
            name,
            inspection.sha256.to_string(),
            &manifest,
            isolation_name(isolation),
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

fn isolation_name(isolation: Isolation) -> String {
    match isolation {
        Isolation::InProcess => "in process".to_owned(),
        other => format!("{other:?}"),
    }
}
