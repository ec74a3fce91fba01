//! Plugins that are linked into the program, as the engine's port `Issuers`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::sync::Arc;

use locum_abi::answer::Failure;
use locum_abi::boundary::LinkedPlugin;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::{Issuer, Issuers};

use crate::calling::in_process::InProcessBackend;
use crate::configuring::{ConfigurableIssuer, Surroundings};
use crate::isolation::Isolation;
use crate::load_options::LoadOptions;
use crate::loading::checked_manifest::CheckedManifest;
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::settings_schema::SettingsSchema;

/// Plugins that are linked into the program of an embedder, in place of files.
///
/// `locum_plugin::linked_plugin` makes one of a type that implements the SDK's `Issuer`. Settings, answers, upstream calls,
/// signatures, kept values and deadlines are checked by the same code as those of a file that is pinned for the host's own
/// process, see [`Isolation::InProcess`]. What differs:
///
/// - They write log lines to the program's own logger of `log`, and panic messages to its panic hook: the host does not mask
///   secrets there.
/// - They have no pin, so nothing permits that bytes which are not a JWT are signed for them.
/// - They are not upgraded and not paused.
pub struct LinkedPlugins {
    by_api_type: HashMap<String, LinkedIssuer>,
    surroundings: Surroundings,
}

struct LinkedIssuer {
    /// The plugin's name.
    plugin: Arc<str>,
    manifest: Arc<IssuerManifest>,
    settings_schema: SettingsSchema,
    /// Shared by the issuers of a plugin.
    backend: Arc<InProcessBackend>,
}

impl LinkedPlugins {
    /// Checks the manifests of these plugins, as those of files. Of the options, those about runners do not apply.
    ///
    /// # Errors
    /// A manifest declares what this host cannot enforce, or two plugins serve one api_type. The `path` of the error is the
    /// plugin's name.
    pub fn new(
        plugins: impl IntoIterator<Item = LinkedPlugin>,
        options: LoadOptions,
    ) -> Result<Self, LoadError> {
        let surroundings = Surroundings { options, pauses: Arc::default(), signing: Arc::default() };
        let mut linked = Self { by_api_type: HashMap::new(), surroundings };
        for plugin in plugins {
            let name = plugin.manifest.name.clone();
            linked.add(plugin).map_err(|fault| fault.at(Path::new(&name)))?;
        }
        Ok(linked)
    }

    fn add(&mut self, LinkedPlugin { manifest, create, .. }: LinkedPlugin) -> Result<(), LoadFault> {
        let json = serde_json::to_vec(&manifest)
            .map_err(|error| LoadFault::new(LoadErrorCode::ManifestUnreadable, error.to_string()))?;
        let CheckedManifest { manifest, settings_schemas, .. } = CheckedManifest::parse(&json)?;
        if manifest.needs_tenant_key() {
            let cause = "the plugin asks to be given the tenant's private key";
            return Err(LoadFault::new(LoadErrorCode::TenantKeyNotGiven, cause));
        }
        let plugin: Arc<str> = manifest.name.as_str().into();
        let backend = Arc::new(InProcessBackend::new(create, &plugin));
        for (issuer, settings_schema) in manifest.issuers.into_iter().zip(settings_schemas) {
            let Entry::Vacant(free) = self.by_api_type.entry(issuer.api_type.clone()) else {
                let cause = format!("another plugin serves the api_type `{}`", issuer.api_type);
                return Err(LoadFault::new(LoadErrorCode::ApiTypeTaken, cause));
            };
            free.insert(LinkedIssuer {
                plugin: Arc::clone(&plugin),
                manifest: Arc::new(issuer),
                settings_schema,
                backend: Arc::clone(&backend),
            });
        }
        Ok(())
    }
}

impl Issuers for LinkedPlugins {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.by_api_type.get(api_type).map(|served| Arc::clone(&served.manifest))
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let Some(served) = self.by_api_type.get(&configuration.api_type) else {
            return Err(Failure::internal(format!("no plugin serves api_type `{}`", configuration.api_type)));
        };
        let served = ConfigurableIssuer {
            plugin: &served.plugin,
            manifest: &served.manifest,
            settings_schema: &served.settings_schema,
            isolation: Isolation::InProcess,
            allows_signing_bytes: false,
            backend: &*served.backend,
        };
        served.configure(configuration, &self.surroundings)
    }
}
