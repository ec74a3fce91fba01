//! The plugins of a host, and the engine's port to them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::{IssuerManifest, Need};
use locum_engine::ports::{Issuer, Issuers};
use zeroize::Zeroizing;

use crate::calling::answer::read_failure;
use crate::calling::backend::Isolation;
use crate::calling::plugin_issuer::PluginIssuer;
use crate::calling::plugin_log;
use crate::calling::secret_mask::SecretMask;
use crate::calling::workers::Workers;
use crate::egress::allowed_upstreams::AllowedUpstreams;
use crate::egress::upstreams::Upstreams;
use crate::limits::REQUEST_DEADLINE;
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::pins::Pins;
use crate::loading::settings_schema::SettingsSchema;
use crate::plugin::Plugin;

/// How plugins are loaded and called.
#[derive(Clone)]
pub struct LoadOptions {
    /// How far they are kept away from the host.
    pub isolation: Isolation,
    /// How long all the steps of one request may take together.
    pub deadline: Duration,
    /// Who performs their upstream calls.
    pub upstreams: Arc<dyn Upstreams>,
}

impl LoadOptions {
    /// In process, with the usual deadline.
    pub fn new(upstreams: Arc<dyn Upstreams>) -> Self {
        Self { isolation: Isolation::default(), deadline: REQUEST_DEADLINE, upstreams }
    }
}

/// The plugins of a host. No two have one name or serve one api_type.
///
/// Its issuers are called on a tokio runtime with time, and always on the same one. Give that runtime one worker thread
/// more than there are cores: one is always kept free of plugins, so that a call that hangs cannot stop everything.
pub struct PluginSet {
    plugins: Vec<Plugin>,
    /// Plugin and issuer in its manifest.
    by_api_type: HashMap<String, (usize, usize)>,
    options: LoadOptions,
}

impl PluginSet {
    /// Loads these files, each of which must be pinned.
    ///
    /// # Errors
    /// The first file that cannot be loaded, and why.
    pub fn load<P: AsRef<Path>>(
        files: impl IntoIterator<Item = P>,
        pins: &Pins,
        options: LoadOptions,
    ) -> Result<Self, LoadError> {
        let workers = Arc::new(Workers::default());
        let mut set = Self { plugins: Vec::new(), by_api_type: HashMap::new(), options };
        for path in files {
            let plugin = Plugin::load(path.as_ref(), pins, set.options.isolation, &workers)?;
            set.add(plugin)?;
        }
        Ok(set)
    }

    /// Loads the plugins of a directory by the lock file beside it.
    ///
    /// # Errors
    /// As [`load`](Self::load), or if the directory or the lock file cannot be read.
    pub fn load_directory(directory: &Path, options: LoadOptions) -> Result<Self, LoadError> {
        Self::load(plugin_files(directory)?, &Pins::from_lock(&Pins::lock_path(directory))?, options)
    }

    fn add(&mut self, plugin: Plugin) -> Result<(), LoadError> {
        let place = self.plugins.len();
        let name = &plugin.manifest().name;
        if let Some(other) = self.plugins.iter().find(|other| other.manifest().name == *name) {
            let cause = format!("{} has the name `{name}` as well", other.path().display());
            return Err(LoadFault::new(LoadErrorCode::NameTaken, cause).at(plugin.path()));
        }
        for (at, issuer) in plugin.manifest().issuers.iter().enumerate() {
            let taken = self.by_api_type.insert(issuer.api_type.clone(), (place, at));
            if let Some(other) = taken.and_then(|(other, _)| self.plugins.get(other)) {
                let cause =
                    format!("{} serves api_type `{}` as well", other.path().display(), issuer.api_type);
                return Err(LoadFault::new(LoadErrorCode::ApiTypeTaken, cause).at(plugin.path()));
            }
        }
        self.plugins.push(plugin);
        Ok(())
    }

    /// The plugins in the order of loading.
    pub fn plugins(&self) -> impl Iterator<Item = &Plugin> {
        self.plugins.iter()
    }

    fn serving(&self, api_type: &str) -> Option<(&Plugin, &IssuerManifest, &SettingsSchema)> {
        let (place, at) = *self.by_api_type.get(api_type)?;
        let plugin = self.plugins.get(place)?;
        Some((plugin, plugin.manifest().issuers.get(at)?, plugin.settings_schema(at)?))
    }
}

impl Issuers for PluginSet {
    fn manifest(&self, api_type: &str) -> Option<&IssuerManifest> {
        self.serving(api_type).map(|(_, manifest, _)| manifest)
    }

    fn configure(&self, mut configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let Some((plugin, manifest, schema)) = self.serving(&configuration.api_type) else {
            return Err(Failure::internal(format!("no plugin serves api_type `{}`", configuration.api_type)));
        };
        configuration.settings = schema.check(configuration.settings)?;
        if !manifest.needs.contains(&Need::TenantSigningKey) {
            configuration.tenant.signing_key = None;
        }
        let allowed =
            AllowedUpstreams::from_manifest(manifest, &configuration.settings).map_err(|setting| {
                Failure::setting(&setting, "expected a URL with http or https and without user")
            })?;
        let secret_mask =
            SecretMask::new(&manifest.settings_schema, &configuration.settings, &configuration.tenant);
        let name: Arc<str> = plugin.manifest().name.as_str().into();
        let input = Zeroizing::new(
            serde_json::to_vec(&configuration).map_err(|error| Failure::internal(error.to_string()))?,
        );
        let ready =
            plugin.backend().create(&input).map_err(|refused| refusal(&refused, &name, &secret_mask))?;
        Ok(Arc::new(PluginIssuer {
            plugin: name,
            form: manifest.credential.clone(),
            ready,
            allowed,
            upstreams: Arc::clone(&self.options.upstreams),
            secret_mask,
            time_limit: self.options.deadline,
        }))
    }
}

/// Why a plugin made no issuer ready.
fn refusal(refused: &[u8], plugin: &str, secret_mask: &SecretMask) -> Failure {
    match read_failure(refused, secret_mask) {
        Ok((failure, lines)) => {
            plugin_log::relay(plugin, secret_mask, &lines);
            failure
        }
        Err(broken) => Failure::internal(format!("the plugin broke its contract: {broken}")),
    }
}

/// The files of a plugins directory that end in `.so`, sorted.
///
/// # Errors
/// [`LoadErrorCode::DirectoryUnreadable`].
pub fn plugin_files(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let unreadable = |error: std::io::Error| {
        LoadFault::new(LoadErrorCode::DirectoryUnreadable, error.to_string()).at(directory)
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "so") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}
