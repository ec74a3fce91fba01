//! The secrets that the tokens of the Management API are signed with.

use std::fmt;

use locum_abi::secret::Secret;

/// Shortest key that RFC 7518 section 3.2 allows for HS256, in bytes.
const BYTES_MIN: usize = 32;

/// A secret that the tokens of a tenant's Management API are signed with (HS256). It has at least 32 bytes, and nothing else
/// is signed with it.
#[derive(Clone, PartialEq, Eq)]
pub struct ManagementKey(Secret);

/// Why a text cannot be a management key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a management key has at least {BYTES_MIN} bytes; write a longer random one, as `openssl rand -hex 32` makes it"
)]
pub struct InvalidManagementKey;

impl ManagementKey {
    /// The key whose bytes are those of the text.
    ///
    /// # Errors
    /// It has fewer than 32 bytes.
    pub fn new(secret: Secret) -> Result<Self, InvalidManagementKey> {
        if secret.expose().len() < BYTES_MIN { Err(InvalidManagementKey) } else { Ok(Self(secret)) }
    }

    /// The text. Review each call of this: whoever has it can do everything at the tenant.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for ManagementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ManagementKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_at_least_32_bytes_and_is_not_shown() {
        let key = |text: &str| ManagementKey::new(text.into());
        assert_eq!(key(&"k".repeat(31)), Err(InvalidManagementKey));
        let key = key(&"k".repeat(32)).unwrap();
        assert_eq!(key.secret().expose().len(), 32);
        assert_eq!(format!("{key:?}"), "ManagementKey(…)");
    }
}
