//! Rate buckets in memory: sharded, keyed by a hash, forgotten once they are full again.

mod table;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule};

use crate::memory_buckets::table::{BucketTable, TableFull};

/// Shards, so that threads seldom meet at one lock, and none waits long while a table grows. A power of two.
const SHARDS: usize = 1024;

/// Most keys of one shard: 4 million in all.
const KEYS_PER_SHARD_MAX: usize = 4096;

/// Rate buckets of one process, about 30 bytes each.
///
/// A key is kept as a 64-bit hash (SipHash) under a random key of the process. Two users with one hash share a bucket, so
/// that both are limited as one user. That is unlikely: one new key in four million million meets another when the table is
/// at its limit. Nobody can bring it about, because the hashes are never shown and their key is unknown.
///
/// A bucket is dropped when it is full, since the bucket of an unknown key is full. Each request does a bounded amount of
/// that work. At the limit of 4 million buckets, those that are not full are kept, and new keys are refused.
#[derive(Debug)]
pub struct MemoryBuckets {
    seed: RandomState,
    shards: Vec<Mutex<BucketTable>>,
}

impl Default for MemoryBuckets {
    fn default() -> Self {
        let shard = || Mutex::new(BucketTable::new(KEYS_PER_SHARD_MAX));
        Self { seed: RandomState::new(), shards: (0..SHARDS).map(|_| shard()).collect() }
    }
}

impl MemoryBuckets {
    /// The number of keys with a bucket that is not full, and of those not swept yet.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether no bucket is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash of a key, and the shard that it belongs to. The shard is chosen by the lower bits, since tables use the
    /// upper ones.
    fn shard(&self, key: BucketKey<'_>) -> Result<(u64, MutexGuard<'_, BucketTable>), StoreUnavailable> {
        let hash = self.seed.hash_one(key);
        let shard = self.shards.get(hash as usize % self.shards.len());
        shard.map(|shard| (hash, lock(shard))).ok_or_else(|| StoreUnavailable("no such shard".to_owned()))
    }

    fn peek_now(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> Result<BucketDecision, StoreUnavailable> {
        let (hash, shard) = self.shard(key)?;
        Ok(shard.get(hash).peek(rule, now_unix_ms))
    }

    fn try_acquire_now(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> Result<BucketDecision, StoreUnavailable> {
        let (hash, mut shard) = self.shard(key)?;
        shard.update(hash, now_unix_ms, |bucket| bucket.try_acquire(rule, now_unix_ms)).map_err(|TableFull| {
            StoreUnavailable("the table of rate buckets has reached its limit".to_owned())
        })
    }
}

/// Nothing that a shard does while it is locked panics, so what is behind a poisoned lock is whole.
fn lock(shard: &Mutex<BucketTable>) -> MutexGuard<'_, BucketTable> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Buckets for MemoryBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Now(self.try_acquire_now(key, rule, now_unix_ms))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Now(self.peek_now(key, rule, now_unix_ms))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use locum_engine::ports::BucketSubject;

    use super::*;

    const T0: u64 = 1_900_000_000_000;

    fn key(user_id: &str) -> BucketKey<'_> {
        let subject = BucketSubject::User(user_id);
        BucketKey { tenant: "acme.example.com", ip: [192, 0, 2, 1].into(), subject }
    }

    fn conforms(buckets: &MemoryBuckets, key: BucketKey<'_>, now_unix_ms: u64) -> bool {
        conforms_under(BucketRule::AUTH0_DEFAULT, buckets, key, now_unix_ms)
    }

    fn conforms_under(
        rule: BucketRule,
        buckets: &MemoryBuckets,
        key: BucketKey<'_>,
        now_unix_ms: u64,
    ) -> bool {
        buckets.try_acquire_now(key, rule, now_unix_ms).unwrap().conforms
    }

