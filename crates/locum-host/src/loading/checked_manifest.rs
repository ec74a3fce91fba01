//! Checks a manifest: a plugin is not loaded if this host cannot enforce what its manifest declares.

use jsonschema::Validator;
use locum_abi::manifest::{
    CONTRACT, CredentialForm, EXPIRY_SKEW_SECONDS_MAX, IssuerManifest, KeySource, Lifetime, Manifest, Need,
    REQUIREMENTS, Read, Upstream, UpstreamOrigin, required_by,
};
use locum_abi::signing::TENANT_KEY;
use locum_egress::HttpMethod;
use serde_json::Value;

use crate::calling::secret_settings::secret_setting_names;
use crate::egress::header_pattern::HeaderPattern;
use crate::egress::host_pattern::HostPattern;
use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::loading::settings_schema::SettingsSchema;

/// A manifest whose declarations this host can enforce, with its settings schemas compiled.
pub(crate) struct CheckedManifest {
    pub(crate) manifest: Manifest,
    /// The manifest as JSON, for comparison with what the running code states.
    pub(crate) json: Value,
    /// One per issuer, in the manifest's order.
    pub(crate) settings_schemas: Vec<SettingsSchema>,
}

impl CheckedManifest {
    /// Parses and checks the manifest of a file.
    pub(crate) fn parse(manifest: &[u8]) -> Result<Self, LoadFault> {
        let unreadable = |error: serde_json::Error| {
            LoadFault::new(
                LoadErrorCode::ManifestUnreadable,
                format!("the manifest cannot be parsed: {error}"),
            )
        };
        let json: Value = serde_json::from_slice(manifest).map_err(unreadable)?;
        // The contract first: the manifest of a later one may not parse.
        check_contract(&json)?;
        let manifest: Manifest = serde_json::from_slice(manifest).map_err(unreadable)?;
        check_identity(&manifest)?;
        check_requirements(&manifest)?;
        let settings_schemas = manifest
            .issuers
            .iter()
            .map(|issuer| {
                check_issuer(issuer)
                    .map_err(|cause| unusable(format!("api_type `{}`: {cause}", issuer.api_type)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { manifest, json, settings_schemas })
    }
}

fn check_contract(json: &Value) -> Result<(), LoadFault> {
    match json.get("contract").and_then(Value::as_u64) {
        Some(contract) if (1..=u64::from(CONTRACT)).contains(&contract) => Ok(()),
        Some(contract) => {
            let cause = format!("the plugin needs contract {contract}; this host supports up to {CONTRACT}");
            Err(LoadFault::new(LoadErrorCode::ContractUnknown, cause))
        }
        None => {
            Err(LoadFault::new(LoadErrorCode::ManifestUnreadable, "the manifest has no member `contract`"))
        }
    }
}

/// Refuses a manifest that requires a part of the contract which this host does not know, or does not say what it requires:
/// another host would skip it.
fn check_requirements(manifest: &Manifest) -> Result<(), LoadFault> {
    let Manifest { contract, requires, issuers, .. } = manifest;
    if let Some(unknown) = requires.iter().find(|name| !REQUIREMENTS.contains(&name.as_str())) {
        let cause = format!("the plugin requires `{unknown}`, which this host does not support");
        return Err(LoadFault::new(LoadErrorCode::ContractUnknown, cause));
    }
    if let Some(unstated) = required_by(issuers).iter().find(|name| !requires.contains(name)) {
        return Err(unusable(format!("it uses `{unstated}`, and does not list it under `requires`")));
    }
    if *contract < 2 && !requires.is_empty() {
        return Err(unusable("it requires parts of contract 2, and states contract 1"));
    }
    Ok(())
}

fn check_identity(manifest: &Manifest) -> Result<(), LoadFault> {
    if !is_identifier(&manifest.name, b'_') && !is_identifier(&manifest.name, b'-') {
        return Err(unusable(format!(
            "the name `{}` is neither in snake case nor in kebab case",
            manifest.name
        )));
    }
    if manifest.version.is_empty() || !manifest.version.chars().all(|char| char.is_ascii_graphic()) {
        return Err(unusable("the version is empty or contains characters that are not visible ASCII"));
    }
    if manifest.issuers.is_empty() {
        return Err(unusable("the list of issuers is empty"));
    }
    for (at, issuer) in manifest.issuers.iter().enumerate() {
        if !is_identifier(&issuer.api_type, b'_') {
            return Err(unusable(format!("the api_type `{}` is not in snake case", issuer.api_type)));
        }
        if manifest.issuers.iter().skip(at + 1).any(|other| other.api_type == issuer.api_type) {
            return Err(unusable(format!("the api_type `{}` is listed twice", issuer.api_type)));
        }
    }
    Ok(())
}

/// Whether the text consists of lower-case letters and digits in parts separated by this character.
fn is_identifier(text: &str, separator: u8) -> bool {
    text.len() <= 64
        && text.split(char::from(separator)).all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

fn check_issuer(issuer: &IssuerManifest) -> Result<SettingsSchema, String> {
    check_credential(&issuer.credential)?;
    if issuer.needs.contains(&Need::Unknown) {
        return Err("`needs` lists something that this host does not know".to_owned());
    }
    check_lifetime(&issuer.lifetime)?;
    if issuer.expiry_skew_seconds > EXPIRY_SKEW_SECONDS_MAX {
        return Err(format!("expiry_skew_seconds is more than {EXPIRY_SKEW_SECONDS_MAX}"));
    }
    let settings = SettingsSchema::compile(&issuer.settings_schema)
        .map_err(|error| format!("settings_schema cannot be used: {error}"))?;
    Validator::new(&issuer.parameters_schema)
        .map_err(|error| format!("parameters_schema cannot be used: {error}"))?;
    for upstream in &issuer.upstreams {
        check_upstream(upstream)?;
        check_tls(upstream, issuer)?;
    }
    check_signing(issuer)?;
    let unknown = referenced_settings(issuer).find(|name| !settings.knows(name));
    match unknown {
        Some(name) => {
            Err(format!("the manifest refers to the setting `{name}`, which settings_schema does not define"))
        }
        None => Ok(settings),
    }
}

fn check_upstream(upstream: &Upstream) -> Result<(), String> {
    if let UpstreamOrigin::Host { host } = &upstream.origin {
        HostPattern::parse(host)?;
    }
    if let Some(name) = upstream.methods.iter().find(|name| HttpMethod::from_name(name).is_none()) {
        return Err(format!("`{name}` is not among the methods GET, POST, PUT, PATCH and DELETE"));
    }
    upstream.headers.iter().try_for_each(|name| HeaderPattern::parse(name).map(|_| ()))
}

/// Settings that a plugin is not given are not in its parameters either, and are used for nothing else.
fn check_tls(upstream: &Upstream, issuer: &IssuerManifest) -> Result<(), String> {
    let IssuerManifest { settings_schema, overrides, signs_with, .. } = issuer;
    if let Some(name) = &upstream.client_certificate
        && !secret_setting_names(settings_schema).contains(&name.as_str())
    {
        return Err(format!(
            "the client certificate is in the setting `{name}`, which settings_schema does not mark as writeOnly"
        ));
    }
    for name in upstream.withheld_settings() {
        if overrides.iter().any(|rule| rule.setting == name) {
            return Err(format!("a request could replace the setting `{name}`, which is for TLS"));
        }
        if signs_with.contains(&KeySource::Setting(name.to_owned())) {
            return Err(format!("the setting `{name}` is for TLS, and cannot be signed with"));
        }
    }
    Ok(())
}

fn check_signing(issuer: &IssuerManifest) -> Result<(), String> {
    let IssuerManifest { signs_with, signs, needs, settings_schema, overrides, .. } = issuer;
    let secrets = secret_setting_names(settings_schema);
    if signs_with.contains(&KeySource::Setting(TENANT_KEY.to_owned())) {
        return Err(format!("a key in a setting cannot be called `{TENANT_KEY}`"));
    }
    for (at, source) in signs_with.iter().enumerate() {
        if signs_with.iter().skip(at + 1).any(|other| other.name() == source.name()) {
            return Err(format!("signs_with lists `{}` twice", source.name()));
        }
        let KeySource::Setting(name) = source else { continue };
        if !secrets.contains(&name.as_str()) {
            return Err(format!(
                "it signs with the setting `{name}`, which settings_schema does not mark as writeOnly"
            ));
        }
        if overrides.iter().any(|rule| rule.setting == *name) {
            return Err(format!("a request could replace the private key in the setting `{name}`"));
        }
    }
    let signs_with_tenant_key = signs_with.contains(&KeySource::Tenant);
    if signs_with_tenant_key && needs.contains(&Need::TenantSigningKey) {
        return Err("it signs with the tenant's key, and so cannot need the key itself".to_owned());
    }
    if !signs_with_tenant_key && *signs != Default::default() {
        return Err(
            "`signs` says what it signs with the tenant's key, which signs_with does not list".to_owned()
        );
    }
    match signs.subject {
        Some(Read::Unknown) => Err("`signs.subject` has a kind that this host does not know".to_owned()),
        _ => Ok(()),
    }
}

fn check_credential(form: &CredentialForm) -> Result<(), String> {
    match form {
        CredentialForm::Jwt | CredentialForm::Object => Ok(()),
        // A response with this member could be read as a credential and as an error.
        CredentialForm::Text { member } if member == "error" || !is_member_name(member) => {
            Err(format!("a credential cannot be returned in a member called `{member}`"))
        }
        CredentialForm::Text { .. } => Ok(()),
        CredentialForm::Unknown => Err("the credential has a form that this host does not know".to_owned()),
    }
}

fn is_member_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn check_lifetime(lifetime: &Lifetime) -> Result<(), String> {
    let Lifetime { minimum_seconds, default_seconds, maximum_seconds, setting } = lifetime;
    if *minimum_seconds == 0 || default_seconds < minimum_seconds || maximum_seconds < default_seconds {
        return Err("the lifetimes do not satisfy 1 <= minimum <= default <= maximum".to_owned());
    }
    match setting {
        Some(setting) if setting.unit_seconds == 0 => {
            Err("the lifetime setting has unit_seconds 0".to_owned())
        }
        _ => Ok(()),
    }
}

/// The settings that other parts of the manifest refer to.
fn referenced_settings(issuer: &IssuerManifest) -> impl Iterator<Item = &str> {
    let lifetime = issuer.lifetime.setting.iter().map(|setting| setting.name.as_str());
    let overridden = issuer.overrides.iter().map(|rule| rule.setting.as_str());
    let upstreams = issuer.upstreams.iter().filter_map(|upstream| match &upstream.origin {
        UpstreamOrigin::Setting { setting } => Some(setting.as_str()),
        UpstreamOrigin::Host { .. } | UpstreamOrigin::Unknown => None,
    });
    let subject = issuer.signs.subject.iter().filter_map(|subject| match subject {
        Read::NamedBySetting { setting, .. } => Some(setting.as_str()),
        Read::Attribute { .. } | Read::Unknown => None,
    });
    let signed_as = issuer.signs.issuer.as_deref().into_iter().chain(subject);
    let withheld = issuer.upstreams.iter().flat_map(Upstream::withheld_settings);
    lifetime.chain(overridden).chain(upstreams).chain(signed_as).chain(withheld)
}

fn unusable(cause: impl Into<String>) -> LoadFault {
    LoadFault::new(LoadErrorCode::ManifestUnusable, cause)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn valid() -> Value {
        json!({
            "contract": 1, "name": "two-words", "version": "1.0.0", "vendor": "V", "description": "D.",
            "issuers": [{
                "api_type": "a_b", "credential": {"form": "text", "member": "sas"},
                "settings_schema": {
                    "type": "object", "additionalProperties": false,
                    "properties": {"url": {"type": "string"}, "minutes": {"type": "integer"}},
                },
                "parameters_schema": {"type": "object"},
                "overrides": [{"parameter": "p", "setting": "url"}],
                "lifetime": {
                    "minimum_seconds": 1, "default_seconds": 60, "maximum_seconds": 60,
                    "setting": {"name": "minutes", "unit_seconds": 60},
                },
                "revocation": "not_revocable", "revocation_advice": "Wait.", "expiry_skew_seconds": 60,
                "upstreams": [{"kind": "host", "host": "sts.*.example.com"}, {"kind": "setting", "setting": "url"}],
            }],
        })
    }

    fn read(manifest: &Value) -> Result<CheckedManifest, LoadFault> {
        CheckedManifest::parse(manifest.to_string().as_bytes())
    }

    #[test]
    fn a_valid_manifest_is_accepted() {
        assert_eq!(read(&valid()).unwrap().manifest.name, "two-words");
    }

    #[test]
    fn one_field_that_cannot_be_enforced_is_refused() {
        let issuer = "/issuers/0";
        for (pointer, value, cause) in [
            ("/name", json!("Two Words"), "is neither in snake case nor in kebab case"),
            ("/name", json!("two_or-three"), "is neither in snake case nor in kebab case"),
            ("/version", json!(""), "the version is empty or contains characters that are not visible ASCII"),
            ("/issuers", json!([]), "the list of issuers is empty"),
            ("/api_type", json!("a-b"), "is not in snake case"),
            ("/credential", json!({"form": "cookie"}), "a form that this host does not know"),
            ("/credential/member", json!("error"), "in a member called `error`"),
            ("/settings_schema/additionalProperties", json!(true), "unknown settings"),
            ("/settings_schema/type", json!("thing"), "settings_schema cannot be used"),
            ("/parameters_schema/type", json!("thing"), "parameters_schema cannot be used"),
            ("/overrides/0/setting", json!("uri"), "refers to the setting `uri`"),
            ("/lifetime/setting/name", json!("lifetime"), "refers to the setting `lifetime`"),
            ("/lifetime/setting/unit_seconds", json!(0), "unit_seconds 0"),
            ("/lifetime/minimum_seconds", json!(0), "minimum <= default"),
            ("/lifetime/minimum_seconds", json!(61), "minimum <= default"),
            ("/lifetime/maximum_seconds", json!(59), "minimum <= default"),
            ("/expiry_skew_seconds", json!(61), "expiry_skew_seconds is more than 60"),
            ("/upstreams/0/host", json!("*.com"), "`*.com`"),
            ("/upstreams/1/setting", json!("uri"), "refers to the setting `uri`"),
        ] {
            let mut manifest = valid();
            let pointer = if valid().pointer(pointer).is_some() {
                pointer.to_owned()
            } else {
                format!("{issuer}{pointer}")
            };
            *manifest.pointer_mut(&pointer).unwrap() = value;
            let fault = read(&manifest).err().unwrap_or_else(|| panic!("{pointer} was accepted"));
            assert_eq!(fault.code, LoadErrorCode::ManifestUnusable, "{pointer}");
            assert!(fault.cause.contains(cause), "{pointer}: {}", fault.cause);
        }
    }

    #[test]
    fn a_credentials_member_is_a_word_of_letters_digits_and_underscores() {
        let with_member = |member: &str| {
            let mut manifest = valid();
            manifest["issuers"][0]["credential"]["member"] = json!(member);
            read(&manifest)
        };
        for member in ["sas", "azure_blob_sas", "_", "A1", "errors"] {
            assert!(with_member(member).is_ok(), "{member}");
        }
        for member in ["", "error", "a-b", "a b", "a\"", "\u{e4}", "a."] {
            assert!(with_member(member).err().unwrap().cause.contains("a credential cannot be"), "{member}");
        }
    }

    #[test]
    fn the_lifetimes_may_be_equal_and_must_ascend() {
        let with_lifetimes = |minimum: u64, default: u64, maximum: u64| {
            let mut manifest = valid();
            let lifetime = &mut manifest["issuers"][0]["lifetime"];
            lifetime["minimum_seconds"] = json!(minimum);
            lifetime["default_seconds"] = json!(default);
            lifetime["maximum_seconds"] = json!(maximum);
            read(&manifest).map(|_| ())
        };
        for (minimum, default, maximum) in [(1, 1, 1), (60, 60, 60), (1, 60, 60), (60, 60, 61), (1, 2, 3)] {
            assert!(with_lifetimes(minimum, default, maximum).is_ok(), "{minimum} {default} {maximum}");
        }
        for (minimum, default, maximum) in
            [(0, 60, 60), (0, 0, 0), (61, 60, 60), (61, 60, 90), (1, 61, 60), (2, 1, 3)]
        {
            assert!(with_lifetimes(minimum, default, maximum).is_err(), "{minimum} {default} {maximum}");
        }
    }

    #[test]
    fn an_unknown_need_is_refused_and_an_unknown_upstream_allows_nothing() {
        let mut with_unknown_need = valid();
        with_unknown_need["issuers"][0]["needs"] = json!(["the_moon"]);
        assert!(read(&with_unknown_need).err().unwrap().cause.contains("`needs`"));
        let mut with_unknown_upstream = valid();
        with_unknown_upstream["issuers"][0]["upstreams"][0] = json!({"kind": "socket", "path": "/run/x"});
        assert!(read(&with_unknown_upstream).is_ok());
    }

    #[test]
    fn an_api_type_that_is_listed_twice_is_refused() {
        let mut manifest = valid();
        let again = manifest["issuers"][0].clone();
        manifest["issuers"].as_array_mut().unwrap().push(again);
        assert!(read(&manifest).err().unwrap().cause.contains("twice"));
    }

    #[test]
    fn a_later_contract_is_reported_before_anything_else_is_parsed() {
        assert_eq!(read(&json!({"contract": 3})).err().unwrap().code, LoadErrorCode::ContractUnknown);
        assert_eq!(read(&json!({"contract": 2})).err().unwrap().code, LoadErrorCode::ManifestUnreadable);
        assert_eq!(read(&json!({"contract": 0})).err().unwrap().code, LoadErrorCode::ContractUnknown);
        assert_eq!(read(&json!({"name": "x"})).err().unwrap().code, LoadErrorCode::ManifestUnreadable);
    }

    /// A manifest that signs with the tenant's key and with one in its settings.
    fn signing() -> Value {
        let mut manifest = valid();
        manifest["contract"] = json!(2);
        manifest["requires"] = json!(["signs_with"]);
        let issuer = &mut manifest["issuers"][0];
        issuer["settings_schema"]["properties"]["key"] = json!({"type": "string", "writeOnly": true});
        issuer["signs_with"] = json!(["tenant", {"setting": "key"}]);
        let subject = json!({"kind": "named_by_setting", "setting": "minutes"});
        issuer["signs"] = json!({"issuer": "url", "subject": subject, "bytes": true});
        manifest
    }

    #[test]
    fn a_manifest_that_signs_says_what_it_requires() {
        assert!(read(&signing()).is_ok());
        assert!(read(&valid()).is_ok());
        for (pointer, value, code, cause) in [
            ("/contract", json!(1), LoadErrorCode::ManifestUnusable, "states contract 1"),
            ("/requires", json!([]), LoadErrorCode::ManifestUnusable, "does not list it under `requires`"),
            (
                "/requires",
                json!(["signs_with", "time_travel"]),
                LoadErrorCode::ContractUnknown,
                "`time_travel`",
            ),
        ] {
            let mut manifest = signing();
            *manifest.pointer_mut(pointer).unwrap() = value;
            let fault = read(&manifest).err().unwrap();
            assert!(fault.code == code && fault.cause.contains(cause), "{pointer}: {}", fault.cause);
        }
    }

    #[test]
    fn an_upstream_with_methods_or_headers_says_so_and_has_none_that_is_refused() {
        let with = |requires: Value, methods: Value, headers: Value| {
            let mut manifest = valid();
            manifest["contract"] = json!(2);
            manifest["requires"] = requires;
            manifest["issuers"][0]["upstreams"][0] =
                json!({"kind": "host", "host": "api.example.com", "methods": methods, "headers": headers});
            read(&manifest).err().map(|fault| fault.cause)
        };
        let mut binary = valid();
        binary["issuers"][0]["upstreams"][0]["binary_bodies"] = json!(true);
        assert!(read(&binary).err().unwrap().cause.contains("uses `body_encoding`, and does not list it"));
        let required = || json!(["methods", "headers"]);
        assert_eq!(with(required(), json!(["POST", "DELETE"]), json!(["x-vendor-*"])), None);
        assert_eq!(with(json!(["methods"]), json!(["PATCH"]), json!([])), None);
        for (requires, methods, headers, cause) in [
            (json!(["headers"]), json!(["DELETE"]), json!([]), "uses `methods`, and does not list it"),
            (json!(["methods"]), json!([]), json!(["x-a"]), "uses `headers`, and does not list it"),
            (required(), json!(["CONNECT"]), json!([]), "`CONNECT` is not among the methods"),
            (required(), json!(["delete"]), json!([]), "`delete` is not among the methods"),
            (required(), json!([]), json!(["X-A"]), "`X-A` is not a header"),
            (required(), json!([]), json!(["host"]), "no plugin may set the header `host`"),
        ] {
            let refused = with(requires, methods.clone(), headers.clone());
            assert!(
                refused.as_deref().is_some_and(|why| why.contains(cause)),
                "{methods} {headers}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_setting_for_tls_that_cannot_be_withheld_is_refused() {
        let mut manifest = valid();
        manifest["contract"] = json!(2);
        manifest["requires"] = json!(["signs_with", "client_certificate", "ca"]);
        let issuer = &mut manifest["issuers"][0];
        issuer["settings_schema"]["properties"]["key"] = json!({"type": "string", "writeOnly": true});
        issuer["settings_schema"]["properties"]["certificate"] = json!({"type": "string", "writeOnly": true});
        issuer["settings_schema"]["properties"]["ca"] = json!({"type": "string"});
        issuer["signs_with"] = json!([{"setting": "key"}]);
        issuer["upstreams"][1]["client_certificate"] = json!("certificate");
        issuer["upstreams"][1]["ca"] = json!("ca");
        assert!(read(&manifest).is_ok());
        for (pointer, value, cause) in [
            ("/requires", json!(["signs_with", "ca"]), "uses `client_certificate`, and does not list it"),
            ("/requires", json!(["signs_with", "client_certificate"]), "uses `ca`, and does not list it"),
            ("/issuers/0/upstreams/1/client_certificate", json!("minutes"), "does not mark as writeOnly"),
            ("/issuers/0/upstreams/1/client_certificate", json!("key"), "cannot be signed with"),
            ("/issuers/0/upstreams/1/ca", json!("other"), "refers to the setting `other`"),
            (
                "/issuers/0/overrides/0/setting",
                json!("certificate"),
                "could replace the setting `certificate`",
            ),
            ("/issuers/0/overrides/0/setting", json!("ca"), "could replace the setting `ca`"),
        ] {
            let mut manifest = manifest.clone();
            *manifest.pointer_mut(pointer).unwrap() = value;
            let refused = read(&manifest).err().unwrap_or_else(|| panic!("{pointer} was accepted"));
            assert!(refused.cause.contains(cause), "{pointer}: {}", refused.cause);
        }
    }

    #[test]
    fn a_key_that_cannot_be_withheld_is_refused() {
        for (pointer, value, cause) in [
            ("/signs_with", json!(["tenant", "tenant"]), "lists `tenant` twice"),
            ("/signs_with/1", json!({"setting": "tenant"}), "cannot be called `tenant`"),
            ("/signs_with/1", json!({"setting": "minutes"}), "does not mark as writeOnly"),
            ("/signs_with/1", json!({"setting": "other"}), "does not mark as writeOnly"),
            ("/overrides/0/setting", json!("key"), "could replace the private key"),
            ("/signs_with", json!([{"setting": "key"}]), "which signs_with does not list"),
            ("/signs/issuer", json!("other"), "refers to the setting `other`"),
            ("/signs/subject/setting", json!("other"), "refers to the setting `other`"),
            ("/signs/subject/kind", json!("guessed"), "`signs.subject`"),
            ("/needs", json!(["tenant_signing_key"]), "cannot need the key itself"),
        ] {
            let mut manifest = signing();
            manifest["issuers"][0]["needs"] = json!([]);
            *manifest.pointer_mut(&format!("/issuers/0{pointer}")).unwrap() = value;
            let fault = read(&manifest).err().unwrap_or_else(|| panic!("{pointer} was accepted"));
            assert_eq!(fault.code, LoadErrorCode::ManifestUnusable, "{pointer}");
            assert!(fault.cause.contains(cause), "{pointer}: {}", fault.cause);
        }
    }
}
