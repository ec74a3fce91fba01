//! The spec of an issuer, adapted to the settings of an operator's tenant.

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use locum_abi::manifest::IssuerManifest;
use serde_json::{Map, Value};

use crate::fixtures::credential_reading::{CredentialReading, JwtReading, VerifyingKey};
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::tenant_document::APP;
use crate::fixtures::tested_tenant::TestedTenant;

/// An issuer's spec for one tenant.
pub(crate) struct OperatorSpec {
    pub(crate) spec: IssuerSpec,
    /// Whether the tenant's settings are those of the spec.
    pub(crate) has_settings_of_spec: bool,
    /// Why the suite cannot verify the issued credentials, if it cannot.
    pub(crate) unverifiable: Option<String>,
}

/// The spec with the tenant's settings, and with these parameters instead of its own.
pub(crate) fn operator_spec(
    of_plugin: &IssuerSpec,
    manifest: &IssuerManifest,
    tenant: &TestedTenant,
    parameters: &Map<String, Value>,
) -> OperatorSpec {
    let mut spec = of_plugin.clone();
    let settings = tenant.settings(&manifest.api_type);
    let of_app = manifest.api_type == APP;
    let has_settings_of_spec = of_app || settings == of_plugin.settings;
    let mut unverifiable = None;
    if of_app && settings.get("alg").is_some_and(|alg| alg == "RS256") {
        spec.credential = CredentialReading::Jwt(JwtReading { verifies_with: VerifyingKey::TenantKey });
    }
    if !has_settings_of_spec {
        // A parameter that replaces a setting asks for something that this tenant may not have.
        let replaces = |name: &str| manifest.overrides.iter().any(|replaced| replaced.parameter == name);
        spec.parameters.retain(|name, _| !replaces(name));
        match key_of_settings(&spec.credential, &of_plugin.settings, &settings) {
            Ok(Some(key)) => spec.credential = CredentialReading::Jwt(JwtReading { verifies_with: key }),
            Ok(None) => {}
            Err(why) => unverifiable = Some(why.to_owned()),
        }
    }
    let understood = |name: &str| {
        manifest.parameters_schema.pointer("/properties").is_some_and(|known| known.get(name).is_some())
    };
    let given = parameters.iter().filter(|(name, _)| understood(name));
    spec.parameters.extend(given.map(|(name, value)| (name.clone(), value.clone())));
    spec.settings = settings;
    OperatorSpec { spec, has_settings_of_spec, unverifiable }
}

/// The verifying key of a credential that is signed with a key of these settings, where the spec states the key of its
/// own settings.
fn key_of_settings(
    reading: &CredentialReading,
    of_spec: &Map<String, Value>,
    settings: &Map<String, Value>,
) -> Result<Option<VerifyingKey>, &'static str> {
    let CredentialReading::Jwt(JwtReading { verifies_with }) = reading else { return Ok(None) };
    match verifies_with {
        VerifyingKey::SecretBytes(_) => Err(
            "needs the key that verifies the credential; the issuer derives it from its settings in a way of its own",
        ),
        VerifyingKey::PublicKey { alg, .. } => {
            let private = |(_, value): &(&String, &Value)| {
                value.as_str().is_some_and(|text| text.contains("PRIVATE KEY-----"))
            };
            let name = of_spec.iter().find(private).map(|(name, _)| name.as_str());
            let pem = name.and_then(|name| settings.get(name)?.as_str());
            let jwk = pem.and_then(|pem| public_key(alg, pem));
            jwk.map(|jwk| Some(VerifyingKey::PublicJwk { alg: alg.clone(), jwk }))
                .ok_or("needs the key that verifies the credential; the settings hold no RSA key")
        }
        _ => Ok(None),
    }
}

fn public_key(algorithm: &str, pem: &str) -> Option<Value> {
    let algorithm: Algorithm = algorithm.parse().ok()?;
    // Google's key files are often stored with `\n` instead of line breaks.
    let key = EncodingKey::from_rsa_pem(pem.replace("\\n", "\n").as_bytes()).ok()?;
    serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).ok()?).ok()
}
