//! Seals the secrets in documents, so that a copy of the database holds none.
//!
//! ```text
//! MasterKeys ── from a file: the first key seals, all open
//! Row ── which document it is; a value opens in its own row and field alone
//! seal, open ── replace the values of the secret fields, in place; the rest of the text stays as it is
//! reseal ── under the first key, for a document that is sealed under another one
//! ```
//!
//! A sealed value is the text `sealed1.KEY.DATA`. KEY is the id of the master key, and DATA is base64url of a random nonce of
//! 96 bits, the value's JSON sealed by AES-256-GCM, and the tag of 128 bits. The key is derived from the master key for each
//! row (HKDF-SHA256), so nonces do not repeat: 2^32 values could be sealed under each of these. The associated data are the
//! row and the field's JSON pointer. The length of a value is not hidden, nor whether a field is absent or null.

mod cipher;
mod documents;
mod error;
mod fields;
mod master_keys;
mod row;

pub use documents::{is_sealed_by_active, open, reseal, seal};
pub use error::SealingError;
pub use master_keys::{InvalidMasterKeys, MasterKeys, new_master_key_line};
pub use row::Row;
