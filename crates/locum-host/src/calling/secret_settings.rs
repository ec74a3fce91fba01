//! Finds the secrets among settings: the values that the schema marks `writeOnly`, at any depth.
//!
//! A value counts as secret if any part of the schema that may apply to it says so, or if a reference cannot be
//! resolved: masking too much is safer than showing a secret. For the same reason all variants of a `oneOf` count,
//! without checking which one matches.

use std::collections::HashSet;
use std::ptr;

use serde_json::{Map, Value};

use crate::json_pointer;

/// A text among settings that the schema marks as secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSetting<'a> {
    /// JSON pointer (RFC 6901) of the text in the settings.
    pub pointer: String,
    /// The secret itself.
    pub text: &'a str,
}

/// The secret texts of these settings, in the order of the settings. If the schema marks an object or array as secret,
/// every text in it is one.
///
/// ```
/// use serde_json::json;
///
/// let schema = json!({"properties": {"login": {"properties": {"password": {"writeOnly": true}}}}});
/// let settings = json!({"login": {"user": "alice", "password": "correct horse"}});
/// let secrets = locum_host::secret_settings(&schema, settings.as_object().unwrap());
/// assert_eq!((secrets.len(), secrets[0].pointer.as_str()), (1, "/login/password"));
/// ```
pub fn secret_settings<'a>(schema: &Value, settings: &'a Map<String, Value>) -> Vec<SecretSetting<'a>> {
    let mut found = Vec::new();
    let applying = Applying::expand(schema, vec![schema]);
    collect_members(&applying, settings, "", applying.is_secret(), &mut found);
    found
}

/// The names of the top-level settings that are secret or contain secrets, by the schema alone.
pub fn secret_setting_names(schema: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for applying in Applying::expand(schema, vec![schema]).schemas {
        for (name, property) in members(applying, "properties") {
            if !names.contains(&name) && contains_secret(schema, property, &mut HashSet::new()) {
                names.push(name);
            }
        }
    }
    names
}

fn collect<'a>(
    applying: &Applying<'_>,
    value: &'a Value,
    pointer: String,
    inside_secret: bool,
    found: &mut Vec<SecretSetting<'a>>,
) {
    let secret = inside_secret || applying.is_secret();
    match value {
        Value::String(text) if secret => found.push(SecretSetting { pointer, text }),
        Value::Object(object) => collect_members(applying, object, &pointer, secret, found),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(&applying.item(index), item, format!("{pointer}/{index}"), secret, found);
            }
        }
        _ => {}
    }
}

fn collect_members<'a>(
    applying: &Applying<'_>,
    object: &'a Map<String, Value>,
    pointer: &str,
    secret: bool,
    found: &mut Vec<SecretSetting<'a>>,
) {
    for (name, value) in object {
        collect(&applying.member(name), value, json_pointer::member(pointer, name), secret, found);
    }
}

/// The schemas that may apply to one value.
struct Applying<'s> {
    /// The whole schema, in which references are resolved.
    root: &'s Value,
    schemas: Vec<&'s Value>,
    has_unresolved_reference: bool,
}

