//! All loaded plugins, as the engine's port `Issuers`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::{Issuer, Issuers};

use crate::configuring::{ConfigurableIssuer, Surroundings};
use crate::load_options::LoadOptions;
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::pins::Pins;
use crate::loading::plugin_file::plugin_files;
use crate::loading::settings_schema::SettingsSchema;
use crate::pauses::{OperatorPauses, PauseScope, PluginPause, TooManyPauses};
use crate::plugin::{Plugin, RunnerOptions};
use crate::signing::SharedSigning;

/// All loaded plugins. Their names and the api_types that they serve are unique.
///
/// It implements the engine's port `Issuers`: give it to an engine, which then configures and calls the plugins' issuers.
///
/// Issuers must be called on a tokio runtime with I/O and time enabled. A plugin in this process runs on the thread that
/// polls the call, and keeps it until it returns.
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
///
/// use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut options = LoadOptions::new(Arc::new(HttpUpstreams::new()?));
/// options.deadline = std::time::Duration::from_secs(5);
/// // Every file must be pinned in /etc/locum/plugins.lock; `locum plugin pin` does that.
/// let plugins = PluginSet::load_directory(Path::new("/etc/locum/plugins"), options)?;
/// for plugin in plugins.plugins() {
///     println!("{} {}", plugin.manifest().name, plugin.manifest().version);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PluginSet {
    plugins: Vec<Arc<Plugin>>,
    by_api_type: HashMap<String, ServedApiType>,
    /// Pauses and signing are shared with the sets that upgrades derive from this one.
    surroundings: Surroundings,
}

/// Where the issuer of an api_type is found.
#[derive(Clone)]
struct ServedApiType {
    /// Index of the plugin.
    plugin: usize,
    /// Index of the issuer in the plugin's manifest.
    issuer: usize,
    /// The issuer's part of the manifest, shared by all add-ons of the api_type.
    manifest: Arc<IssuerManifest>,
    /// The plugin's name, shared like it.
    plugin_name: Arc<str>,
}

impl PluginSet {
    /// Loads these files, which must all be pinned.
    ///
    /// # Errors
    /// Why the first file that cannot be loaded is refused.
    pub fn load<P: AsRef<Path>>(
        files: impl IntoIterator<Item = P>,
        pins: &Pins,
        options: LoadOptions,
    ) -> Result<Self, LoadError> {
        let mut set = Self::empty(options, Arc::default(), Arc::default());
        for path in files {
            let plugin = Plugin::load(path.as_ref(), pins, set.runner_options())?;
            set.add(Arc::new(plugin))?;
        }
        Ok(set)
    }

    fn empty(options: LoadOptions, pauses: Arc<OperatorPauses>, signing: Arc<SharedSigning>) -> Self {
        let surroundings = Surroundings { options, pauses, signing };
        Self { plugins: Vec::new(), by_api_type: HashMap::new(), surroundings }
    }

