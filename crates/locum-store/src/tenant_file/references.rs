//! `${env:NAME}` and `${file:PATH}`: values that a tenant file takes from elsewhere.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::tenant_file::field_error::FieldError;

/// Largest file that a reference may name, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The environment and the folder that references are resolved against.
pub struct References<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    base: PathBuf,
}

impl<'a> References<'a> {
    /// `environment` gives the value of `${env:NAME}`; the paths of `${file:PATH}` are relative to `base`.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>, base: impl Into<PathBuf>) -> Self {
        Self { environment, base: base.into() }
    }

    /// Replaces the references in every text of the document.
    pub(super) fn fill(&self, document: &mut Value) -> Result<(), FieldError> {
        self.fill_below(document, &mut String::new())
    }

    fn fill_below(&self, value: &mut Value, pointer: &mut String) -> Result<(), FieldError> {
        match value {
            Value::String(text) => {
                if let Some(filled) = self.filled(text, pointer)? {
                    *text = filled;
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.fill_member(item, &index.to_string(), pointer)?;
                }
            }
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    self.fill_member(member, &name.replace('~', "~0").replace('/', "~1"), pointer)?;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
        Ok(())
    }

    fn fill_member(&self, value: &mut Value, name: &str, pointer: &mut String) -> Result<(), FieldError> {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(name);
        self.fill_below(value, pointer)?;
        pointer.truncate(length);
        Ok(())
    }

    /// The text with its references replaced; `None` if it has none. References in a replacement stay as they are.
    fn filled(&self, text: &str, pointer: &str) -> Result<Option<String>, FieldError> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let error = |message: String| FieldError::new(pointer, message);
            let (reference, after) = after
                .split_once('}')
                .ok_or_else(|| error("`${` has no `}`; close the reference".to_owned()))?;
            filled.push_str(before);
            filled.push_str(&self.value(reference).map_err(error)?);
            rest = after;
        }
        if filled.is_empty() && rest.len() == text.len() {
            return Ok(None);
        }
        filled.push_str(rest);
        Ok(Some(filled))
    }

    fn value(&self, reference: &str) -> Result<String, String> {
        match reference.split_once(':') {
            Some(("env", name)) => (self.environment)(name).ok_or_else(|| {
                format!("the environment variable {name} is not set; set it before starting locum")
            }),
            Some(("file", path)) => read_small(&self.base.join(path)),
            _ => Err("unknown kind of reference; write ${env:NAME} or ${file:PATH}".to_owned()),
        }
    }
}

/// The file's text without its last newline, which editors add and secrets do not have.
fn read_small(path: &Path) -> Result<String, String> {
    let unreadable = |why: &dyn std::fmt::Display| format!("cannot read the file {}: {why}", path.display());
    let length = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(&format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}
