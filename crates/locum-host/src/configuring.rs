//! Configures an issuer of a plugin, wherever its code is: checks the settings, takes the private keys out of them, and binds
//! the issuer to all that the host enforces for it.

use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::Issuer;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::calling::answer::read_failure;
use crate::calling::backend::{Backend, CreateError, IssuerLabel};
use crate::calling::kept_values::KeptValues;
use crate::calling::pausable::PausableIssuer;
use crate::calling::plugin_issuer::PluginIssuer;
use crate::calling::plugin_log;
use crate::calling::secret_mask::SecretMask;
use crate::egress::allowed_upstreams::AllowedUpstreams;
use crate::isolation::Isolation;
use crate::limits::{CONFIGURE_THREADS_MAX, MESSAGE_CHARS_MAX};
use crate::load_options::LoadOptions;
use crate::loading::settings_schema::SettingsSchema;
use crate::pauses::OperatorPauses;
use crate::signing::SharedSigning;
use crate::signing::signer::Signer;

/// What the issuers of a host share.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) options: LoadOptions,
    pub(crate) pauses: Arc<OperatorPauses>,
    pub(crate) signing: Arc<SharedSigning>,
}

/// An issuer that can be configured, of a plugin that passed the checks of loading.
pub(crate) struct ConfigurableIssuer<'a> {
    /// The plugin's name.
    pub(crate) plugin: &'a Arc<str>,
    pub(crate) manifest: &'a IssuerManifest,
    pub(crate) settings_schema: &'a SettingsSchema,
    pub(crate) isolation: Isolation,
    pub(crate) allows_signing_bytes: bool,
    pub(crate) backend: &'a dyn Backend,
}

impl ConfigurableIssuer<'_> {
    /// Configures it for one add-on.
    ///
    /// # Errors
    /// The settings violate the schema, or the issuer refuses them.
    pub(crate) fn configure(
        &self,
        mut configuration: Configuration,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Issuer>, Failure> {
        let Self { plugin: name, manifest, settings_schema, isolation, allows_signing_bytes, backend } = self;
        let Surroundings { options, pauses, signing } = surroundings;
        let observer = options
            .observers
            .as_ref()
            .map(|observers| observers.of_issuer(name, *isolation, &configuration.api_type));
        configuration.settings = settings_schema.check(configuration.settings)?;
        let allowed = AllowedUpstreams::take(manifest, &mut configuration.settings)?;
        let signer = Signer::take(manifest, &mut configuration, *allows_signing_bytes, signing)?;
        let secret_mask =
            SecretMask::new(&manifest.settings_schema, &configuration.settings, &configuration.tenant);
        let input = message(&configuration).map_err(|error| Failure::internal(error.to_string()))?;
        overwrite(&mut configuration.settings);
        let Configuration { api_type, tenant, .. } = configuration;
        let label = IssuerLabel { tenant: tenant.domain, api_type };
        let deadline = options.configure_deadline;
        let issuer = backend
            .create(input, deadline, label.clone())
            .map_err(|error| not_created(&error, name, deadline, &secret_mask))?;
        let issuer = PluginIssuer {
            plugin: Arc::clone(name),
            issuer,
            allowed,
            upstreams: Arc::clone(&options.upstreams),
            observer,
            signer,
            secret_mask,
            kept: manifest.keeps.then(KeptValues::default),
            time_limit: options.deadline,
        };
        let (plugin, pauses) = (Arc::clone(name), Arc::clone(pauses));
        Ok(Arc::new(PausableIssuer { issuer, plugin, label, pauses }))
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
