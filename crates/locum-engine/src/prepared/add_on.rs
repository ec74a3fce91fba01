//! An add-on with its configured issuer, or with the failure of the configuration.

use std::fmt;
use std::sync::{Arc, OnceLock};

use locum_abi::answer::Failure;
use locum_abi::configuration::{Configuration, Tenant as TenantForIssuer};
use locum_abi::manifest::{IssuerManifest, Read};
use serde_json::{Map, Value};

use crate::issuers::{Issuer, Issuers};
use crate::model::AddOn;
use crate::prepared::reuse::ReusableCredentials;
use crate::prepared::tenant::PreparedTenant;

/// An add-on of a client, configured once.
pub struct PreparedAddOn {
    api_type: Box<str>,
    /// Those settings that the engine reads itself. The others, with all secrets, are the issuer's alone.
    read_settings: Box<[(String, Value)]>,
    /// Absent if no plugin serves the api_type.
    manifest: Option<Arc<IssuerManifest>>,
    issuer: Result<Arc<dyn Issuer>, Box<Failure>>,
    /// Made when the first credential is looked for: most add-ons have none.
    reusable: OnceLock<Arc<ReusableCredentials>>,
}

/// An add-on that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddOnProblem {
    /// The client that it belongs to.
    pub client_id: String,
    /// Its api_type.
    pub api_type: String,
    /// Why its issuer is not configured.
    pub failure: Failure,
}

impl PreparedAddOn {
    /// Configures the issuer, which is given the settings, and no more of the tenant than its manifest asks for.
    pub(super) fn prepare(tenant: &PreparedTenant, add_on: AddOn, issuers: &dyn Issuers) -> Self {
        let AddOn { api_type, mut settings } = add_on;
        let manifest = issuers.manifest(&api_type);
        let mut read_settings = Box::default();
        let issuer = match &manifest {
            Some(manifest) => {
                remove_blanks(&mut settings, manifest);
                read_settings = settings_that_the_engine_reads(&settings, manifest);
                issuers.configure(configuration(tenant, &api_type, settings, manifest))
            }
            None => Err(Failure::internal(
                "no plugin that is loaded serves this api_type; load one or remove the add-on",
            )),
        };
        let issuer = issuer.map_err(Box::new);
        Self { api_type: api_type.into(), read_settings, manifest, issuer, reusable: OnceLock::new() }
    }

    /// The api_type.
    pub fn api_type(&self) -> &str {
        &self.api_type
    }

    /// Whether the issuer can be called.
    pub fn is_ready(&self) -> bool {
        self.issuer.is_ok()
    }

    /// The issuer's manifest, if a plugin serves the api_type.
    pub(crate) fn manifest(&self) -> Option<&IssuerManifest> {
        self.manifest.as_deref()
    }

    /// The issuer, or why it is not configured.
    pub(crate) fn issuer(&self) -> Result<&Arc<dyn Issuer>, &Failure> {
        self.issuer.as_ref().map_err(|failure| &**failure)
    }

    /// The credentials kept for reuse.
    pub(crate) fn reusable(&self) -> &Arc<ReusableCredentials> {
        self.reusable.get_or_init(Arc::default)
    }

    /// A stored setting that states a lifetime or names an attribute.
    pub(crate) fn setting(&self, name: &str) -> Option<&Value> {
        self.read_settings.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(super) fn problem(&self, client_id: &str) -> Option<AddOnProblem> {
        let failure = Failure::clone(self.issuer.as_ref().err()?);
        Some(AddOnProblem { client_id: client_id.to_owned(), api_type: self.api_type.to_string(), failure })
    }
}

/// The setting that states a lifetime, and those that name attributes.
fn settings_that_the_engine_reads(
    settings: &Map<String, Value>,
    manifest: &IssuerManifest,
) -> Box<[(String, Value)]> {
    let naming = manifest.reads.iter().filter_map(|read| match read {
        Read::NamedBySetting { setting, .. } => Some(setting),
        Read::Attribute { .. } | Read::Unknown => None,
    });
    let names = naming.chain(manifest.lifetime.setting.iter().map(|setting| &setting.name));
    names.filter_map(|name| Some((name.clone(), settings.get(name)?.clone()))).collect()
}

/// Removes optional settings that are blank: exports of Auth0 have those where nothing was set. Blank is an empty text,
/// and a lifetime of 0 where the schema accepts it.
fn remove_blanks(settings: &mut Map<String, Value>, manifest: &IssuerManifest) {
    let schema = &manifest.settings_schema;
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|required| required == name));
    let lifetime = manifest.lifetime.setting.as_ref().map(|setting| setting.name.as_str());
    let is_blank = |name: &str, value: &Value| {
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        property.is_some_and(|property| {
            value == "" || (value == 0 && lifetime == Some(name) && property.get("minimum") == Some(value))
        })
    };
    settings.retain(|name, value| is_required(name) || !is_blank(name, value));
}

fn configuration(
    tenant: &PreparedTenant,
    api_type: &str,
    settings: Map<String, Value>,
    manifest: &IssuerManifest,
) -> Configuration {
    let tenant = TenantForIssuer {
        domain: tenant.domain().to_owned(),
        signing_key: if manifest.uses_tenant_key() {
            tenant.tenant().signing_keys.first().cloned()
        } else {
            None
        },
    };
    Configuration::new(api_type, settings, tenant)
}

// Settings contain account keys and passwords, so only their names are shown.
impl fmt::Debug for PreparedAddOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedAddOn")
            .field("api_type", &self.api_type)
            .field("read_settings", &self.read_settings.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("is_ready", &self.is_ready())
            .field("reusable", &self.reusable.get())
            .finish()
    }
}
