//! What is wrong with one field of a tenant file.

/// A field that cannot be used.
#[derive(Debug)]
pub(super) struct FieldError {
    /// The field's JSON pointer.
    pub(super) pointer: String,
    /// What is wrong and what to do.
    pub(super) message: String,
}

impl FieldError {
    pub(super) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}
