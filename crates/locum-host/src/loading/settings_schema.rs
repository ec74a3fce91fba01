//! Stored settings, held against the schema of a manifest before the plugin sees them.
//!
//! What is wrong is said by the setting's name and the schema's words. The value is never shown: it may be a secret.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, Validator};
use locum_abi::answer::{Failure, FailureCode};
use serde_json::{Map, Value};

/// Least likeness (Jaro-Winkler, 0 to 1) of a known name that is worth a hint.
const LIKENESS: f64 = 0.8;

/// The schema of an issuer's settings, compiled.
pub(crate) struct SettingsSchema {
    validator: Validator,
    /// The names of the settings; empty where the schema does not list them at its top.
    names: Vec<String>,
}

impl SettingsSchema {
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let validator = Validator::new(schema).map_err(|error| error.masked().to_string())?;
        if !is_closed(schema) {
            return Err(
                "it takes unknown settings; put `#[serde(deny_unknown_fields)]` on the settings type"
                    .to_owned(),
            );
        }
        let names = match schema.get("properties") {
            Some(Value::Object(properties)) => properties.keys().cloned().collect(),
            _ => Vec::new(),
        };
        Ok(Self { validator, names })
    }

    /// Whether there is a setting of this name, as far as the schema says.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|known| known == name)
    }

    /// Refuses settings that the schema refuses; the failure's pointer names the first setting at fault.
    pub(crate) fn check(&self, settings: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
        let settings = Value::Object(settings);
        if let Err(error) = self.validator.validate(&settings) {
            return Err(self.refusal(&error));
        }
        match settings {
            Value::Object(settings) => Ok(settings),
            _ => Ok(Map::new()),
        }
    }

    fn refusal(&self, error: &ValidationError<'_>) -> Failure {
        let at = error.instance_path().as_str();
        let (at, message) = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let name = unexpected.first().map_or("", String::as_str);
                (within(at, name), self.unknown(name))
            }
            ValidationErrorKind::Required { property } => {
                (within(at, property.as_str().unwrap_or_default()), "it is required".to_owned())
            }
            ValidationErrorKind::Type { kind: TypeKind::Single(kind) } => {
                (at.to_owned(), format!("expected the type {kind}"))
            }
            ValidationErrorKind::OneOfNotValid { context } | ValidationErrorKind::AnyOf { context } => {
                (at.to_owned(), one_of(context))
            }
            _ => (at.to_owned(), error.masked_with("the value").to_string()),
        };
        Failure::new(FailureCode::SettingsRefused, message).at(at)
    }

    fn unknown(&self, name: &str) -> String {
        let likeness = |known: &String| strsim::jaro_winkler(&known.to_lowercase(), &name.to_lowercase());
        let nearest = self.names.iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
        match nearest {
            Some(nearest) if likeness(nearest) >= LIKENESS => {
                format!("there is no such setting; did you mean `{nearest}`?")
            }
            _ if self.names.is_empty() => "there is no such setting".to_owned(),
            _ => format!("there is no such setting; there are {}", self.names.join(", ")),
        }
    }
}

/// Whether the schema refuses names that it does not know, at its top or in each of its variants.
fn is_closed(schema: &Value) -> bool {
    let refuses = |keyword| schema.get(keyword) == Some(&Value::Bool(false));
    let variants = ["oneOf", "anyOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array());
    refuses("additionalProperties")
        || refuses("unevaluatedProperties")
        || variants.flatten().map(is_closed).reduce(|one, other| one && other).unwrap_or(false)
}

/// The words of an enumeration, where every variant is one word; schemars writes enums so.
fn one_of(variants: &[Vec<ValidationError<'static>>]) -> String {
    let words: Option<Vec<&str>> = variants
        .iter()
        .map(|errors| {
            errors.iter().find_map(|error| match error.kind() {
                ValidationErrorKind::Constant { expected_value } => expected_value.as_str(),
                _ => None,
            })
        })
        .collect();
    match words {
        Some(words) if !words.is_empty() => format!("expected one of {}", words.join(", ")),
        _ => "the value fits none of the forms that the schema allows".to_owned(),
    }
}

fn within(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
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
    fn settings_that_fit_pass_unchanged() {
        let settings = json!({"secret": "long", "alg": "HS256", "lifetime_in_seconds": null, "keys": ["a"]});
        let map = settings.as_object().unwrap();
        assert_eq!(&schema().check(map.clone()).unwrap(), map);
    }

    #[test]
    fn a_misspelt_name_is_refused_with_the_right_one() {
        let (pointer, message) = refused(json!({"secret": "long", "lifetimeInSeconds": 5}));
        assert_eq!(pointer, "/lifetimeInSeconds");
        assert_eq!(message, "there is no such setting; did you mean `lifetime_in_seconds`?");
    }

    #[test]
    fn a_foreign_name_is_refused_with_all_there_are() {
        let (pointer, message) = refused(json!({"secret": "long", "~/x": 5}));
        assert_eq!(pointer, "/~0~1x");
        assert!(message.contains("there are secret, alg, lifetime_in_seconds, keys"), "{message}");
    }

    #[test]
    fn a_missing_setting_is_named() {
        assert_eq!(refused(json!({})), ("/secret".to_owned(), "it is required".to_owned()));
    }

    #[test]
    fn the_words_of_an_enumeration_are_listed() {
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
    fn a_schema_that_takes_unknown_names_is_refused_also_in_one_variant_of_two() {
        let open = json!({"type": "object"});
        let closed = json!({"type": "object", "additionalProperties": false});
        assert!(SettingsSchema::compile(&open).is_err());
        assert!(SettingsSchema::compile(&json!({"oneOf": [closed, closed]})).is_ok());
        assert!(SettingsSchema::compile(&json!({"oneOf": [closed, open]})).is_err());
    }
}
