//! The prepared management keys of a tenant.

use std::fmt;

use aws_lc_rs::hmac;

use crate::model::Tenant;

/// What the management tokens of a tenant are signed and verified with. These keys are of a type of their own: where keys of
/// subject tokens are listed, none of them can be.
pub(crate) struct Management {
    /// Their `aud`.
    pub(crate) audience: String,
    /// The first one signs.
    keys: Box<[hmac::Key]>,
}

impl Management {
    /// That of a tenant, if it has keys.
    pub(crate) fn of(tenant: &Tenant) -> Option<Self> {
        let keys: Box<[_]> = tenant
            .management_keys
            .iter()
            .map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.secret().expose().as_bytes()))
            .collect();
        (!keys.is_empty()).then(|| Self { audience: tenant.management_audience(), keys })
    }

    /// All keys that verify.
    pub(crate) fn keys(&self) -> &[hmac::Key] {
        &self.keys
    }

    /// The code of a message by the key that signs (RFC 7518 section 3.2).
    pub(crate) fn sign(&self, message: &[u8]) -> Option<hmac::Tag> {
        self.keys.first().map(|key| hmac::sign(key, message))
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Management").field("audience", &self.audience).finish_non_exhaustive()
    }
}
