//! The values that an issuer has the host keep between requests: in memory, and gone when the issuer is configured anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use locum_abi::kept::Keep;

use crate::calling::secret_mask::SecretMask;
use crate::limits::{KEPT_KEY_BYTES_MAX, KEPT_SECONDS_MAX, KEPT_VALUE_BYTES_MAX, KEPT_VALUES_MAX};

/// The values of one issuer.
#[derive(Default)]
pub(crate) struct KeptValues(Mutex<Arc<Kept>>);

/// The values at one time. A request reads them once, so that all of its steps see the same.
#[derive(Default)]
pub(crate) struct Kept {
    values: Vec<Keep>,
    /// Finds the values in what the plugin returns: each is a secret.
    mask: Option<SecretMask>,
}

/// What an answer asks to keep and to forget.
#[derive(Default)]
pub(crate) struct KeepOrders {
    pub(crate) keep: Vec<Keep>,
    pub(crate) forget: Vec<String>,
}

impl KeepOrders {
    pub(crate) fn is_empty(&self) -> bool {
        self.keep.is_empty() && self.forget.is_empty()
    }
}

impl KeptValues {
    /// The values now.
    pub(crate) fn read(&self) -> Arc<Kept> {
        Arc::clone(&self.lock())
    }

    /// Forgets and keeps what an answer asks for, at `now` in Unix seconds. At [`KEPT_VALUES_MAX`], the value that expires
    /// first is dropped.
    ///
    /// # Errors
    /// A key or a value is longer than it may be: nothing has changed.
    pub(crate) fn apply(&self, orders: KeepOrders, now: i64) -> Result<(), String> {
        for Keep { key, value, .. } in &orders.keep {
            if key.is_empty() || key.len() > KEPT_KEY_BYTES_MAX {
                return Err(format!(
                    "it keeps a value whose key is not 1 to {KEPT_KEY_BYTES_MAX} bytes long"
                ));
            }
            if value.expose().len() > KEPT_VALUE_BYTES_MAX {
                return Err(format!("it keeps a value of more than {} KiB", KEPT_VALUE_BYTES_MAX >> 10));
            }
        }
        let mut kept = self.lock();
        let is_replaced =
            |key: &String| orders.forget.contains(key) || orders.keep.iter().any(|new| new.key == *key);
        let older = kept.values.iter().filter(|value| value.expires_at > now && !is_replaced(&value.key));
        let mut values: Vec<Keep> = older.cloned().collect();
        for mut new in orders.keep {
            values.retain(|value| value.key != new.key);
            new.expires_at = new.expires_at.min(now.saturating_add(KEPT_SECONDS_MAX));
            if new.expires_at > now {
                values.push(new);
            }
        }
        values.sort_by_key(|value| std::cmp::Reverse(value.expires_at));
        values.truncate(KEPT_VALUES_MAX);
        // A value that was just replaced or forgotten can still be in what its request says.
        let known = kept.values.iter().chain(&values);
        let secrets = known.map(|value| (format!("the kept value `{}`", value.key), value.value.expose()));
        let mask = (!kept.values.is_empty() || !values.is_empty()).then(|| SecretMask::of_texts(secrets));
        *kept = Arc::new(Kept { values, mask });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The values that have not expired at `now`, by key.
    pub(crate) fn at(&self, now: i64) -> BTreeMap<&str, &str> {
        let current = self.values.iter().filter(|value| value.expires_at > now);
        current.map(|value| (value.key.as_str(), value.value.expose())).collect()
    }

    pub(crate) fn mask(&self) -> Option<&SecretMask> {
        self.mask.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(key: &str, value: &str, expires_at: i64) -> Keep {
        Keep { key: key.to_owned(), value: value.into(), expires_at }
    }

    fn keep(kept: &KeptValues, values: Vec<Keep>, now: i64) {
        kept.apply(KeepOrders { keep: values, forget: Vec::new() }, now).unwrap();
    }

    fn pairs(kept: &KeptValues, now: i64) -> Vec<(String, String)> {
        kept.read().at(now).into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_value_is_kept_until_it_expires_is_replaced_or_forgotten() {
        let kept = KeptValues::default();
        keep(&kept, vec![value("a", "1", 10), value("b", "2", 20), value("c", "3", 0)], 0);
        assert_eq!(pairs(&kept, 9), [pair("a", "1"), pair("b", "2")]);
        assert_eq!(pairs(&kept, 10), [pair("b", "2")]);
        keep(&kept, vec![value("b", "4", 30), value("b", "5", 30)], 1);
        assert_eq!(pairs(&kept, 2), [pair("a", "1"), pair("b", "5")]);
        kept.apply(
            KeepOrders { keep: vec![value("b", "6", 30)], forget: vec!["a".to_owned(), "b".to_owned()] },
            3,
        )
        .unwrap();
        assert_eq!(pairs(&kept, 3), [pair("b", "6")]);
        keep(&kept, vec![value("b", "7", 3)], 3);
        assert_eq!(pairs(&kept, 3), []);
    }

    #[test]
    fn a_value_that_has_expired_is_dropped() {
        let kept = KeptValues::default();
        keep(&kept, vec![value("a", "1", 10)], 10);
        assert!(kept.read().values.is_empty());
        keep(&kept, vec![value("a", "1", 10)], 9);
        assert_eq!(kept.read().values.len(), 1);
        keep(&kept, Vec::new(), 10);
        assert!(kept.read().values.is_empty());
    }

    #[test]
    fn a_request_that_has_read_the_values_keeps_them() {
        let kept = KeptValues::default();
        keep(&kept, vec![value("a", "1", 10)], 0);
        let read = kept.read();
        keep(&kept, vec![value("a", "2", 10)], 0);
        assert_eq!(read.at(0)["a"], "1");
        assert_eq!(kept.read().at(0)["a"], "2");
    }

    #[test]
    fn values_are_few_small_and_kept_for_a_day_at_most() {
        let kept = KeptValues::default();
        let many =
            (0..=KEPT_VALUES_MAX).map(|n| value(&format!("{n:02}"), "v", 100 + i64::try_from(n).unwrap()));
        keep(&kept, many.collect(), 0);
        let names = pairs(&kept, 0);
        assert_eq!(
            (names.len(), names[0].0.as_str()),
            (KEPT_VALUES_MAX, "01"),
            "what expires first is dropped"
        );
        keep(&kept, vec![value("long", "v", i64::MAX)], 0);
        assert!(kept.read().at(KEPT_SECONDS_MAX - 1).contains_key("long"));
        assert!(!kept.read().at(KEPT_SECONDS_MAX).contains_key("long"));
        let refused =
            |new: Keep| kept.apply(KeepOrders { keep: vec![new], forget: Vec::new() }, 0).unwrap_err();
        assert!(refused(value("", "v", 10)).contains("whose key"));
        assert!(refused(value(&"k".repeat(65), "v", 10)).contains("whose key"));
        assert!(refused(value("k", &"v".repeat((16 << 10) + 1), 10)).contains("more than 16 KiB"));
        keep(&kept, vec![value(&"k".repeat(64), &"v".repeat(16 << 10), 10)], 0);
    }

    #[test]
    fn a_kept_value_is_masked() {
        let kept = KeptValues::default();
        assert!(kept.read().mask().is_none());
        keep(&kept, vec![value("token", "app-token-of-all", 10)], 0);
        let shown = || kept.read().mask().map(|mask| mask.sanitized("got app-token-of-all", 100));
        assert_eq!(shown().unwrap(), "got [secret]");
        let forget = || KeepOrders { keep: Vec::new(), forget: vec!["token".to_owned()] };
        kept.apply(forget(), 0).unwrap();
        assert_eq!(shown().unwrap(), "got [secret]", "the request that forgets it may still name it");
        kept.apply(forget(), 0).unwrap();
        assert_eq!(shown(), None);
    }
}
