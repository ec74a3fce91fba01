//! Which fields hold secrets, and where they are in the text of a document.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use locum_store::documents::{DocumentKind, FieldError, InvalidDocument};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The names on the way to a secret; `*` is each item of a list.
type Path = &'static [&'static str];

// A path that is added here needs a migration: in rows that are there already, its values are not sealed. It needs none if no row
// could have the field before.

/// The signing keys and the keys of management tokens. The others Locum does not use: in an export of Auth0 they hold
/// credentials of other services, also in the code of scripts.
const OF_A_TENANT: &[Path] = &[
    &["signing_keys", "*", "private_key"],
    &["next_signing_key", "private_key"],
    &["management", "keys"],
    &["actions"],
    &["connections"],
    &["databases"],
    &["emailProvider"],
    &["guardianFactorProviders"],
    &["hooks"],
    &["logStreams"],
    &["resourceServers"],
    &["rules"],
    &["rulesConfigs"],
];

const OF_A_CLIENT: &[Path] = &[&["client_secret"], &["addons"], &["jwt_configuration", "private_key"]];

const OF_A_USER: &[Path] = &[&["identities"]];

/// A secret in the text of a document.
pub(super) struct SecretField<'a> {
    /// The field's JSON pointer.
    pub(super) pointer: String,
    /// The JSON of its value, which is a part of the text.
    pub(super) json: &'a str,
}

/// The secrets of a document in the order of the text, but those that are null.
pub(super) fn secrets(kind: DocumentKind, text: &str) -> Result<Vec<SecretField<'_>>, InvalidDocument> {
    let paths = match kind {
        DocumentKind::Tenant => OF_A_TENANT,
        DocumentKind::Client => OF_A_CLIENT,
        DocumentKind::User => OF_A_USER,
    };
    let top = Object::parse(text, "")?;
    let mut found = Vec::new();
    for path in paths {
        top.add_secrets(path, "", &mut found)?;
    }
    found.sort_by_key(|field| field.json.as_ptr().addr());
    Ok(found)
}

/// The text with another JSON in place of each of these values, which are parts of it, in its order.
pub(super) fn replaced<T: AsRef<str>>(text: &str, fields: &[(SecretField<'_>, T)], out: &mut String) {
    let mut rest = text;
    for (field, json) in fields {
        let range = range_in(rest, field.json);
        out.push_str(rest.get(..range.start).unwrap_or_default());
        out.push_str(json.as_ref());
        rest = rest.get(range.end..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// Where a part of a text is in it.
fn range_in(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    start..start + part.len()
}

/// The members of a JSON object, with their values as they are in the text.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    fn parse(json: &'a str, pointer: &str) -> Result<Self, InvalidDocument> {
        serde_json::from_str(json).map_err(|error| invalid(pointer, &error))
    }

    fn add_secrets(
        &self,
        path: &[&str],
        pointer: &str,
        found: &mut Vec<SecretField<'a>>,
    ) -> Result<(), InvalidDocument> {
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        match self.0.iter().find(|(member, _)| member == name) {
            Some((_, value)) => add_secrets(value, rest, format!("{pointer}/{name}"), found),
            None => Ok(()),
        }
    }
}

fn add_secrets<'a>(
    value: &'a RawValue,
    path: &[&str],
    pointer: String,
    found: &mut Vec<SecretField<'a>>,
) -> Result<(), InvalidDocument> {
    let json = value.get();
    if json == "null" {
        return Ok(());
    }
    match path {
        [] => found.push(SecretField { pointer, json }),
        ["*", rest @ ..] => {
            let items: Vec<&RawValue> =
                serde_json::from_str(json).map_err(|error| invalid(&pointer, &error))?;
            for (index, item) in items.into_iter().enumerate() {
                add_secrets(item, rest, format!("{pointer}/{index}"), found)?;
            }
        }
        path => Object::parse(json, &pointer)?.add_secrets(path, &pointer, found)?,
    }
    Ok(())
}

/// The error of a text that is not JSON, or of a value that cannot contain the fields in which secrets are.
fn invalid(pointer: &str, error: &serde_json::Error) -> InvalidDocument {
    let message = match error.classify() {
        // Its message may show the value.
        serde_json::error::Category::Data if !error.to_string().starts_with(TWICE) => {
            "the value must be an object, or a list of objects, because secrets are in its fields".to_owned()
        }
        _ => format!("the document cannot be read: {error}"),
    };
    InvalidDocument { errors: vec![FieldError { pointer: pointer.to_owned(), message }] }
}

/// What the error of a name that appears twice begins with.
const TWICE: &str = "the name `";

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut members: Vec<(String, &'de RawValue)> = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        // Otherwise the first one would be sealed, and a reader would take the last.
        let mut names = HashSet::with_capacity(members.len());
        match members.iter().find(|(name, _)| !names.insert(name.as_str())) {
            None => Ok(Object(members)),
            Some((name, _)) => Err(A::Error::custom(format!("{TWICE}{name}` appears twice; remove one"))),
        }
    }
}
