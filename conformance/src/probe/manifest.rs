//! Is the manifest honest: does it say what operators need, and does it promise only what exists?

use locum_abi::manifest::{IssuerManifest, Read};
use serde_json::{Value, json};

use super::{is_secret, properties};
use crate::comparison::Difference;

pub(super) fn settings_are_closed(manifest: &IssuerManifest) -> Vec<Difference> {
    let schema = &manifest.settings_schema;
    let mut open = Vec::new();
    if schema.get("type") != Some(&json!("object")) {
        open.push(Difference::new("type of the settings schema", "object", "another"));
    }
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        open.push(Difference::new("additionalProperties", "false", "absent or true"));
    }
    open
}

pub(super) fn every_setting_is_described(manifest: &IssuerManifest) -> Vec<Difference> {
    let described = |property: &Value| {
        property.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    let silent = properties(&manifest.settings_schema).filter(|(_, property)| !described(property));
    silent.map(|(name, _)| Difference::new(format!("setting {name}"), "a description", "none")).collect()
}

pub(super) fn no_parameter_overrides_a_secret(manifest: &IssuerManifest) -> Vec<Difference> {
    let secret = |name: &str| {
        properties(&manifest.settings_schema).any(|(own, property)| own == name && is_secret(property))
    };
    let overriding = manifest.overrides.iter().filter(|known| secret(&known.setting));
    overriding
        .map(|known| {
            Difference::new(
                format!("parameter {}", known.parameter),
                "stands in for no secret",
                &known.setting,
            )
        })
        .collect()
}

pub(super) fn promises_name_what_exists(manifest: &IssuerManifest) -> Vec<Difference> {
    let setting = |name: &str| properties(&manifest.settings_schema).any(|(own, _)| own == name);
    let parameter = |name: &str| properties(&manifest.parameters_schema).any(|(own, _)| own == name);
    let mut unknown = Vec::new();
    let mut check = |promise: &str, known: bool, name: &str| {
        if !known {
            unknown.push(Difference::new(promise, "a name that the schema knows", name));
        }
    };
    for known in &manifest.overrides {
        check("setting of an override", setting(&known.setting), &known.setting);
        check("parameter of an override", parameter(&known.parameter), &known.parameter);
    }
    if let Some(asking) = &manifest.lifetime.setting {
        check("setting of the lifetime", setting(&asking.name), &asking.name);
    }
    for read in &manifest.reads {
        if let Read::NamedBySetting { setting: name, .. } = read {
            check("setting that names an attribute", setting(name), name);
        }
    }
    unknown
}

pub(super) fn operators_are_told_what_to_do(manifest: &IssuerManifest) -> Vec<Difference> {
    let advice = manifest.revocation_advice.trim();
    if advice.ends_with('.') && advice.contains(' ') {
        return Vec::new();
    }
    vec![Difference::new("revocation_advice", "a whole sentence", advice)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An honest manifest with these members changed.
    fn manifest(changes: Value) -> IssuerManifest {
        let mut manifest = json!({
            "api_type": "mine",
            "credential": { "form": "text", "member": "mine" },
            "settings_schema": {
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "key": { "type": "string", "writeOnly": true, "description": "The key." },
                    "place": { "type": "string", "description": "The place." },
                    "minutes": { "type": "integer", "description": "How long." },
                },
            },
            "parameters_schema": { "type": "object", "properties": { "place": { "type": "string" } } },
            "overrides": [{ "parameter": "place", "setting": "place" }],
            "lifetime": {
                "minimum_seconds": 60, "default_seconds": 60, "maximum_seconds": 600,
                "setting": { "name": "minutes", "unit_seconds": 60 },
            },
            "revocation": "not_revocable",
            "revocation_advice": "Wait until it ends.",
            "reads": [{ "kind": "named_by_setting", "setting": "place" }],
        });
        for (pointer, value) in changes.as_object().unwrap() {
            *manifest.pointer_mut(pointer).unwrap() = value.clone();
        }
        serde_json::from_value(manifest).unwrap()
    }

    const PROBES: [fn(&IssuerManifest) -> Vec<Difference>; 5] = [
        settings_are_closed,
        every_setting_is_described,
        no_parameter_overrides_a_secret,
        promises_name_what_exists,
        operators_are_told_what_to_do,
    ];

    /// Which of the probes finds something, and what.
    fn found(changes: Value) -> Vec<(usize, String)> {
        let manifest = manifest(changes);
        let found = PROBES.iter().enumerate();
        found
            .flat_map(|(index, probe)| probe(&manifest).into_iter().map(move |found| (index, found.what)))
            .collect()
    }

    #[test]
    fn nothing_is_found_in_an_honest_manifest() {
        assert_eq!(found(json!({})), []);
    }

    #[test]
    fn a_schema_that_allows_unknown_settings_is_found() {
        let found = found(json!({ "/settings_schema/additionalProperties": true }));
        assert_eq!(found, [(0, "additionalProperties".to_owned())]);
    }

    #[test]
    fn a_setting_without_a_word_for_operators_is_found() {
        let found = found(json!({ "/settings_schema/properties/place/description": " " }));
        assert_eq!(found, [(1, "setting place".to_owned())]);
    }

    #[test]
    fn a_parameter_that_stands_in_for_a_secret_is_found() {
        assert_eq!(found(json!({ "/overrides/0/setting": "key" })), [(2, "parameter place".to_owned())]);
    }

    #[test]
    fn promises_about_what_there_is_not_are_found() {
        let promises = [
            ("/overrides/0/setting", "setting of an override"),
            ("/overrides/0/parameter", "parameter of an override"),
            ("/lifetime/setting/name", "setting of the lifetime"),
            ("/reads/0/setting", "setting that names an attribute"),
        ];
        for (pointer, promise) in promises {
            assert_eq!(found(json!({ pointer: "nothing" })), [(3, promise.to_owned())]);
        }
    }

    #[test]
    fn advice_that_is_no_sentence_is_found() {
        for advice in ["", "none", "Wait"] {
            assert_eq!(found(json!({ "/revocation_advice": advice })), [(4, "revocation_advice".to_owned())]);
        }
    }
}
