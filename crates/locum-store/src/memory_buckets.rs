//! Rate buckets in memory: sharded, keyed by a hash, forgotten once they are full again.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};

use locum_engine::ports::{BucketKey, Buckets, PortFuture, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule, TokenBucket, take};

/// Shards, so that threads seldom meet at one lock. A power of two.
const SHARDS: usize = 64;

/// Keys that one shard keeps at most: 4 million in all, some 300 MiB.
const KEYS_PER_SHARD_MAX: usize = 65_536;

/// A shard with fewer keys is not worth sweeping.
const SWEEP_FLOOR: usize = 1024;

/// Rate buckets of one process.
///
/// A key is kept as a 128-bit hash under random seeds, so that nobody can choose keys that meet; its state goes when
/// its bucket is full, which is what an unknown key's bucket is.
#[derive(Debug)]
pub struct MemoryBuckets {
    seeds: [RandomState; 2],
    shards: Vec<Mutex<Shard>>,
}

#[derive(Debug, Default)]
struct Shard {
    states: HashMap<u128, TokenBucket>,
    sweep_at: usize,
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
    /// Keys that are kept now.
    pub fn kept(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).states.len())
            .sum()
    }

    fn take_now(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> Result<BucketDecision, StoreUnavailable> {
        let [low, high] = self.seeds.each_ref().map(|seed| seed.hash_one(key));
        let hash = u128::from(high) << 64 | u128::from(low);
        let shard = self
            .shards
            .get(low as usize % SHARDS)
            .ok_or_else(|| StoreUnavailable("no such shard".to_owned()))?;
        // A poisoned lock holds whole states all the same: each is written in one assignment.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.sweep(rule, now_unix_ms);
        let state = shard.states.get(&hash).copied();
        if state.is_none() && shard.states.len() >= KEYS_PER_SHARD_MAX {
            return Err(StoreUnavailable("as many rate buckets as memory is meant for".to_owned()));
        }
        let (state, taken) = take(state, rule, now_unix_ms);
        shard.states.insert(hash, state);
        Ok(taken)
    }
}

impl Shard {
    /// Forgets full buckets, when the shard has doubled since it last did: constant work for each request on average.
    fn sweep(&mut self, rule: BucketRule, now_unix_ms: u64) {
        if self.states.len() < self.sweep_at.clamp(SWEEP_FLOOR, KEYS_PER_SHARD_MAX) {
            return;
        }
        let full_after_ms = rule.full_after_ms();
        self.states.retain(|_, state| state.as_of_unix_ms.saturating_add(full_after_ms) > now_unix_ms);
        self.sweep_at = self.states.len() * 2;
    }
}

impl Buckets for MemoryBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortFuture<'a, Result<BucketDecision, StoreUnavailable>> {
        Box::pin(std::future::ready(self.take_now(key, rule, now_unix_ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_900_000_000_000;

    fn key(user_id: &str) -> BucketKey<'_> {
        BucketKey { tenant: "acme.example.com", ip: [192, 0, 2, 1].into(), user_id }
    }

    fn conforms(buckets: &MemoryBuckets, key: BucketKey<'_>, now_unix_ms: u64) -> bool {
        buckets.take_now(key, BucketRule::AUTH0_DEFAULT, now_unix_ms).unwrap().conforms
    }

    #[test]
    fn users_addresses_and_tenants_have_buckets_of_their_own() {
        let buckets = MemoryBuckets::default();
        assert!((0..10).all(|_| conforms(&buckets, key("alice"), T0)));
        assert!(!conforms(&buckets, key("alice"), T0));
        assert!(conforms(&buckets, key("bob"), T0));
        assert!(conforms(&buckets, BucketKey { ip: [192, 0, 2, 2].into(), ..key("alice") }, T0));
        assert!(conforms(&buckets, BucketKey { tenant: "other.example.com", ..key("alice") }, T0));
    }

    #[test]
    fn full_buckets_are_forgotten_and_others_are_not() {
        let buckets = MemoryBuckets::default();
        for user in 0..200_000 {
            conforms(&buckets, key(&format!("user {user}")), T0 + user * 100);
        }
        // Ten minutes hold 6 000 users; a shard is swept when it has doubled, or passed its floor.
        assert!(buckets.kept() < SHARDS * (SWEEP_FLOOR + 1), "{}", buckets.kept());
        let late = T0 + 200_000 * 100;
        assert!((0..10).all(|_| conforms(&buckets, key("alice"), late)));
        for user in 0..100_000 {
            conforms(&buckets, key(&format!("other {user}")), late);
        }
        assert!(!conforms(&buckets, key("alice"), late));
    }
}
