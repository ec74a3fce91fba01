//! Checks stored settings against the manifest's schema before the plugin sees them.
//!
//! A refusal names the setting and the schema's rule. It never shows the value, which may be a secret.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use locum_abi::answer::{Failure, FailureCode};
use serde_json::{Map, Value};

use crate::json_pointer;

const NO_SUCH_SETTING: &str = "there is no such setting";

/// Least similarity (Jaro-Winkler, 0 to 1) at which a known name is suggested.
const SIMILARITY_MIN: f64 = 0.8;

/// The compiled schema of an issuer's settings.
pub(crate) struct SettingsSchema {
    validator: Validator,
    /// The names of the settings; empty if the schema does not list them at its top level.
    names: Vec<String>,
}

impl SettingsSchema {
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let validator = Validator::new(schema).map_err(|error| error.masked().to_string())?;
        if !is_closed(schema) {
            return Err(
                "it allows unknown settings; put `#[serde(deny_unknown_fields)]` on the settings type"
                    .to_owned(),
            );
        }
        let names = match schema.get("properties") {
            Some(Value::Object(properties)) => properties.keys().cloned().collect(),
            _ => Vec::new(),
        };
        Ok(Self { validator, names })
    }

    /// Whether the schema defines a setting of this name. True for every name if the schema does not list its names.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|known| known == name)
    }

    /// Refuses settings that do not fit the schema; the failure's pointer names the first setting at fault.
    pub(crate) fn check(&self, settings: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
        let settings = Value::Object(settings);
        if let Err(error) = self.validator.validate(&settings) {
            return Err(self.refusal(&error, &settings));
        }
        match settings {
            Value::Object(settings) => Ok(settings),
            _ => Ok(Map::new()),
        }
    }

    fn refusal(&self, error: &ValidationError<'_>, settings: &Value) -> Failure {
        let at = error.instance_path().as_str();
        let (at, message) = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let name = unexpected.first().map_or("", String::as_str);
                (json_pointer::member(at, name), self.unknown_setting(name))
            }
            // An object that has no properties in the schema: every name is one too many.
            ValidationErrorKind::FalseSchema
                if error.schema_path().as_str().ends_with("/additionalProperties")
                    && let Some(name) = first_name(settings.pointer(at)) =>
            {
                (json_pointer::member(at, name), NO_SUCH_SETTING.to_owned())
            }
            ValidationErrorKind::Required { property } => {
                (json_pointer::member(at, property.as_str().unwrap_or_default()), "it is required".to_owned())
            }
            ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => {
                (at.to_owned(), format!("expected the type {kind}"))
            }
            ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
                (at.to_owned(), expected_variants(context))
            }
            _ => (at.to_owned(), error.masked_with("the value").to_string()),
        };
        Failure::new(FailureCode::SettingsRefused, message).at(at)
    }

    fn unknown_setting(&self, name: &str) -> String {
        let similarity = |known: &String| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
        let nearest = self.names.iter().max_by(|one, other| similarity(one).total_cmp(&similarity(other)));
        match nearest {
            Some(nearest) if similarity(nearest) >= SIMILARITY_MIN => {
                format!("{NO_SUCH_SETTING}; did you mean `{nearest}`?")
            }
            _ if self.names.is_empty() => NO_SUCH_SETTING.to_owned(),
            _ => format!("{NO_SUCH_SETTING}; the settings are {}", self.names.join(", ")),
        }
    }
}

