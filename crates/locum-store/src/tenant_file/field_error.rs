//! What is wrong with fields of a tenant file.

use std::fmt;

/// A field that cannot be used, or should be changed. It never shows a value that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's JSON pointer.
    pub pointer: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if self.pointer.is_empty() { Ok(()) } else { write!(f, " (at {})", self.pointer) }
    }
}

impl FieldError {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    /// Whether the other one is at this one's field or inside it.
    pub(super) fn is_at_or_around(&self, other: &Self) -> bool {
        is_at_or_around(&self.pointer, &other.pointer)
    }
}

/// Whether a field is another one or contains it, by their JSON pointers.
pub(super) fn is_at_or_around(pointer: &str, other: &str) -> bool {
    other.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The errors that were found so far. A field with an error is read as if it were absent.
#[derive(Default)]
pub(crate) struct FieldErrors(pub(crate) Vec<FieldError>);

impl FieldErrors {
    pub(crate) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, message));
    }
}