impl<'s> Applying<'s> {
    /// Adds the schemas that these ones apply to the same value, by reference or combination.
    fn expand(root: &'s Value, mut schemas: Vec<&'s Value>) -> Self {
        let mut has_unresolved_reference = false;
        let mut next = 0;
        while let Some(schema) = schemas.get(next).copied() {
            next += 1;
            let mut add = |schema: &'s Value| {
                // Schemas may refer to themselves.
                if !schemas.iter().any(|known| ptr::eq(*known, schema)) {
                    schemas.push(schema);
                }
            };
            ["allOf", "anyOf", "oneOf"]
                .into_iter()
                .flat_map(|keyword| elements(schema, keyword))
                .for_each(&mut add);
            ["if", "then", "else"].into_iter().filter_map(|keyword| schema.get(keyword)).for_each(&mut add);
            members(schema, "dependentSchemas").for_each(|(_, schema)| add(schema));
            for keyword in ["$ref", "$dynamicRef"] {
                match schema.get(keyword).map(|reference| resolve(root, reference)) {
                    None => {}
                    Some(Some(target)) => add(target),
                    Some(None) => has_unresolved_reference = true,
                }
            }
        }
        Self { root, schemas, has_unresolved_reference }
    }

    fn is_secret(&self) -> bool {
        self.has_unresolved_reference || self.schemas.iter().any(|schema| is_write_only(schema))
    }

    fn member(&self, name: &str) -> Self {
        let mut schemas = Vec::new();
        for schema in &self.schemas {
            schemas.extend(schema.get("properties").and_then(|properties| properties.get(name)));
            // Patterns are not matched: a secret under any of them is a secret.
            schemas.extend(members(schema, "patternProperties").map(|(_, schema)| schema));
            schemas.extend(OTHER_MEMBERS.into_iter().filter_map(|keyword| schema.get(keyword)));
        }
        Self::expand(self.root, schemas)
    }

    fn item(&self, index: usize) -> Self {
        let mut schemas = Vec::new();
        for schema in &self.schemas {
            // Drafts before 2020-12 write the list of `prefixItems` as `items`.
            schemas.extend(
                ["prefixItems", "items"]
                    .into_iter()
                    .filter_map(|keyword| elements(schema, keyword).nth(index)),
            );
            schemas.extend(OTHER_ITEMS.into_iter().filter_map(|keyword| schema.get(keyword)));
        }
        Self::expand(self.root, schemas)
    }
}

const OTHER_MEMBERS: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];
const OTHER_ITEMS: [&str; 4] = ["items", "additionalItems", "unevaluatedItems", "contains"];

/// Whether values of this schema are secret or contain secrets. `visited` stops the recursion in recursive schemas.
fn contains_secret<'s>(root: &'s Value, schema: &'s Value, visited: &mut HashSet<*const Value>) -> bool {
    if !visited.insert(ptr::from_ref(schema)) {
        return false;
    }
    let applying = Applying::expand(root, vec![schema]);
    applying.is_secret()
        || applying.schemas.iter().any(|schema| {
            let named =
                ["properties", "patternProperties"].into_iter().flat_map(|keyword| members(schema, keyword));
            let listed = ["prefixItems", "items"].into_iter().flat_map(|keyword| elements(schema, keyword));
            let other = OTHER_MEMBERS.iter().chain(&OTHER_ITEMS).filter_map(|keyword| schema.get(*keyword));
            let mut inner = named.map(|(_, schema)| schema).chain(listed).chain(other);
            inner.any(|inner| contains_secret(root, inner, visited))
        })
}

fn is_write_only(schema: &Value) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
}

/// The target of a reference within the schema, such as `#/$defs/Login`.
fn resolve<'s>(root: &'s Value, reference: &Value) -> Option<&'s Value> {
    root.pointer(reference.as_str()?.strip_prefix('#')?)
}

fn members<'s>(schema: &'s Value, keyword: &str) -> impl Iterator<Item = (&'s str, &'s Value)> {
    let object = schema.get(keyword).and_then(Value::as_object);
    object.into_iter().flatten().map(|(name, schema)| (name.as_str(), schema))
}

