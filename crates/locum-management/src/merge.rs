//! A PATCH: the members that it has replace those that are stored, and null removes one, as at Auth0.

use serde_json::Value;

use crate::body::Members;
use crate::error::ApiError;
use crate::limits::{ID_BYTES_MAX, LISTED_BYTES_MAX};

/// Applies a patch. Returns the names of the members that are others than before.
pub(crate) fn merge(stored: &mut Members, patch: Members) -> Vec<String> {
    let mut changed = Vec::new();
    for (name, value) in patch {
        let before = match &value {
            // The order of the others stays: that of add-ons has a meaning.
            Value::Null => stored.shift_remove(&name),
            _ if stored.get(&name) == Some(&value) => continue,
            _ => stored.insert(name.clone(), value.clone()),
        };
        if before.is_some() || !value.is_null() {
            changed.push(name);
        }
    }
    changed
}

/// Borrows names for an audit event.
pub(crate) fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

/// Refuses to change what names the document.
pub(crate) fn refuse_identity(patch: &Members, field: &str) -> Result<(), ApiError> {
    match patch.contains_key(field) {
        true => Err(ApiError::invalid_body(&format!("/{field}"), "it cannot be changed; leave it out")),
        false => Ok(()),
    }
}

/// An id that a body gives; `None` if it gives none.
pub(crate) fn id_of(body: &Members, field: &str) -> Result<Option<String>, ApiError> {
    let pointer = format!("/{field}");
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id))
            if !id.is_empty() && id.len() <= ID_BYTES_MAX && !id.contains(char::is_control) =>
        {
            Ok(Some(id.clone()))
        }
        Some(_) => {
            let message = format!("write a text of 1 to {ID_BYTES_MAX} bytes without control characters");
            Err(ApiError::invalid_body(&pointer, &message))
        }
    }
}

/// Refuses texts of these fields that are longer than a column of the database that finds by them.
pub(crate) fn check_lengths(members: &Members, fields: &[&str]) -> Result<(), ApiError> {
    let is_long = |value: &Value| value.as_str().is_some_and(|text| text.len() > LISTED_BYTES_MAX);
    for field in fields {
        let too_long = match members.get(*field) {
            Some(Value::Array(items)) => items.iter().any(is_long),
            Some(value) => is_long(value),
            None => false,
        };
        if too_long {
            let message = format!("write texts of at most {LISTED_BYTES_MAX} bytes");
            return Err(ApiError::invalid_body(&format!("/{field}"), &message));
        }
    }
    Ok(())
}
