//! What is wrong with fields of a tenant file.

/// A field that cannot be used, or should be changed.
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

/// The errors that were found so far. A field with an error is read as if it were absent.
#[derive(Default)]
pub(super) struct FieldErrors(pub(super) Vec<FieldError>);

impl FieldErrors {
    pub(super) fn add(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, message));
    }
}
