//! All loaded plugins, as the engine's port `Issuers`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::{Issuer, Issuers};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::calling::answer::read_failure;
use crate::calling::backend::{CreateError, IssuerLabel};
use crate::calling::kept_values::KeptValues;
use crate::calling::pausable::PausableIssuer;
use crate::calling::plugin_issuer::PluginIssuer;
use crate::calling::plugin_log;
use crate::calling::secret_mask::SecretMask;
use crate::egress::allowed_upstreams::AllowedUpstreams;
use crate::egress::upstreams::Upstreams;
use crate::limits::{CONFIGURE_DEADLINE, CONFIGURE_THREADS_MAX, MESSAGE_CHARS_MAX, REQUEST_DEADLINE};
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::pins::Pins;
use crate::loading::plugin_file::plugin_files;
use crate::loading::settings_schema::SettingsSchema;
use crate::observer::CallObservers;
use crate::pauses::{OperatorPauses, PauseScope, PluginPause, TooManyPauses};
use crate::plugin::{Plugin, RunnerOptions};
use crate::runner::RunnerCommand;
use crate::signing::SharedSigning;
use crate::signing::signer::Signer;

/// How plugins are loaded and called.
#[derive(Clone)]
#[non_exhaustive]
pub struct LoadOptions {
    /// What starts the processes of plugins that are pinned to run in one; without it those are refused.
    pub runner: Option<RunnerCommand>,
    /// Whether such plugins are refused where the kernel lacks one of the [`Protections`](crate::Protections).
    pub strict_sandbox: bool,
    /// How long all steps of one request together may take.
    pub deadline: Duration,
    /// How long a plugin may take to configure one issuer.
    pub configure_deadline: Duration,
    /// What performs the upstream calls that plugins ask for.
    pub upstreams: Arc<dyn Upstreams>,
    /// Who measures the calls of plugins and upstreams, if anybody does.
    pub observers: Option<Arc<dyn CallObservers>>,
}

impl LoadOptions {
    /// Without a runner, with [`REQUEST_DEADLINE`] and [`CONFIGURE_DEADLINE`].
    pub fn new(upstreams: Arc<dyn Upstreams>) -> Self {
        Self {
            runner: None,
            strict_sandbox: false,
            deadline: REQUEST_DEADLINE,
            configure_deadline: CONFIGURE_DEADLINE,
            upstreams,
            observers: None,
        }
    }
}

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
pub struct PluginSet {
    plugins: Vec<Arc<Plugin>>,
    by_api_type: HashMap<String, ServedApiType>,
    signing: Arc<SharedSigning>,
    options: LoadOptions,
    /// Shared with the sets that upgrades derive from this one.
    pauses: Arc<OperatorPauses>,
}

/// Where the issuer of an api_type is found.
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
        Self { plugins: Vec::new(), by_api_type: HashMap::new(), signing, options, pauses }
    }

    pub(crate) fn runner_options(&self) -> RunnerOptions<'_> {
        let LoadOptions { runner, strict_sandbox, .. } = &self.options;
        RunnerOptions { command: runner.as_ref(), strict_sandbox: *strict_sandbox }
    }

    /// The same plugins, this one in the place of the one with its name.
    pub(crate) fn with(&self, plugin: Arc<Plugin>) -> Result<Self, LoadError> {
        let mut set = Self::empty(self.options.clone(), Arc::clone(&self.pauses), Arc::clone(&self.signing));
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
        self.signing.queue.length()
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
        self.pauses.add(scope)
    }

    /// Ends all pauses within this scope, also those that runners have begun by themselves. Returns how many. A wider
    /// pause stays.
    pub fn resume(&self, scope: &PauseScope) -> usize {
        let backends = self.plugins().filter(|plugin| plugin.manifest().name == scope.plugin);
        let ended: usize = backends.map(|plugin| plugin.backend().resume(scope)).sum();
        ended + self.pauses.end(scope)
    }

    /// The add-ons that are not called now: first those that an operator has paused, then those that runners have.
    pub fn pauses(&self) -> Vec<PluginPause> {
        let of_operators = self.pauses.all().into_iter();
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

    fn configure(&self, mut configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let Some((plugin, served, schema)) = self.serving(&configuration.api_type) else {
            return Err(Failure::internal(format!("no plugin serves api_type `{}`", configuration.api_type)));
        };
        let ServedApiType { manifest, plugin_name: name, .. } = served;
        let observer = self
            .options
            .observers
            .as_ref()
            .map(|observers| observers.of_issuer(name, plugin.isolation(), &configuration.api_type));
        configuration.settings = schema.check(configuration.settings)?;
        let allowed = AllowedUpstreams::take(manifest, &mut configuration.settings)?;
        let signer =
            Signer::take(manifest, &mut configuration, plugin.allows_signing_bytes(), &self.signing)?;
        let secret_mask =
            SecretMask::new(&manifest.settings_schema, &configuration.settings, &configuration.tenant);
        let input = message(&configuration).map_err(|error| Failure::internal(error.to_string()))?;
        overwrite(&mut configuration.settings);
        let Configuration { api_type, tenant, .. } = configuration;
        let label = IssuerLabel { tenant: tenant.domain, api_type };
        let pauses = Arc::clone(&self.pauses);
        let deadline = self.options.configure_deadline;
        let issuer = plugin
            .backend()
            .create(input, deadline, label.clone())
            .map_err(|error| not_created(&error, name, deadline, &secret_mask))?;
        let issuer = PluginIssuer {
            plugin: Arc::clone(name),
            issuer,
            allowed,
            upstreams: Arc::clone(&self.options.upstreams),
            observer,
            signer,
            secret_mask,
            kept: manifest.keeps.then(KeptValues::default),
            time_limit: self.options.deadline,
        };
        Ok(Arc::new(PausableIssuer { issuer, plugin: Arc::clone(name), label, pauses }))
    }
}

