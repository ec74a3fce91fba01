//! Checks of the manifest: does it tell operators what they need, and does it name only what exists?

use locum_abi::manifest::{IssuerManifest, Read};
use locum_host::secret_setting_names;
use serde_json::{Value, json};

use crate::report::Difference;
use crate::settings_schema::properties;

pub(crate) fn unknown_settings_are_refused(manifest: &IssuerManifest) -> Vec<Difference> {
    let schema = &manifest.settings_schema;
    let mut differences = Vec::new();
    if schema.get("type") != Some(&json!("object")) {
        differences.push(Difference::new("type of the settings schema", "object", "another"));
    }
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        differences.push(Difference::new("additionalProperties", "false", "absent or true"));
    }
    differences
}

pub(crate) fn every_setting_has_a_description(manifest: &IssuerManifest) -> Vec<Difference> {
    let described = |property: &Value| {
        property.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    let undescribed = properties(&manifest.settings_schema).filter(|(_, property)| !described(property));
    undescribed.map(|(name, _)| Difference::new(format!("setting {name}"), "a description", "none")).collect()
}

pub(crate) fn no_parameter_overrides_a_secret(manifest: &IssuerManifest) -> Vec<Difference> {
    let secrets = secret_setting_names(&manifest.settings_schema);
    let overriding = manifest.overrides.iter().filter(|known| secrets.contains(&known.setting.as_str()));
    overriding
        .map(|known| {
            Difference::new(format!("parameter {}", known.parameter), "overrides no secret", &known.setting)
        })
        .collect()
}

pub(crate) fn named_properties_exist(manifest: &IssuerManifest) -> Vec<Difference> {
    let setting = |name: &str| properties(&manifest.settings_schema).any(|(own, _)| own == name);
    let parameter = |name: &str| properties(&manifest.parameters_schema).any(|(own, _)| own == name);
    let mut unknown = Vec::new();
    let mut check = |what: &str, known: bool, name: &str| {
        if !known {
            unknown.push(Difference::new(what, "a name that the schema defines", name));
        }
    };
    for known in &manifest.overrides {
        check("setting of an override", setting(&known.setting), &known.setting);
        check("parameter of an override", parameter(&known.parameter), &known.parameter);
    }
    if let Some(lifetime) = &manifest.lifetime.setting {
        check("setting of the lifetime", setting(&lifetime.name), &lifetime.name);
    }
    for read in &manifest.reads {
        if let Read::NamedBySetting { setting: name, .. } = read {
            check("setting that names an attribute", setting(name), name);
        }
    }
    unknown
}

pub(crate) fn revocation_advice_is_a_sentence(manifest: &IssuerManifest) -> Vec<Difference> {
    let advice = manifest.revocation_advice.trim();
    if advice.ends_with('.') && advice.contains(' ') {
        return Vec::new();
    }
    vec![Difference::new("revocation_advice", "a whole sentence", advice)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A correct manifest with these members changed.
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
            "revocation_advice": "Wait until it expires.",
            "reads": [{ "kind": "named_by_setting", "setting": "place" }],
        });
        for (pointer, value) in changes.as_object().unwrap() {
            *manifest.pointer_mut(pointer).unwrap() = value.clone();
        }
        serde_json::from_value(manifest).unwrap()
    }

    const CHECKS: [fn(&IssuerManifest) -> Vec<Difference>; 5] = [
        unknown_settings_are_refused,
        every_setting_has_a_description,
        no_parameter_overrides_a_secret,
        named_properties_exist,
        revocation_advice_is_a_sentence,
    ];

    /// The index of each check that finds something, and what it finds.
    fn found(changes: Value) -> Vec<(usize, String)> {
        let manifest = manifest(changes);
        let found = CHECKS.iter().enumerate();
        found
            .flat_map(|(index, check)| check(&manifest).into_iter().map(move |found| (index, found.what)))
            .collect()
    }

    #[test]
    fn a_correct_manifest_passes() {
        assert_eq!(found(json!({})), []);
    }

    #[test]
    fn a_schema_that_allows_unknown_settings_fails() {
        let found = found(json!({ "/settings_schema/additionalProperties": true }));
        assert_eq!(found, [(0, "additionalProperties".to_owned())]);
    }

    #[test]
    fn a_setting_without_a_description_fails() {
        let found = found(json!({ "/settings_schema/properties/place/description": " " }));
        assert_eq!(found, [(1, "setting place".to_owned())]);
    }

    #[test]
    fn a_parameter_that_overrides_a_secret_fails() {
        assert_eq!(found(json!({ "/overrides/0/setting": "key" })), [(2, "parameter place".to_owned())]);
    }

    #[test]
    fn a_name_that_the_schemas_do_not_define_fails() {
        let names = [
            ("/overrides/0/setting", "setting of an override"),
            ("/overrides/0/parameter", "parameter of an override"),
            ("/lifetime/setting/name", "setting of the lifetime"),
            ("/reads/0/setting", "setting that names an attribute"),
        ];
        for (pointer, what) in names {
            assert_eq!(found(json!({ pointer: "nothing" })), [(3, what.to_owned())]);
        }
    }

    #[test]
    fn advice_that_is_not_a_sentence_fails() {
        for advice in ["", "none", "Wait"] {
            assert_eq!(found(json!({ "/revocation_advice": advice })), [(4, "revocation_advice".to_owned())]);
        }
    }
}
