//! The private keys that the host holds for one issuer, taken out of its configuration.

use std::sync::Arc;

use locum_abi::answer::Failure;
use locum_abi::configuration::{Configuration, SigningKey};
use locum_abi::manifest::{IssuerManifest, KeySource, Need};
use locum_abi::signing::SigningKeyInfo;
use serde_json::Value;
use zeroize::Zeroizing;

use super::parsed_keys::ParsedKeys;
use super::private_key::PrivateKey;

/// The private keys of one issuer, with the names under which it asks for them: at most a few.
pub(super) struct IssuerKeys(Box<[(String, HeldKey)]>);

/// A private key, and what has to be known of it to sign.
pub(super) struct HeldKey {
    pub(super) key: Arc<PrivateKey>,
    pub(super) kid: Option<String>,
    pub(super) signs_bytes: bool,
}

impl IssuerKeys {
    /// Takes the keys that the manifest signs with, and describes them in the configuration. Afterwards it contains no private
    /// key except the tenant's for a plugin that needs it, which only its pin can allow.
    pub(super) fn take(
        manifest: &IssuerManifest,
        configuration: &mut Configuration,
        allows_bytes: bool,
        parsed_keys: &ParsedKeys,
    ) -> Result<Self, Failure> {
        let mut keys = Vec::new();
        let signing_key = configuration.tenant.signing_key.take();
        if manifest.needs.contains(&Need::TenantSigningKey) {
            configuration.tenant.signing_key.clone_from(&signing_key);
        }
        for source in &manifest.signs_with {
            let (key, info) = match (source, &signing_key) {
                (KeySource::Tenant, Some(key)) => {
                    key_of_tenant(key, manifest.signs.bytes && allows_bytes, parsed_keys)?
                }
                (KeySource::Tenant, None) => continue,
                (KeySource::Setting(name), _) => match configuration.settings.get_mut(name) {
                    Some(Value::String(text)) => {
                        let text = Zeroizing::new(std::mem::take(text));
                        configuration.settings.shift_remove(name);
                        key_of_setting(name, &text, parsed_keys)?
                    }
                    _ => continue,
                },
            };
            let held = HeldKey { key, kid: info.kid.clone(), signs_bytes: info.signs_bytes };
            configuration.signing.insert(source.name().to_owned(), info);
            keys.push((source.name().to_owned(), held));
        }
        Ok(Self(keys.into_boxed_slice()))
    }

    /// The key of this name.
    pub(super) fn get(&self, name: &str) -> Option<&HeldKey> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, held)| held)
    }
}

fn key_of_tenant(
    signing_key: &SigningKey,
    signs_bytes: bool,
    parsed_keys: &ParsedKeys,
) -> Result<(Arc<PrivateKey>, SigningKeyInfo), Failure> {
    // The engine has checked the key, but not its certificate.
    let unusable = |why: &str| Failure::internal(format!("the tenant's signing key: {why}"));
    let key = parsed_keys.parsed(signing_key.private_key_pem.expose()).map_err(unusable)?;
    let certificate_pem = signing_key.certificate_pem.as_ref().filter(|_| signs_bytes);
    if certificate_pem.is_some_and(|certificate| !key.is_certified_by(certificate)) {
        return Err(unusable("its certificate is malformed or that of another key"));
    }
    let info = SigningKeyInfo {
        kid: Some(signing_key.kid.clone()),
        algorithms: names(key.algorithms()),
        signs_bytes,
        certificate_pem: certificate_pem.map(|pem| pem.replace("\\r", "").replace("\\n", "\n")),
    };
    Ok((key, info))
}

fn key_of_setting(
    name: &str,
    pem: &str,
    parsed_keys: &ParsedKeys,
) -> Result<(Arc<PrivateKey>, SigningKeyInfo), Failure> {
    let key = parsed_keys.parsed(pem).map_err(|why| Failure::setting(name, why))?;
    let info = SigningKeyInfo { algorithms: names(key.algorithms()), ..SigningKeyInfo::default() };
    Ok((key, info))
}

fn names(algorithms: &[&str]) -> Vec<String> {
    algorithms.iter().map(|&name| name.to_owned()).collect()
}