fn elements<'s>(schema: &'s Value, keyword: &str) -> impl Iterator<Item = &'s Value> {
    schema.get(keyword).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The pointers of the secrets found.
    fn found(schema: &Value, settings: &Value) -> Vec<String> {
        let secrets = secret_settings(schema, settings.as_object().unwrap());
        secrets
            .into_iter()
            .map(|secret| {
                assert_eq!(settings.pointer(&secret.pointer).and_then(Value::as_str), Some(secret.text));
                secret.pointer
            })
            .collect()
    }

    /// Expects these secrets among the settings, and no others; each text is its own pointer.
    fn check(schema: &Value, settings: &Value, pointers: &[&str]) {
        assert_eq!(found(schema, settings), pointers, "{schema}");
        let mut names: Vec<&str> = pointers.iter().filter_map(|pointer| pointer.split('/').nth(1)).collect();
        names.dedup();
        assert_eq!(secret_setting_names(schema), names, "{schema}");
    }

    fn secret() -> Value {
        json!({"type": "string", "writeOnly": true})
    }

    #[test]
    fn a_secret_at_the_top_level_is_found() {
        let schema = json!({"properties": {"key": secret(), "name": {"type": "string"}, "open": {"writeOnly": false}}});
        check(&schema, &json!({"key": "k", "name": "n", "open": "o", "other": "x"}), &["/key"]);
    }

    #[test]
    fn a_secret_in_nested_objects_and_arrays_is_found() {
        let login =
            json!({"type": "object", "properties": {"user": {"type": "string"}, "password": secret()}});
        let schema = json!({"properties": {
            "login": login,
            "logins": {"type": "array", "items": login},
            "pair": {"prefixItems": [{"type": "string"}, secret()]},
        }});
        let settings = json!({
            "login": {"user": "u", "password": "p"},
            "logins": [{"user": "u", "password": "p"}, {"password": "p"}],
            "pair": ["a", "b", "c"],
        });
        check(
            &schema,
            &settings,
            &["/login/password", "/logins/0/password", "/logins/1/password", "/pair/1"],
        );
    }

    #[test]
    fn a_secret_behind_a_reference_is_found() {
        let schema = json!({
            "$ref": "#/$defs/Settings",
            "$defs": {
                "Settings": {"properties": {"login": {"$ref": "#/$defs/Login"}, "name": {"type": "string"}}},
                "Login": {"properties": {"password": {"$ref": "#/$defs/Secret"}, "user": {"type": "string"}}},
                "Secret": secret(),
            },
        });
        check(&schema, &json!({"login": {"user": "u", "password": "p"}, "name": "n"}), &["/login/password"]);
    }

    #[test]
    fn a_secret_in_any_combined_schema_is_found() {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            let schema = json!({keyword: [
                {"properties": {"key": secret()}},
                {"properties": {"key": {"type": "string"}, "optional": {keyword: [secret(), {"type": "null"}]}}},
            ]});
            check(&schema, &json!({"key": "k", "optional": "o"}), &["/key", "/optional"]);
        }
        let schema = json!({"if": {"required": ["a"]}, "then": {"properties": {"a": secret()}}});
        check(&schema, &json!({"a": "a", "b": "b"}), &["/a"]);
    }

    #[test]
    fn a_secret_under_a_name_that_the_schema_does_not_list_is_found() {
        let schema = json!({"properties": {
            "keys": {"properties": {"listed": {"type": "string"}}, "additionalProperties": secret()},
            "headers": {"patternProperties": {"^x-": secret()}},
        }});
        let settings = json!({"keys": {"a/b~c": "k"}, "headers": {"x-key": "h"}});
        check(&schema, &settings, &["/keys/a~1b~0c", "/headers/x-key"]);
    }

    #[test]
    fn every_text_in_a_secret_object_or_array_is_a_secret() {
        let schema = json!({"properties": {"key": {"writeOnly": true}}});
        check(&schema, &json!({"key": {"d": "1", "parts": ["2", 3, null]}}), &["/key/d", "/key/parts/0"]);
    }

    #[test]
    fn a_recursive_schema_is_walked_as_deep_as_the_settings_are() {
        let schema = json!({
            "properties": {"tree": {"$ref": "#/$defs/Node"}},
            "$defs": {
                "Node": {"properties": {"key": secret(), "child": {"$ref": "#/$defs/Node"}}},
                "Loop": {"$ref": "#/$defs/Loop"},
            },
        });
        let settings = json!({"tree": {"key": "1", "child": {"key": "2", "child": {"name": "3"}}}});
        check(&schema, &settings, &["/tree/key", "/tree/child/key"]);
        let endless = json!({"properties": {"a": {"$ref": "#/$defs/Loop"}}, "$defs": schema["$defs"]});
        check(&endless, &json!({"a": "a"}), &[]);
    }

    #[test]
    fn a_value_behind_an_unresolvable_reference_counts_as_secret() {
        for reference in ["#/$defs/missing", "#anchor", "https://schemas.example.com/login.json"] {
            let schema = json!({"properties": {"key": {"$ref": reference}, "name": {"type": "string"}}});
            check(&schema, &json!({"key": "k", "name": "n"}), &["/key"]);
        }
    }
}
