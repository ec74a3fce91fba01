//! A token bucket for each user at each address: hashes of both, and the times at which buckets are full.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::tenant::BUCKET_SIZE;

/// One token a minute.
const TOKEN_US: u64 = 60_000_000;
const CAPACITY_US: u64 = TOKEN_US * BUCKET_SIZE;
const SHARDS: usize = 64;

/// The answer to one request.
pub(crate) struct Decision {
    pub(crate) conforms: bool,
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset_unix_seconds: u64,
}

type Shard = Mutex<HashMap<u64, u64, BuildHasherDefault<AsItIs>>>;

pub(crate) struct Buckets {
    keyed: RandomState,
    shards: [Shard; SHARDS],
}

impl Default for Buckets {
    fn default() -> Self {
        Self { keyed: RandomState::new(), shards: std::array::from_fn(|_| Shard::default()) }
    }
}

impl Buckets {
    /// Takes one token at this time, if there is one.
    pub(crate) fn try_acquire(&self, user: &str, address: IpAddr, now_us: u64) -> Decision {
        let key = self.keyed.hash_one((user, address));
        let shard = self.shards.get(key as usize % SHARDS).unwrap_or(&self.shards[0]);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = shard.entry(key).or_default();
        let missing = full_at.saturating_sub(now_us).min(CAPACITY_US);
        let conforms = missing + TOKEN_US <= CAPACITY_US;
        let missing = if conforms { missing + TOKEN_US } else { missing };
        *full_at = now_us + missing;
        Decision {
            conforms,
            limit: BUCKET_SIZE,
            remaining: (CAPACITY_US - missing) / TOKEN_US,
            reset_unix_seconds: full_at.div_ceil(1_000_000),
        }
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_bucket_refuses_until_a_token_is_refilled_and_another_users_does_not() {
        let (buckets, address) = (Buckets::default(), IpAddr::from([192, 0, 2, 1]));
        let now = 1_700_000_000_000_000;
        for left in (0..BUCKET_SIZE).rev() {
            let decision = buckets.try_acquire("alice", address, now);
            assert!(decision.conforms);
            assert_eq!(decision.remaining, left);
        }
        assert!(!buckets.try_acquire("alice", address, now).conforms);
        assert!(!buckets.try_acquire("alice", address, now + TOKEN_US - 1).conforms);
        assert!(buckets.try_acquire("bob", address, now).conforms);
        assert!(buckets.try_acquire("alice", IpAddr::from([192, 0, 2, 2]), now).conforms);
        assert!(buckets.try_acquire("alice", address, now + TOKEN_US).conforms);
    }
}
