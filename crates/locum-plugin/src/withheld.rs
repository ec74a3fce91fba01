//! A setting that only the host uses: what an issuer has in its place.

use std::borrow::Cow;
use std::fmt;

use locum_abi::secret::Secret;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// A setting for TLS, which the host uses and an issuer is not given.
///
/// [`Upstream::client_certificate`](crate::Upstream::client_certificate) or [`Upstream::ca`](crate::Upstream::ca) declares it.
/// Operators write a PEM text there. `Option<Withheld>` makes the setting optional, and is always `None`.
///
/// ```
/// use locum_plugin::prelude::*;
///
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Settings {
///     /// Where the bank issues tokens.
///     url: String,
///     /// The client certificate, the certificates that lead to its authority, and its private key, PEM.
///     client_certificate: Withheld,
///     /// The authorities of the bank's certificate, PEM, in place of the system's.
///     ca: Option<Withheld>,
/// }
///
/// let bank = Upstream::setting("url").client_certificate("client_certificate").ca("ca");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld;

impl<'de> Deserialize<'de> for Withheld {
    /// As an optional field, which may be absent, although the schema requires it: the host has taken it out.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Absent;

        impl<'de> Visitor<'de> for Absent {
            type Value = Withheld;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nothing, because the host takes this setting out")
            }

            fn visit_none<E: Error>(self) -> Result<Withheld, E> {
                Ok(Withheld)
            }

            // What there is can be a private key, so no message shows it.
            fn visit_some<D: Deserializer<'de>>(self, _: D) -> Result<Withheld, D::Error> {
                Err(D::Error::custom(
                    "the plugin does not declare this setting with `Upstream::client_certificate` or `Upstream::ca`",
                ))
            }
        }

        deserializer.deserialize_option(Absent)
    }
}

impl JsonSchema for Withheld {
    fn schema_name() -> Cow<'static, str> {
        Secret::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Secret::json_schema(generator)
    }

    fn inline_schema() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use crate::testing::{ReadyIssuer, grant, tenant};

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        certificate: Withheld,
        ca: Option<Withheld>,
    }

    #[test]
    fn the_schema_requires_a_secret_that_the_issuer_is_not_given() {
        let schema = schemars::schema_for!(Settings);
        assert_eq!(schema.get("required"), Some(&json!(["certificate"])));
        assert_eq!(schema.pointer("/properties/certificate/writeOnly"), Some(&json!(true)));
        assert_eq!(schema.pointer("/properties/ca/writeOnly"), Some(&json!(true)));
        let read: Settings = serde_json::from_value(json!({})).unwrap();
        assert_eq!((read.certificate, read.ca), (Withheld, None));
    }

    struct Bank;

    impl Issuer for Bank {
        type Settings = Settings;
        type Parameters = NoParameters;

        fn api_types() -> Vec<ApiType> {
            let bank = Upstream::host("bank.example.com").client_certificate("certificate").ca("ca");
            vec![ApiType::text("bank", "bank").calls(bank)]
        }

        fn configure(_: &str, _: Settings, _: &Tenant) -> Result<Self, Failure> {
            Ok(Self)
        }

        fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
            Ok(grant.text("t".to_owned()))
        }
    }

    #[test]
    fn unit_tests_withhold_what_is_declared() {
        let settings = json!({"certificate": "hunter2", "ca": "hunter2"});
        let bank = ReadyIssuer::configure::<Bank>("bank", settings, tenant()).unwrap();
        assert!(bank.issue_token(&grant(json!({}))).is_ok());
    }

    #[test]
    fn a_setting_that_was_not_taken_out_is_refused_without_its_text() {
        for settings in [json!({"certificate": "hunter2"}), json!({"ca": "hunter2"})] {
            let refused = serde_json::from_value::<Settings>(settings).unwrap_err().to_string();
            assert!(
                refused.contains("Upstream::client_certificate") && !refused.contains("hunter2"),
                "{refused}"
            );
        }
    }
}
