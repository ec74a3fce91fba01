//! The parsed keys of tenants, shared by all add-ons that sign with them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::private_key::PrivateKey;
use crate::sha256::Sha256;

/// The parsed keys that are in use, by the SHA-256 of their PEM text.
#[derive(Default)]
pub(crate) struct TenantKeys(Mutex<HashMap<Sha256, Weak<PrivateKey>>>);

impl TenantKeys {
    /// The key in this PEM text, parsed unless another add-on has it already.
    pub(super) fn parsed(&self, pem: &str) -> Result<Arc<PrivateKey>, &'static str> {
        let hash = Sha256::of(pem.as_bytes());
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(&hash).and_then(Weak::upgrade) {
            return Ok(key);
        }
        let key = Arc::new(PrivateKey::from_pem(pem)?);
        keys.retain(|_, key| key.strong_count() > 0);
        keys.insert(hash, Arc::downgrade(&key));
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");

    #[test]
    fn a_key_is_parsed_once_while_it_is_used() {
        let keys = TenantKeys::default();
        let parsed = |pem: &str| keys.parsed(pem).unwrap_or_else(|why| panic!("{why}"));
        let (first, second) = (parsed(PEM), parsed(PEM));
        assert!(Arc::ptr_eq(&first, &second));
        let other = parsed(&format!("{PEM}\n"));
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(keys.parsed("no key").is_err());
        drop((first, second));
        let again = parsed(PEM);
        assert_eq!(keys.0.lock().unwrap().len(), 2);
        drop((other, again));
        parsed(PEM);
        assert_eq!(keys.0.lock().unwrap().len(), 1);
    }
}
