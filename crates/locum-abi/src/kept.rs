//! Values that an issuer has the host keep between requests, such as an access token of the issuer's own.
//!
//! A kept value is the same for all users of an add-on. What depends on the user or on the request is never kept: another
//! user would be served by it.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// A value to keep for later requests to the same add-on of the same tenant. It replaces that of the same key.
///
/// Hosts keep few values, in memory only and for a day at most, and treat each as a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keep {
    /// The name by which later requests find it: 1 to 64 bytes.
    pub key: String,
    /// The value, 16 KiB at most.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub value: Secret,
    /// Until when it is kept, in Unix seconds.
    pub expires_at: i64,
}
