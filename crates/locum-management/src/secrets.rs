//! What of a client is secret: who may read it, who may write it, and what a PATCH without it means.
//!
//! The secrets of an add-on are those that its plugin's settings schema marks as `writeOnly`. Without a plugin nobody knows, so all
//! of its settings are.

use locum_engine::ports::Issuers;
use serde_json::{Map, Value};

use crate::body::Members;
use crate::error::ApiError;

/// Members of a client that only `read:client_keys` shows.
const READ_BY_KEYS: [&str; 3] = ["client_secret", "signing_keys", "encryption_key"];

/// Members of a client that only `update:client_keys` writes. Whoever writes `jwks` can be the client from then on.
const WRITTEN_BY_KEYS: [&str; 4] = ["client_secret", "signing_keys", "encryption_key", "jwks"];

/// Members of `jwt_configuration` that stay if a patch of it does not have them. The second says how the stored secret is read; as at
/// Auth0, tools leave it out of what they write.
const KEPT_CONFIGURATION: [&str; 2] = ["private_key", "secret_encoded"];

/// How deep a schema is searched.
const SCHEMA_DEPTH_MAX: usize = 16;

/// Removes what is secret.
pub(crate) fn conceal(client: &mut Members, issuers: &dyn Issuers) {
    READ_BY_KEYS.iter().for_each(|name| drop(client.shift_remove(*name)));
    if let Some(Value::Object(configuration)) = client.get_mut("jwt_configuration") {
        configuration.shift_remove("private_key");
    }
    let Some(Value::Object(add_ons)) = client.get_mut("addons") else { return };
    for (api_type, settings) in add_ons {
        if let Value::Object(settings) = settings {
            let secret = SecretSettings::of(api_type, issuers);
            settings.retain(|name, _| !secret.include(name));
        } else if !settings.is_null() {
            *settings = Value::Null;
        }
    }
}

/// Completes a patch of a stored client by the secrets that it does not have.
///
/// # Errors
/// Other settings of the add-on are changed: the secret would be used with settings that whoever patches has chosen, such as the URL
/// that it is sent to.
pub(crate) fn keep_absent(
    patch: &mut Members,
    stored: &Members,
    issuers: &dyn Issuers,
) -> Result<(), ApiError> {
    if let Some(Value::Object(configuration)) = patch.get_mut("jwt_configuration") {
        let before = stored.get("jwt_configuration");
        for name in KEPT_CONFIGURATION {
            match (configuration.get(name), before.and_then(|of| of.get(name))) {
                (None, Some(value)) => drop(configuration.insert(name.to_owned(), value.clone())),
                (Some(Value::Null), _) => drop(configuration.shift_remove(name)),
                _ => {}
            }
        }
    }
    let Some(Value::Object(add_ons)) = patch.get_mut("addons") else { return Ok(()) };
    for (api_type, settings) in add_ons {
        let Value::Object(settings) = settings else { continue };
        let secret = SecretSettings::of(api_type, issuers);
        let before =
            stored.get("addons").and_then(|add_ons| add_ons.get(api_type)).and_then(Value::as_object);
        if let Some(before) = before {
            keep_settings(settings, before, &secret)
                .map_err(|message| ApiError::invalid_body(&format!("/addons/{api_type}"), message))?;
        }
        settings.retain(|name, value| !(value.is_null() && secret.include(name)));
    }
    Ok(())
}

fn keep_settings(
    settings: &mut Map<String, Value>,
    before: &Map<String, Value>,
    secret: &SecretSettings,
) -> Result<(), &'static str> {
    if !before.keys().any(|name| secret.include(name) && !settings.contains_key(name)) {
        return Ok(());
    }
    let rest_is_unchanged = settings.iter().all(|(name, value)| before.get(name) == Some(value))
        && before.keys().all(|name| secret.include(name) || settings.contains_key(name));
    if !rest_is_unchanged {
        return Err(
            "the add-on has secret settings that the body lacks, and others are changed; write the secret ones too, or null to clear one",
        );
    }
    settings.clone_from(before);
    Ok(())
}

/// Whether a client that is written has other secrets or keys than before.
pub(crate) fn are_written(before: &Members, after: &Members, issuers: &dyn Issuers) -> bool {
    let key_of =
        |client: &Members| client.get("jwt_configuration").and_then(|of| of.get("private_key")).cloned();
    if WRITTEN_BY_KEYS.iter().any(|name| before.get(*name) != after.get(*name))
        || key_of(before) != key_of(after)
    {
        return true;
    }
    let add_ons = after.get("addons").and_then(Value::as_object);
    add_ons.into_iter().flatten().any(|(api_type, settings)| {
        let secret = SecretSettings::of(api_type, issuers);
        let empty = Map::new();
        let before =
            before.get("addons").and_then(|add_ons| add_ons.get(api_type)).and_then(Value::as_object);
        let (before, after) = (before.unwrap_or(&empty), settings.as_object().unwrap_or(&empty));
        let mut names = before.keys().chain(after.keys());
        // An add-on that is removed or switched off keeps no secret that could be used otherwise.
        settings.is_object() && names.any(|name| secret.include(name) && before.get(name) != after.get(name))
    })
}

/// Which settings of an add-on are secret.
enum SecretSettings {
    All,
    /// All but these.
    AllBut(Vec<String>),
}

impl SecretSettings {
    fn of(api_type: &str, issuers: &dyn Issuers) -> Self {
        let Some(manifest) = issuers.manifest(api_type) else { return Self::All };
        let schema = &manifest.settings_schema;
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Self::All };
        let shown =
            properties.iter().filter(|(_, property)| !is_write_only(property, schema, SCHEMA_DEPTH_MAX));
        Self::AllBut(shown.map(|(name, _)| name.clone()).collect())
    }

    fn include(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(shown) => !shown.iter().any(|shown| shown == name),
        }
    }
}

/// Whether anything in the schema of a setting is `writeOnly`. What is too deep to be searched is.
fn is_write_only(schema: &Value, root: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return true };
    match schema {
        Value::Array(items) => items.iter().any(|item| is_write_only(item, root, depth)),
        Value::Object(members) => members.iter().any(|(name, value)| match (name.as_str(), value) {
            ("writeOnly", value) => *value != Value::Bool(false),
            ("$ref", Value::String(target)) => target
                .strip_prefix('#')
                .and_then(|pointer| root.pointer(pointer))
                .is_none_or(|target| is_write_only(target, root, depth)),
            (_, value) => is_write_only(value, root, depth),
        }),
        _ => false,
    }
}
