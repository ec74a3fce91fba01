//! `${env:NAME}` and `${file:PATH}`: values that do not stand in the file itself.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Largest file that a reference takes in, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Where references find their values.
pub struct References<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    base: PathBuf,
}

/// A reference that found nothing.
#[derive(Debug)]
pub(super) struct Unfilled {
    pub(super) pointer: String,
    pub(super) reference: String,
    pub(super) message: String,
}

impl<'a> References<'a> {
    /// `environment` answers `${env:NAME}`; the paths of `${file:PATH}` are relative to `base`.
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>, base: impl Into<PathBuf>) -> Self {
        Self { environment, base: base.into() }
    }

    /// Fills every text of the document.
    pub(super) fn fill(&self, document: &mut Value) -> Result<(), Unfilled> {
        self.fill_below(document, &mut String::new())
    }

    fn fill_below(&self, value: &mut Value, pointer: &mut String) -> Result<(), Unfilled> {
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

    fn fill_member(&self, value: &mut Value, name: &str, pointer: &mut String) -> Result<(), Unfilled> {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(name);
        self.fill_below(value, pointer)?;
        pointer.truncate(length);
        Ok(())
    }

    /// The text with its references filled; `None` if it has none. What is filled in is not looked at again.
    fn filled(&self, text: &str, pointer: &str) -> Result<Option<String>, Unfilled> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let unfilled = |message: String| Unfilled {
                pointer: pointer.to_owned(),
                reference: format!("${{{}", after.split('}').next().unwrap_or_default()),
                message,
            };
            let (reference, after) = after
                .split_once('}')
                .ok_or_else(|| unfilled("`${` without `}`; close the reference".to_owned()))?;
            filled.push_str(before);
            filled.push_str(&self.value(reference).map_err(unfilled)?);
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
            Some(("env", name)) => (self.environment)(name)
                .ok_or_else(|| format!("the environment has no variable {name}; set it before the start")),
            Some(("file", path)) => read_small(&self.base.join(path)),
            _ => Err(format!("`${{{reference}}}` is no reference; write ${{env:NAME}} or ${{file:PATH}}")),
        }
    }
}

/// The file's text without the newline at its end, which editors add and secrets do not have.
fn read_small(path: &Path) -> Result<String, String> {
    let unreadable =
        |why: &dyn std::fmt::Display| format!("the file {} cannot be taken in: {why}", path.display());
    let length = std::fs::metadata(path).map_err(|error| unreadable(&error))?.len();
    if length > FILE_BYTES_MAX {
        return Err(unreadable(&format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}
