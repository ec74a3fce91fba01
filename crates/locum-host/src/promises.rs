//! The manifest as this host understands it: what it cannot hold an issuer to is not loaded.

use jsonschema::Validator;
use locum_abi::manifest::{CONTRACT, CredentialForm, IssuerManifest, Lifetime, Manifest, Need, Upstream};
use serde_json::Value;

use crate::allowed::HostPattern;
use crate::load_error::{Flaw, LoadErrorCode};
use crate::settings::SettingsSchema;

/// A manifest that this host can hold a plugin to, and its schemas, compiled.
pub(crate) struct Promises {
    pub(crate) manifest: Manifest,
    /// As JSON, to be compared with what the code states.
    pub(crate) stated: Value,
    /// One for each issuer of the manifest, in its order.
    pub(crate) settings: Vec<SettingsSchema>,
}

impl Promises {
    /// Reads the manifest of a file.
    pub(crate) fn read(manifest: &[u8]) -> Result<Self, Flaw> {
        let unreadable = |error: serde_json::Error| {
            Flaw::new(LoadErrorCode::ManifestUnreadable, format!("the manifest is no manifest: {error}"))
        };
        let stated: Value = serde_json::from_slice(manifest).map_err(unreadable)?;
        // The contract first: the rest of a later one may not even parse.
        check_contract(&stated)?;
        let manifest: Manifest = serde_json::from_slice(manifest).map_err(unreadable)?;
        check_identity(&manifest)?;
        let settings = manifest
            .issuers
            .iter()
            .map(|issuer| {
                check_issuer(issuer)
                    .map_err(|cause| unusable(format!("api_type `{}`: {cause}", issuer.api_type)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { manifest, stated, settings })
    }
}

fn check_contract(stated: &Value) -> Result<(), Flaw> {
    match stated.get("contract").and_then(Value::as_u64) {
        Some(contract) if (1..=u64::from(CONTRACT)).contains(&contract) => Ok(()),
        Some(contract) => {
            let cause = format!("it was built for contract {contract}, this host knows {CONTRACT}");
            Err(Flaw::new(LoadErrorCode::ContractUnknown, cause))
        }
        None => Err(Flaw::new(LoadErrorCode::ManifestUnreadable, "the manifest names no contract")),
    }
}

fn check_identity(manifest: &Manifest) -> Result<(), Flaw> {
    if !is_word(&manifest.name, b'_') && !is_word(&manifest.name, b'-') {
        return Err(unusable(format!("`{}` is not a name in snake case or kebab case", manifest.name)));
    }
    if manifest.version.is_empty() || !manifest.version.chars().all(|char| char.is_ascii_graphic()) {
        return Err(unusable("the version is not one"));
    }
    if manifest.issuers.is_empty() {
        return Err(unusable("it issues nothing"));
    }
    for (at, issuer) in manifest.issuers.iter().enumerate() {
        if !is_word(&issuer.api_type, b'_') {
            return Err(unusable(format!("`{}` is not an api_type in snake case", issuer.api_type)));
        }
        if manifest.issuers.iter().skip(at + 1).any(|other| other.api_type == issuer.api_type) {
            return Err(unusable(format!("it claims api_type `{}` twice", issuer.api_type)));
        }
    }
    Ok(())
}

/// Lower-case letters and digits, in parts joined by this character.
fn is_word(word: &str, joint: u8) -> bool {
    word.len() <= 64
        && word.split(char::from(joint)).all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

fn check_issuer(issuer: &IssuerManifest) -> Result<SettingsSchema, String> {
    check_credential(&issuer.credential)?;
    if issuer.needs.contains(&Need::Unknown) {
        return Err("it needs something that this host does not know".to_owned());
    }
    check_lifetime(&issuer.lifetime)?;
    let settings = SettingsSchema::compile(&issuer.settings_schema)
        .map_err(|error| format!("the settings schema cannot be used: {error}"))?;
    Validator::new(&issuer.parameters_schema)
        .map_err(|error| format!("the parameters schema cannot be used: {error}"))?;
    for upstream in &issuer.upstreams {
        if let Upstream::Host { host } = upstream {
            HostPattern::parse(host)?;
        }
    }
    let unknown = named_settings(issuer).find(|name| !settings.knows(name));
    match unknown {
        Some(name) => Err(format!("it names the setting `{name}`, which its schema does not know")),
        None => Ok(settings),
    }
}

fn check_credential(form: &CredentialForm) -> Result<(), String> {
    match form {
        CredentialForm::Jwt | CredentialForm::Object => Ok(()),
        // An answer that holds a credential and an error at once could be read either way.
        CredentialForm::Text { member } if member == "error" || !is_member(member) => {
            Err(format!("a credential cannot stand in a member `{member}`"))
        }
        CredentialForm::Text { .. } => Ok(()),
        CredentialForm::Unknown => Err("its credential has a form that this host does not know".to_owned()),
    }
}

fn is_member(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn check_lifetime(lifetime: &Lifetime) -> Result<(), String> {
    let Lifetime { minimum_seconds, default_seconds, maximum_seconds, setting } = lifetime;
    if *minimum_seconds == 0 || default_seconds < minimum_seconds || maximum_seconds < default_seconds {
        return Err("its lifetimes are not 1 <= minimum <= default <= maximum".to_owned());
    }
    match setting {
        Some(setting) if setting.unit_seconds == 0 => Err("its lifetime setting has no unit".to_owned()),
        _ => Ok(()),
    }
}

/// The settings that the promises speak of.
fn named_settings(issuer: &IssuerManifest) -> impl Iterator<Item = &str> {
    let lifetime = issuer.lifetime.setting.iter().map(|setting| setting.name.as_str());
    let overridden = issuer.overrides.iter().map(|known| known.setting.as_str());
    let upstreams = issuer.upstreams.iter().filter_map(|upstream| match upstream {
        Upstream::Setting { setting } => Some(setting.as_str()),
        Upstream::Host { .. } | Upstream::Unknown => None,
    });
    lifetime.chain(overridden).chain(upstreams)
}

fn unusable(cause: impl Into<String>) -> Flaw {
    Flaw::new(LoadErrorCode::ManifestUnusable, cause)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "contract": 1, "name": "two-words", "version": "1.0.0", "vendor": "V", "description": "D.",
            "issuers": [{
                "api_type": "a_b", "credential": {"form": "text", "member": "sas"},
                "settings_schema": {
                    "type": "object", "additionalProperties": false,
                    "properties": {"url": {"type": "string"}, "life": {"type": "integer"}},
                },
                "parameters_schema": {"type": "object"},
                "overrides": [{"parameter": "p", "setting": "url"}],
                "lifetime": {
                    "minimum_seconds": 1, "default_seconds": 60, "maximum_seconds": 60,
                    "setting": {"name": "life", "unit_seconds": 60},
                },
                "revocation": "not_revocable", "revocation_advice": "Wait.",
                "upstreams": [{"kind": "host", "host": "sts.*.example.com"}, {"kind": "setting", "setting": "url"}],
            }],
        })
    }

    fn read(manifest: &Value) -> Result<Promises, Flaw> {
        Promises::read(manifest.to_string().as_bytes())
    }

    #[test]
    fn a_manifest_that_can_be_kept_is_taken() {
        assert_eq!(read(&good()).unwrap().manifest.name, "two-words");
    }

    #[test]
    fn one_field_that_cannot_be_kept_is_refused() {
        let issuer = "/issuers/0";
        for (pointer, value, cause) in [
            ("/name", json!("Two Words"), "is not a name in snake case"),
            ("/name", json!("two_or-three"), "is not a name in snake case"),
            ("/version", json!(""), "the version is not one"),
            ("/issuers", json!([]), "it issues nothing"),
            ("/api_type", json!("a-b"), "is not an api_type in snake case"),
            ("/credential", json!({"form": "cookie"}), "a form that this host does not know"),
            ("/credential/member", json!("error"), "cannot stand in a member `error`"),
            ("/settings_schema/additionalProperties", json!(true), "unknown settings"),
            ("/settings_schema/type", json!("thing"), "the settings schema cannot be used"),
            ("/parameters_schema/type", json!("thing"), "the parameters schema cannot be used"),
            ("/overrides/0/setting", json!("uri"), "names the setting `uri`"),
            ("/lifetime/setting/name", json!("lifetime"), "names the setting `lifetime`"),
            ("/lifetime/setting/unit_seconds", json!(0), "no unit"),
            ("/lifetime/minimum_seconds", json!(0), "minimum <= default"),
            ("/lifetime/minimum_seconds", json!(61), "minimum <= default"),
            ("/lifetime/maximum_seconds", json!(59), "minimum <= default"),
            ("/upstreams/0/host", json!("*.com"), "`*.com`"),
            ("/upstreams/1/setting", json!("uri"), "names the setting `uri`"),
        ] {
            let mut manifest = good();
            let pointer = if good().pointer(pointer).is_some() {
                pointer.to_owned()
            } else {
                format!("{issuer}{pointer}")
            };
            *manifest.pointer_mut(&pointer).unwrap() = value;
            let flaw = read(&manifest).err().unwrap_or_else(|| panic!("{pointer} was taken"));
            assert_eq!(flaw.code, LoadErrorCode::ManifestUnusable, "{pointer}");
            assert!(flaw.cause.contains(cause), "{pointer}: {}", flaw.cause);
        }
    }

    #[test]
    fn an_unknown_need_is_refused_and_an_unknown_upstream_allows_nothing() {
        let mut needy = good();
        needy["issuers"][0]["needs"] = json!(["the_moon"]);
        assert!(read(&needy).err().unwrap().cause.contains("needs something"));
        let mut new = good();
        new["issuers"][0]["upstreams"][0] = json!({"kind": "socket", "path": "/run/x"});
        assert!(read(&new).is_ok());
    }

    #[test]
    fn an_api_type_is_claimed_once() {
        let mut manifest = good();
        let again = manifest["issuers"][0].clone();
        manifest["issuers"].as_array_mut().unwrap().push(again);
        assert!(read(&manifest).err().unwrap().cause.contains("twice"));
    }

    #[test]
    fn a_later_contract_is_named_before_anything_else_is_read() {
        assert_eq!(read(&json!({"contract": 2})).err().unwrap().code, LoadErrorCode::ContractUnknown);
        assert_eq!(read(&json!({"contract": 0})).err().unwrap().code, LoadErrorCode::ContractUnknown);
        assert_eq!(read(&json!({"name": "x"})).err().unwrap().code, LoadErrorCode::ManifestUnreadable);
    }
}
