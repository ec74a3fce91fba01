//! Processes of the plugin that have served nobody yet: what a request gets there depends on no other request.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_engine::ports::{Issuer, Issuers as _};
use locum_host::runner::RunnerCommand;
use locum_host::{LoadOptions, Pins, PluginSet, ProcessScope};

use crate::cases::scripted_upstreams::ScriptedUpstreams;

/// Starts a process for each call. The plugin is loaded for it once, when the first one is needed.
pub(crate) struct FreshProcesses {
    file: PathBuf,
    runner: RunnerCommand,
    upstreams: Arc<ScriptedUpstreams>,
    /// Why there is none, if that is known.
    unavailable: Option<String>,
    plugin: OnceLock<Result<PluginSet, String>>,
}

/// Why a call was not made.
pub(crate) enum NoProcess {
    /// This plugin, or this machine, has no processes for plugins.
    Unavailable(String),
    /// The plugin refuses the settings.
    Refused(Failure),
}

impl FreshProcesses {
    pub(crate) fn of(file: PathBuf, runner: RunnerCommand, upstreams: Arc<ScriptedUpstreams>) -> Self {
        Self { file, runner, upstreams, unavailable: None, plugin: OnceLock::new() }
    }

    /// The same for a plugin that no process of its own can serve.
    pub(crate) fn unavailable(self, why: &str) -> Self {
        Self { unavailable: Some(why.to_owned()), ..self }
    }

    /// Configures an issuer in a new process, and does this work with it. Then the process ends. It is a new one if no other
    /// work is done meanwhile.
    ///
    /// # Errors
    /// There is no such process, or the plugin refuses the settings.
    pub(crate) async fn with_issuer<T>(
        &self,
        configuration: Configuration,
        work: impl AsyncFnOnce(&dyn Issuer) -> T,
    ) -> Result<T, NoProcess> {
        if let Some(why) = &self.unavailable {
            return Err(NoProcess::Unavailable(why.clone()));
        }
        let plugin = self.plugin.get_or_init(|| self.load()).as_ref();
        let plugin = plugin.map_err(|why| NoProcess::Unavailable(why.clone()))?;
        let issuer = plugin.configure(configuration).map_err(NoProcess::Refused)?;
        Ok(work(&*issuer).await)
    }

    fn load(&self) -> Result<PluginSet, String> {
        let mut options = LoadOptions::new(self.upstreams.clone());
        options.runner = Some(self.runner.clone());
        // A process serves one tenant, and ends with its last issuer: each issuer here is the only one of its process.
        let pins = Pins::trusting_file(&self.file).map(|pins| pins.isolating(ProcessScope::Tenant));
        let plugin = pins.and_then(|pins| PluginSet::load([&self.file], &pins, options));
        plugin.map_err(|error| format!("needs the plugin in a process of its own: {error}"))
    }
}
