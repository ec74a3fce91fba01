//! The parsed private keys of tenants and of settings, shared by all add-ons that sign with them: parsing one RSA key takes
//! half a millisecond, and it takes some kB.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::private_key::PrivateKey;
use crate::sha256::Sha256;

/// The parsed keys that are in use.
#[derive(Default)]
pub(crate) struct ParsedKeys(Mutex<Parsed>);

#[derive(Default)]
struct Parsed {
    /// By the SHA-256 of their PEM text.
    keys: HashMap<Sha256, Weak<PrivateKey>>,
    /// At this number, those that are not used any more are forgotten.
    prune_at: usize,
}

impl ParsedKeys {
    /// The key in this PEM text, parsed unless another add-on has it already.
    pub(super) fn parsed(&self, pem: &str) -> Result<Arc<PrivateKey>, &'static str> {
        let hash = Sha256::of(pem.as_bytes());
        if let Some(key) = self.lock().get(&hash) {
            return Ok(key);
        }
        // Not behind the lock: a start parses the keys of many tenants at a time.
        let key = Arc::new(PrivateKey::from_pem(pem)?);
        Ok(self.lock().add(hash, key))
    }

    fn lock(&self) -> MutexGuard<'_, Parsed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parsed {
    fn get(&self, hash: &Sha256) -> Option<Arc<PrivateKey>> {
        self.keys.get(hash).and_then(Weak::upgrade)
    }

    /// The key, or the same one if another thread has added it meanwhile.
    fn add(&mut self, hash: Sha256, key: Arc<PrivateKey>) -> Arc<PrivateKey> {
        if let Some(other) = self.get(&hash) {
            return other;
        }
        if self.keys.len() >= self.prune_at {
            self.keys.retain(|_, key| key.strong_count() > 0);
            self.prune_at = 2 * self.keys.len().max(1);
        }
        self.keys.insert(hash, Arc::downgrade(&key));
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");

    #[test]
    fn a_key_is_parsed_once_while_it_is_used() {
        let keys = ParsedKeys::default();
        let parsed = |pem: &str| keys.parsed(pem).unwrap_or_else(|why| panic!("{why}"));
        let (first, second) = (parsed(PEM), parsed(PEM));
        assert!(Arc::ptr_eq(&first, &second));
        let other = parsed(&format!("{PEM}\n"));
        assert!(!Arc::ptr_eq(&first, &other));
        assert!(keys.parsed("no key").is_err());
        drop((first, second));
        let again = parsed(PEM);
        assert_eq!(keys.lock().keys.len(), 2);
        drop((other, again));
        parsed(PEM);
        assert_eq!(keys.lock().keys.len(), 1);
    }

    #[test]
    fn keys_that_are_used_are_looked_through_rarely() {
        let keys = ParsedKeys::default();
        let key = Arc::new(PrivateKey::from_pem(PEM).unwrap_or_else(|why| panic!("{why}")));
        for number in 0..20_u8 {
            let mut parsed = keys.lock();
            let before = parsed.prune_at;
            parsed.add(Sha256::of(&[number]), Arc::clone(&key));
            assert!(parsed.prune_at == before || parsed.prune_at >= 2 * (parsed.keys.len() - 1));
        }
        assert_eq!(keys.lock().keys.len(), 20);
    }
}
