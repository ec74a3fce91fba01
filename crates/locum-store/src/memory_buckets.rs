//! Rate buckets in memory: sharded, keyed by a hash, forgotten once they are full again.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule, TokenBucket};

/// Shards, so that threads seldom meet at one lock. A power of two.
const SHARDS: usize = 64;

/// Most keys of one shard: 4 million in all.
const KEYS_PER_SHARD_MAX: usize = 65_536;

/// A shard with fewer keys is not worth sweeping.
const SWEEP_FLOOR: usize = 1024;

/// A shard that is full is swept at most this often.
const SWEEP_INTERVAL_MS: u64 = 1000;

/// Rate buckets of one process.
///
/// A key is kept as a 128-bit hash under random seeds, so that nobody can choose keys that collide. Its bucket is
/// dropped when it is full, since the bucket of an unknown key is full.
#[derive(Debug)]
pub struct MemoryBuckets {
    seeds: [RandomState; 2],
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    buckets: HashMap<u128, TokenBucket>,
    sweep_at_keys: usize,
    swept_at_unix_ms: u64,
}

impl Default for MemoryBuckets {
    fn default() -> Self {
        Self {
            seeds: [RandomState::new(), RandomState::new()],
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl MemoryBuckets {
    /// The number of keys with a bucket that is not full, and of those not swept yet.
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).buckets.len())
            .sum()
    }

    /// Whether no bucket is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hash of a key, and the shard that it belongs to.
    fn shard(&self, key: BucketKey<'_>) -> Result<(u128, &Mutex<Shard>), StoreUnavailable> {
        let [low, high] = self.seeds.each_ref().map(|seed| seed.hash_one(key));
        let hash = u128::from(high) << 64 | u128::from(low);
        let shard = self
            .shards
            .get(low as usize % SHARDS)
            .ok_or_else(|| StoreUnavailable("no such shard".to_owned()))?;
        Ok((hash, shard))
    }

    fn peek_now(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> Result<BucketDecision, StoreUnavailable> {
        let (hash, shard) = self.shard(key)?;
        let bucket = shard.lock().unwrap_or_else(PoisonError::into_inner).buckets.get(&hash).copied();
        Ok(bucket.unwrap_or(TokenBucket::FULL).peek(rule, now_unix_ms))
    }

    fn try_acquire_now(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> Result<BucketDecision, StoreUnavailable> {
        let (hash, shard) = self.shard(key)?;
        // The table behind a poisoned lock is whole: each bucket is written in one assignment.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.sweep(now_unix_ms);
        let bucket = shard.buckets.get(&hash).copied();
        if bucket.is_none() && shard.buckets.len() >= KEYS_PER_SHARD_MAX {
            return Err(StoreUnavailable("the table of rate buckets has reached its limit".to_owned()));
        }
        let (bucket, decision) = bucket.unwrap_or(TokenBucket::FULL).try_acquire(rule, now_unix_ms);
        shard.buckets.insert(hash, bucket);
        Ok(decision)
    }
}

impl Shard {
    /// Drops full buckets when the shard has doubled since the last sweep, so the work per request is constant on
    /// average. At its cap a shard cannot double; there the interval bounds the work.
    fn sweep(&mut self, now_unix_ms: u64) {
        let keys = self.buckets.len();
        let doubled = keys >= self.sweep_at_keys.clamp(SWEEP_FLOOR, KEYS_PER_SHARD_MAX);
        let at_cap = keys >= KEYS_PER_SHARD_MAX;
        // A clock that was set back counts as an interval that has passed.
        let is_due = now_unix_ms.abs_diff(self.swept_at_unix_ms) >= SWEEP_INTERVAL_MS;
        if !doubled || (at_cap && !is_due) {
            return;
        }
        self.buckets.retain(|_, bucket| !bucket.is_full_at(now_unix_ms));
        self.sweep_at_keys = self.buckets.len() * 2;
        self.swept_at_unix_ms = now_unix_ms;
    }
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
        // Ten minutes hold 6 000 users; a shard is swept when it has doubled, or passed its floor.
        assert!(buckets.len() < SHARDS * (SWEEP_FLOOR + 1), "{}", buckets.len());
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
    fn at_its_cap_a_shard_is_swept_once_in_an_interval() {
        let mut shard = Shard::default();
        for hash in 0..KEYS_PER_SHARD_MAX as u128 {
            let (bucket, _) = TokenBucket::FULL.try_acquire(BucketRule::AUTH0_DEFAULT, T0);
            shard.buckets.insert(hash, bucket);
        }
        shard.sweep(T0);
        assert_eq!((shard.buckets.len(), shard.swept_at_unix_ms), (KEYS_PER_SHARD_MAX, T0));
        shard.sweep(T0 + SWEEP_INTERVAL_MS - 1);
        assert_eq!(shard.swept_at_unix_ms, T0);
        shard.sweep(T0 + 60_000);
        assert_eq!((shard.buckets.len(), shard.swept_at_unix_ms), (0, T0 + 60_000));
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
