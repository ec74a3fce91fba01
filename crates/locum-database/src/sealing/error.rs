//! Why a document cannot be sealed or opened.

use locum_store::documents::InvalidDocument;

/// Why a document cannot be sealed or opened. No message shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealingError {
    /// The document is not JSON, or a field with secrets in it is not the list or object that it must be.
    #[error("{0}")]
    Document(#[from] InvalidDocument),
    /// A value is sealed under a key that is not there.
    #[error(
        "{pointer} is sealed under the master key `{key_id}`, which {source_of_keys} does not have; add its line there again"
    )]
    UnknownKey {
        /// The field.
        pointer: String,
        /// The id of the key.
        key_id: String,
        /// The file with the master keys.
        source_of_keys: String,
    },
    /// A value does not open.
    #[error(
        "{pointer} does not open: it was changed or moved from another row or field, or the master key `{key_id}` in {source_of_keys} is not the one that sealed it"
    )]
    Authentication {
        /// The field.
        pointer: String,
        /// The id of the key.
        key_id: String,
        /// The file with the master keys.
        source_of_keys: String,
    },
    /// A secret is in the database as it was written.
    #[error(
        "{pointer} is not sealed, so copies of the database show it; set a new secret there through Locum"
    )]
    NotSealed {
        /// The field.
        pointer: String,
    },
    /// The cryptographic library refuses, such as for want of random numbers.
    #[error("the cryptographic library cannot seal; check that the system gives random numbers")]
    Cryptography,
}
