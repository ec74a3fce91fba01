//! Seals and opens the secrets of a document in place.

use locum_store::documents::Document;
use zeroize::Zeroizing;

use crate::sealing::cipher::{RowKey, Sealed};
use crate::sealing::error::SealingError;
use crate::sealing::fields::{self, SecretField};
use crate::sealing::master_keys::MasterKeys;
use crate::sealing::row::Row;

/// The document with its secrets sealed under the active key. Everything else is the same to the byte.
///
/// # Errors
/// If it is not a JSON object, or if a field that contains secrets is not the object or list that it must be.
pub fn seal(row: Row<'_>, document: &Document, keys: &MasterKeys) -> Result<String, SealingError> {
    let text = document.expose();
    let secrets = fields::secrets(row.kind(), text)?;
    let key = RowKey::derive(keys.active(), row).map_err(|_| SealingError::Cryptography)?;
    let mut sealed = Vec::with_capacity(secrets.len());
    for field in secrets {
        let value = key.seal(&field.pointer, field.json).map_err(|_| SealingError::Cryptography)?;
        sealed.push((field, value));
    }
    let mut out = String::new();
    fields::replaced(text, &sealed, &mut out);
    Ok(out)
}

/// The document that was sealed in this row, the same to the byte.
///
/// # Errors
/// If a value is sealed under a key that is not there, if it was changed or moved here, or if a secret is not sealed.
pub fn open(row: Row<'_>, sealed: &str, keys: &MasterKeys) -> Result<Document, SealingError> {
    let mut opened: Vec<(SecretField<'_>, Zeroizing<String>)> = Vec::new();
    let mut last_key: Option<RowKey<'_>> = None;
    for field in fields::secrets(row.kind(), sealed)? {
        let value = sealed_value(&field)?;
        let key = match last_key.take_if(|key| key.id() == value.key_id) {
            Some(key) => key,
            None => key_of(&field, &value, row, keys)?,
        };
        let json = key.open(&field.pointer, &value).map_err(|_| SealingError::Authentication {
            pointer: field.pointer.clone(),
            key_id: value.key_id.to_owned(),
            source_of_keys: keys.source().to_owned(),
        })?;
        last_key = Some(key);
        opened.push((field, json));
    }
    // Sealing makes a value longer, so there is room: a text that grows leaves copies of its beginning in memory.
    let mut out = Zeroizing::new(String::with_capacity(sealed.len()));
    fields::replaced(sealed, &opened, &mut out);
    Ok(Document::from(std::mem::take(&mut *out)))
}

/// The document sealed anew if the active key did not seal it; `None` if it did.
///
/// # Errors
/// As [`open`].
pub fn reseal(row: Row<'_>, sealed: &str, keys: &MasterKeys) -> Result<Option<String>, SealingError> {
    if is_sealed_by_active(row, sealed, keys)? {
        return Ok(None);
    }
    seal(row, &open(row, sealed, keys)?, keys).map(Some)
}

/// Whether the active key has sealed every secret of the document, by the ids of their keys. Nothing is opened.
///
/// # Errors
/// If a secret is not sealed, or if the document cannot be read.
pub fn is_sealed_by_active(row: Row<'_>, sealed: &str, keys: &MasterKeys) -> Result<bool, SealingError> {
    for field in fields::secrets(row.kind(), sealed)? {
        if sealed_value(&field)?.key_id != keys.active_id() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn sealed_value<'a>(field: &SecretField<'a>) -> Result<Sealed<'a>, SealingError> {
    Sealed::parse(field.json).ok_or_else(|| SealingError::NotSealed { pointer: field.pointer.clone() })
}

fn key_of<'a>(
    field: &SecretField<'_>,
    value: &Sealed<'_>,
    row: Row<'a>,
    keys: &'a MasterKeys,
) -> Result<RowKey<'a>, SealingError> {
    let Some(master) = keys.with_id(value.key_id) else {
        return Err(SealingError::UnknownKey {
            pointer: field.pointer.clone(),
            key_id: value.key_id.to_owned(),
            source_of_keys: keys.source().to_owned(),
        });
    };
    RowKey::derive(master, row).map_err(|_| SealingError::Cryptography)
}
