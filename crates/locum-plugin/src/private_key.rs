//! A private key that the host holds: what an issuer has in place of the key.

use std::borrow::Cow;
use std::fmt;

use locum_abi::secret::Secret;
use locum_abi::signing::SigningKeyInfo;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::algorithm::Algorithm;

/// A private key that the host holds. An issuer cannot read it, and asks the host to sign with it:
/// [`Grant::sign_jwt`](crate::Grant::sign_jwt).
///
/// The tenant's key is [`Tenant::signing_key`](crate::Tenant::signing_key), which an issuer asks for with
/// [`ApiType::signs_with_tenant_key`](crate::ApiType::signs_with_tenant_key). A key of the settings is a field of this type
/// in the settings, which [`ApiType::signs_with_setting`](crate::ApiType::signs_with_setting) declares: operators write a
/// PEM text there, and the host takes it out.
///
/// ```
/// use locum_plugin::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     /// The service account's private key, PEM.
///     private_key: PrivateKey,
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivateKey {
    name: String,
    info: SigningKeyInfo,
}

/// The form in which a key reaches a field of the settings, and the name of its only member.
const FORM: &str = "a private key that the host holds";
const MEMBER: &str = "locum_private_key";

impl PrivateKey {
    pub(crate) fn new(name: impl Into<String>, info: SigningKeyInfo) -> Self {
        Self { name: name.into(), info }
    }

    /// The name by which the host knows it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it signs with this algorithm.
    pub fn signs_with(&self, algorithm: Algorithm) -> bool {
        self.info.algorithms.iter().any(|name| name == algorithm.name())
    }

    /// Whether the host signs bytes with it: [`ApiType::signs_bytes`](crate::ApiType::signs_bytes) was declared, and the
    /// plugin's pin allows it.
    pub fn signs_bytes(&self) -> bool {
        self.info.signs_bytes
    }

    /// The certificate of the tenant's key, PEM, if there is one and the key signs bytes.
    pub fn certificate_pem(&self) -> Option<&str> {
        self.info.certificate_pem.as_deref()
    }
}

impl Serialize for PrivateKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(MEMBER, (&self.name, &self.info))])
    }
}

impl<'de> Deserialize<'de> for PrivateKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Held;

        impl<'de> Visitor<'de> for Held {
            type Value = PrivateKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORM)
            }

            // The text is a private key, so no message shows it.
            fn visit_str<E: Error>(self, _: &str) -> Result<PrivateKey, E> {
                Err(E::custom("the plugin does not declare this setting with `ApiType::signs_with_setting`"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<PrivateKey, A::Error> {
                if members.next_key::<String>()?.as_deref() != Some(MEMBER) {
                    return Err(A::Error::custom(format!("expected {FORM}")));
                }
                let (name, info) = members.next_value()?;
                Ok(PrivateKey { name, info })
            }
        }

        deserializer.deserialize_any(Held)
    }
}

impl JsonSchema for PrivateKey {
    fn schema_name() -> Cow<'static, str> {
        Secret::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Secret::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Deserialize)]
    struct Settings {
        key: Option<PrivateKey>,
    }

    #[test]
    fn a_key_in_the_settings_is_the_one_that_the_host_holds() {
        let info = SigningKeyInfo { algorithms: vec!["ES256".to_owned()], ..SigningKeyInfo::default() };
        let held = PrivateKey::new("key", info);
        let read: Settings = serde_json::from_value(json!({ "key": held })).unwrap();
        assert_eq!(read.key, Some(held.clone()));
        assert!(held.signs_with(Algorithm::ES256) && !held.signs_with(Algorithm::RS256));
        let absent: Settings = serde_json::from_value(json!({ "key": null })).unwrap();
        assert_eq!(absent.key, None);
    }

    #[test]
    fn a_key_that_was_not_declared_is_refused_without_being_shown() {
        for value in [json!("-----BEGIN PRIVATE KEY-----"), json!({ "pem": "-----BEGIN" }), json!({})] {
            let error =
                serde_json::from_value::<Settings>(json!({ "key": value })).err().unwrap().to_string();
            assert!(!error.contains("BEGIN"), "{error}");
        }
    }

    #[test]
    fn operators_write_a_text_that_is_not_shown() {
        let schema = schemars::schema_for!(PrivateKey);
        assert_eq!(
            (&schema.as_value()["type"], &schema.as_value()["writeOnly"]),
            (&json!("string"), &json!(true))
        );
    }
}