    pub(crate) fn runner_options(&self) -> RunnerOptions<'_> {
        let LoadOptions { runner, strict_sandbox, .. } = &self.surroundings.options;
        RunnerOptions { command: runner.as_ref(), strict_sandbox: *strict_sandbox }
    }

    /// The same plugins, this one in the place of the one with its name.
    pub(crate) fn with(&self, plugin: Arc<Plugin>) -> Result<Self, LoadError> {
        let Surroundings { options, pauses, signing } = &self.surroundings;
        let mut set = Self::empty(options.clone(), Arc::clone(pauses), Arc::clone(signing));
        for loaded in &self.plugins {
            let replaces = loaded.manifest().name == plugin.manifest().name;
            set.add(Arc::clone(if replaces { &plugin } else { loaded }))?;
        }
        Ok(set)
    }

    /// Loads the [`plugin_files`] of a directory, pinned in the lock file beside it ([`Pins::lock_path`]).
    ///
    /// # Errors
    /// Like [`load`](Self::load), and if the directory or the lock file cannot be read.
    pub fn load_directory(directory: &Path, options: LoadOptions) -> Result<Self, LoadError> {
        Self::load(plugin_files(directory)?, &Pins::from_lock(&Pins::lock_path(directory))?, options)
    }

    fn add(&mut self, plugin: Arc<Plugin>) -> Result<(), LoadError> {
        let index = self.plugins.len();
        let name = &plugin.manifest().name;
        if let Some(other) = self.plugins.iter().find(|other| other.manifest().name == *name) {
            let cause = format!("{} has the same name `{name}`", other.path().display());
            return Err(LoadFault::new(LoadErrorCode::NameTaken, cause).at(plugin.path()));
        }
        for (at, issuer) in plugin.manifest().issuers.iter().enumerate() {
            let (manifest, plugin_name) = (Arc::new(issuer.clone()), name.as_str().into());
            let served = ServedApiType { plugin: index, issuer: at, manifest, plugin_name };
            let taken = self.by_api_type.insert(issuer.api_type.clone(), served);
            if let Some(other) = taken.and_then(|taken| self.plugins.get(taken.plugin)) {
                let cause =
                    format!("{} also serves the api_type `{}`", other.path().display(), issuer.api_type);
                return Err(LoadFault::new(LoadErrorCode::ApiTypeTaken, cause).at(plugin.path()));
            }
        }
        self.plugins.push(plugin);
        Ok(())
    }

    /// How many RSA signatures wait to be made. It is the same for all sets that upgrades derive from each other.
    pub fn signatures_waiting(&self) -> usize {
        self.surroundings.signing.queue.length()
    }

    /// The plugins, in the order in which they were loaded.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.iter().map(|plugin| &**plugin)
    }

    /// Pauses add-ons: they are not called, and requests for them are 503, until they are resumed. A pause also holds for
    /// issuers that are configured later, here or in a set that an upgrade derives from this one. Returns false if there
    /// is such a pause already.
    ///
    /// # Errors
    /// There are too many pauses.
    pub fn pause(&self, scope: &PauseScope) -> Result<bool, TooManyPauses> {
        self.surroundings.pauses.add(scope)
    }

    /// Ends all pauses within this scope, also those that runners have begun by themselves. Returns how many. A wider
    /// pause stays.
    pub fn resume(&self, scope: &PauseScope) -> usize {
        let backends = self.plugins().filter(|plugin| plugin.manifest().name == scope.plugin);
        let ended: usize = backends.map(|plugin| plugin.backend().resume(scope)).sum();
        ended + self.surroundings.pauses.end(scope)
    }

    /// The add-ons that are not called now: first those that an operator has paused, then those that runners have.
    pub fn pauses(&self) -> Vec<PluginPause> {
        let of_operators = self.surroundings.pauses.all().into_iter();
        let of_operators = of_operators.map(|scope| PluginPause { scope, remaining: None });
        of_operators.chain(self.plugins().flat_map(|plugin| plugin.backend().pauses())).collect()
    }

    fn serving(&self, api_type: &str) -> Option<(&Plugin, &ServedApiType, &SettingsSchema)> {
        let served = self.by_api_type.get(api_type)?;
        let plugin = self.plugins.get(served.plugin)?;
        Some((plugin, served, plugin.settings_schema(served.issuer)?))
    }
}

impl Issuers for PluginSet {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.by_api_type.get(api_type).map(|served| Arc::clone(&served.manifest))
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let Some((plugin, served, settings_schema)) = self.serving(&configuration.api_type) else {
            return Err(Failure::internal(format!("no plugin serves api_type `{}`", configuration.api_type)));
        };
        let served = ConfigurableIssuer {
            plugin: &served.plugin_name,
            manifest: &served.manifest,
            settings_schema,
            isolation: plugin.isolation(),
            allows_signing_bytes: plugin.allows_signing_bytes(),
            backend: plugin.backend(),
        };
        served.configure(configuration, &self.surroundings)
    }
}