/// Whether the schema refuses names that it does not define, at its top level or in each of its variants.
fn is_closed(schema: &Value) -> bool {
    let refuses = |keyword| schema.get(keyword) == Some(&Value::Bool(false));
    let variants = ["oneOf", "anyOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array());
    refuses("additionalProperties")
        || refuses("unevaluatedProperties")
        || variants.flatten().map(is_closed).reduce(|one, other| one && other).unwrap_or(false)
}

fn first_name(object: Option<&Value>) -> Option<&str> {
    object?.as_object()?.keys().next().map(String::as_str)
}

/// Lists the allowed values if every variant is one constant: schemars writes enums in this form.
fn expected_variants(variants: &[Vec<ValidationError<'static>>]) -> String {
    let constants: Option<Vec<&str>> = variants
        .iter()
        .map(|errors| {
            errors.iter().find_map(|error| match error.kind() {
                ValidationErrorKind::Constant { expected_value } => expected_value.as_str(),
                _ => None,
            })
        })
        .collect();
    match constants {
        Some(constants) if !constants.is_empty() => format!("expected one of {}", constants.join(", ")),
        _ => "the value matches none of the variants that the schema allows".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> SettingsSchema {
        SettingsSchema::compile(&json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["secret"],
            "properties": {
                "secret": {"type": "string", "writeOnly": true, "minLength": 4},
                "alg": {"oneOf": [{"type": "string", "const": "HS256"}, {"type": "string", "const": "RS256"}]},
                "lifetime_in_seconds": {"type": ["integer", "null"], "maximum": 10},
                "keys": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
            },
        }))
        .unwrap()
    }

    fn refused(settings: Value) -> (String, String) {
        let failure = schema().check(settings.as_object().unwrap().clone()).unwrap_err();
        assert_eq!(failure.code, FailureCode::SettingsRefused);
        (failure.pointer.unwrap(), failure.message)
    }

    #[test]
    fn valid_settings_pass_unchanged() {
        let settings = json!({"secret": "long", "alg": "HS256", "lifetime_in_seconds": null, "keys": ["a"]});
        let map = settings.as_object().unwrap();
        assert_eq!(&schema().check(map.clone()).unwrap(), map);
    }

    #[test]
    fn a_misspelt_name_is_refused_and_the_right_name_suggested() {
        let (pointer, message) = refused(json!({"secret": "long", "lifetimeInSeconds": 5}));
        assert_eq!(pointer, "/lifetimeInSeconds");
        assert_eq!(message, "there is no such setting; did you mean `lifetime_in_seconds`?");
    }

    #[test]
    fn an_unknown_name_is_refused_and_the_known_names_listed() {
        let (pointer, message) = refused(json!({"secret": "long", "~/x": 5}));
        assert_eq!(pointer, "/~0~1x");
        assert!(message.contains("the settings are secret, alg, lifetime_in_seconds, keys"), "{message}");
    }

    #[test]
    fn where_no_settings_are_known_none_is_listed() {
        let variant = json!({"type": "object", "properties": {"y": {"type": "integer"}}});
        for schema in [
            json!({"type": "object", "additionalProperties": false}),
            json!({"oneOf": [variant], "unevaluatedProperties": false}),
        ] {
            let settings = json!({"x": 5}).as_object().unwrap().clone();
            let failure = SettingsSchema::compile(&schema).unwrap().check(settings).unwrap_err();
            assert_eq!((failure.pointer.as_deref(), &*failure.message), (Some("/x"), NO_SUCH_SETTING));
        }
    }

    #[test]
    fn where_an_object_may_have_no_names_the_one_it_has_is_refused() {
        let empty = json!({"type": "object", "additionalProperties": false});
        let schema = json!({
            "type": "object",
            "properties": {"empty": empty, "old": false},
            "additionalProperties": false,
        });
        let schema = SettingsSchema::compile(&schema).unwrap();
        let refused = |settings: Value| {
            let failure = schema.check(settings.as_object().unwrap().clone()).unwrap_err();
            (failure.pointer.unwrap_or_default().to_string(), failure.message.to_string())
        };
        assert_eq!(refused(json!({"empty": {"x": 1}})), ("/empty/x".to_owned(), NO_SUCH_SETTING.to_owned()));
        let (pointer, message) = refused(json!({"old": {"x": 1}}));
        assert_eq!(pointer, "/old");
        assert_ne!(message, NO_SUCH_SETTING);
    }

    #[test]
    fn a_missing_setting_is_named() {
        assert_eq!(refused(json!({})), ("/secret".to_owned(), "it is required".to_owned()));
    }

    #[test]
    fn the_values_of_an_enum_are_listed() {
        let expected = ("/alg".to_owned(), "expected one of HS256, RS256".to_owned());
        assert_eq!(refused(json!({"secret": "long", "alg": "none"})), expected);
    }

    #[test]
    fn a_value_is_never_shown() {
        for (name, value) in [
            ("secret", json!("hu")),
            ("secret", json!({"hunter": "hunter2"})),
            ("alg", json!("hunter2")),
            ("lifetime_in_seconds", json!("hunter2")),
            ("keys", json!(["hunter2"])),
        ] {
            let mut settings = json!({"secret": "long"});
            settings[name] = value;
            let (pointer, message) = refused(settings);
            assert!(pointer.starts_with(&format!("/{name}")), "{pointer}");
            assert!(!message.contains("hu"), "{message}");
        }
    }

    #[test]
    fn a_schema_that_allows_unknown_names_in_one_variant_is_refused() {
        let open = json!({"type": "object"});
        let closed = json!({"type": "object", "additionalProperties": false});
        assert!(SettingsSchema::compile(&open).is_err());
        assert!(SettingsSchema::compile(&json!({"oneOf": [closed, closed]})).is_ok());
        assert!(SettingsSchema::compile(&json!({"oneOf": [closed, open]})).is_err());
    }

    #[test]
    fn a_choice_without_variants_lists_none() {
        assert_eq!(expected_variants(&[]), "the value matches none of the variants that the schema allows");
        assert_eq!(expected_variants(&[Vec::new()]), expected_variants(&[]));
    }
}