fn not_created(error: &CreateError, plugin: &str, deadline: Duration, secret_mask: &SecretMask) -> Failure {
    let cause = match error {
        CreateError::Refused(refused) => return refusal(refused, plugin, secret_mask),
        CreateError::TimedOut => format!("the plugin did not answer within {} ms", deadline.as_millis()),
        CreateError::Died(cause) => format!("the plugin's process ended or does not start: {cause}"),
        CreateError::TooManyHang => {
            format!("{CONFIGURE_THREADS_MAX} earlier calls of the plugin hang; restart the server")
        }
        CreateError::NoThread => "the system gave no thread in which to call the plugin".to_owned(),
    };
    tracing::error!(plugin, "an issuer could not be configured: {cause}");
    Failure::internal(cause)
}

/// The configuration as a message. Its length is found out first: a message that grows leaves copies of its beginning in
/// memory.
fn message(configuration: &Configuration) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = ByteCount(0);
    serde_json::to_writer(&mut length, configuration)?;
    let mut message = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *message, configuration)?;
    Ok(message)
}

/// Counts what is written.
struct ByteCount(usize);

impl std::io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Overwrites the texts of settings, which may be secrets.
fn overwrite(settings: &mut Map<String, Value>) {
    settings.values_mut().for_each(overwrite_value);
}

fn overwrite_value(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(overwrite_value),
        Value::Object(members) => overwrite(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads the failure with which a plugin refused a configuration.
fn refusal(refused: &[u8], plugin: &str, secret_mask: &SecretMask) -> Failure {
    match read_failure(refused, secret_mask) {
        Ok((failure, accompanying)) => {
            plugin_log::relay(plugin, &accompanying.logs, |text| {
                secret_mask.sanitized(text, MESSAGE_CHARS_MAX)
            });
            failure
        }
        Err(broken) => Failure::internal(format!("the plugin broke its contract: {broken}")),
    }
}

#[cfg(test)]
mod tests {
    use locum_abi::configuration::Tenant;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_written_without_copies_of_its_beginning() {
        let settings = json!({"secret": "s".repeat(10_000)});
        let Value::Object(settings) = settings else { panic!("an object") };
        let configuration = Configuration::new("aws", settings, Tenant::new("acme.example.com"));
        let message = message(&configuration).unwrap();
        assert_eq!(message.capacity(), message.len());
        assert_eq!(serde_json::from_slice::<Configuration>(&message).unwrap().api_type, "aws");
    }

    #[test]
    fn every_text_of_the_settings_is_overwritten() {
        let mut settings = json!({"key": "secret", "list": ["secret", {"key": "secret"}], "minutes": 5});
        let Value::Object(members) = &mut settings else { panic!("an object") };
        overwrite(members);
        assert_eq!(settings, json!({"key": "", "list": ["", {"key": ""}], "minutes": 5}));
    }
}