    #[test]
    fn users_addresses_tenants_and_revocations_have_buckets_of_their_own() {
        let buckets = MemoryBuckets::default();
        assert!((0..10).all(|_| conforms(&buckets, key("alice"), T0)));
        assert!(!conforms(&buckets, key("alice"), T0));
        assert!(conforms(&buckets, key("bob"), T0));
        assert!(conforms(&buckets, BucketKey { ip: [192, 0, 2, 2].into(), ..key("alice") }, T0));
        assert!(conforms(&buckets, BucketKey { tenant: "other.example.com", ..key("alice") }, T0));
        let revocations = BucketSubject::Revocations("alice");
        assert!(conforms(&buckets, BucketKey { subject: revocations, ..key("alice") }, T0));
    }

    #[test]
    fn full_buckets_are_dropped_and_others_are_kept() {
        let buckets = MemoryBuckets::default();
        for user in 0..200_000 {
            conforms(&buckets, key(&format!("user {user}")), T0 + user * 100);
        }
        // A minute holds 600 users. Each new one of a shard's forgets the full buckets in some slots.
        assert!(buckets.len() < 6_000, "{}", buckets.len());
        let late = T0 + 200_000 * 100;
        assert!((0..10).all(|_| conforms(&buckets, key("alice"), late)));
        for user in 0..100_000 {
            conforms(&buckets, key(&format!("other {user}")), late);
        }
        assert!(!conforms(&buckets, key("alice"), late));
    }

    #[test]
    fn a_fast_rule_of_one_tenant_drops_no_bucket_of_a_slow_one() {
        let buckets = MemoryBuckets::default();
        assert!((0..10).all(|_| conforms(&buckets, key("alice"), T0)));
        let fast = BucketRule { per_minute: NonZeroU32::new(600).unwrap(), ..BucketRule::AUTH0_DEFAULT };
        for user in 0..200_000 {
            let user = format!("user {user}");
            let other = BucketKey { tenant: "fast.example.com", ..key(&user) };
            assert!(conforms_under(fast, &buckets, other, T0 + 5000));
        }
        assert!(!conforms(&buckets, key("alice"), T0 + 5000));
    }

    #[test]
    fn at_their_limit_buckets_are_unavailable_to_new_users_and_known_ones_are_still_limited() {
        let buckets = MemoryBuckets { shards: vec![Mutex::new(BucketTable::new(2))], ..Default::default() };
        let take = |user, now| buckets.try_acquire_now(key(user), BucketRule::AUTH0_DEFAULT, now);
        for user in ["alice", "bob"] {
            assert!((0..10).all(|_| take(user, T0).unwrap().conforms));
        }
        let unavailable = StoreUnavailable("the table of rate buckets has reached its limit".to_owned());
        assert_eq!(take("carol", T0), Err(unavailable));
        assert!(!take("alice", T0).unwrap().conforms);
        assert!(take("carol", T0 + 600_000).unwrap().conforms);
    }

    #[test]
    fn a_look_at_a_bucket_takes_nothing_and_keeps_no_state() {
        let buckets = MemoryBuckets::default();
        let rule = BucketRule { size: NonZeroU32::MIN, per_minute: NonZeroU32::MIN };
        let ip = "192.0.2.7".parse().unwrap();
        let key = BucketKey { tenant: "acme.example.com", ip, subject: BucketSubject::InvalidTokens };
        for _ in 0..3 {
            assert!(buckets.peek_now(key, rule, 0).unwrap().conforms);
        }
        assert!(buckets.is_empty());
        assert!(buckets.try_acquire_now(key, rule, 0).unwrap().conforms);
        for (now_unix_ms, conforms) in [(0, false), (59_999, false), (60_000, true)] {
            assert_eq!(buckets.peek_now(key, rule, now_unix_ms).unwrap().conforms, conforms, "{now_unix_ms}");
        }
        let another = BucketKey { subject: BucketSubject::User("alice"), ..key };
        assert!(buckets.peek_now(another, rule, 0).unwrap().conforms);
    }
}
