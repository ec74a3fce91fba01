//! A document, and why one cannot be used.

use std::fmt;

use locum_abi::secret::Secret;

use crate::documents::json;
use crate::documents::kind::DocumentKind;
use crate::tenant_file::{FieldError, Node};

/// The JSON text of a document. It may hold secrets: `Debug` shows nothing of it, and it is overwritten on drop.
///
/// The type alone does not say that the text is valid: [`client`](crate::documents::client) and its like do.
#[derive(Clone, PartialEq, Eq)]
pub struct Document(Secret);

impl Document {
    /// Reads JSON strictly, and writes it without spaces. Fields are not checked.
    ///
    /// # Errors
    /// If it is not a JSON object, if a name appears twice, if it is too large or nested too deep.
    pub fn from_json(kind: DocumentKind, text: &str) -> Result<Self, InvalidDocument> {
        let written = json::read(kind, text).and_then(|object| Self::of(kind, &object, &[]));
        written.map_err(|error| InvalidDocument { errors: vec![error] })
    }

    /// The document with the members of a mapping but those to leave out.
    pub(super) fn of(kind: DocumentKind, mapping: &Node, left_out: &[&str]) -> Result<Self, FieldError> {
        json::write(kind, mapping, left_out).map(Self)
    }

    /// The text. Review every call of this method.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// A text that is known to be a document.
impl From<String> for Document {
    fn from(text: String) -> Self {
        Self(Secret::from(text))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document(…)")
    }
}

/// Why a document cannot be used. Displays as one line for each error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidDocument {
    /// The errors, at least one. Their pointers are relative to the document, and their messages show no value.
    pub errors: Vec<FieldError>,
}

impl fmt::Display for InvalidDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.errors.iter().map(FieldError::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for InvalidDocument {}
