//! Rate-limit buckets that record the requested keys, and can be made to fail.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule, TokenBucket};

use crate::faults::{PortCalls, UNAVAILABLE};

/// The key of a request to the buckets: the tenant's domain, the address, and the `Debug` text of the subject.
pub type RequestedKey = (String, IpAddr, String);

/// Buckets in memory, with the engine's arithmetic.
pub struct RecordingBuckets {
    states: Mutex<HashMap<RequestedKey, TokenBucket>>,
    requested: Mutex<Vec<RequestedKey>>,
    empty_at_first: bool,
    calls: Arc<PortCalls>,
}

impl RecordingBuckets {
    pub(crate) fn new(empty_at_first: bool, calls: Arc<PortCalls>) -> Self {
        Self { states: Mutex::default(), requested: Mutex::default(), empty_at_first, calls }
    }

    fn first_bucket(&self, rule: BucketRule, now_unix_ms: u64) -> TokenBucket {
        let mut bucket = TokenBucket::FULL;
        for _ in 0..if self.empty_at_first { rule.size.get() } else { 0 } {
            bucket = bucket.try_acquire(rule, now_unix_ms).0;
        }
        bucket
    }

    /// The keys of all requests, oldest first, including requests that failed.
    pub fn requested(&self) -> Vec<RequestedKey> {
        self.requested.lock().unwrap().clone()
    }
}

impl Buckets for RecordingBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        let key: RequestedKey = (key.tenant.to_owned(), key.ip, format!("{:?}", key.subject));
        self.requested.lock().unwrap().push(key.clone());
        let answer = if self.calls.succeeds("buckets") {
            let mut states = self.states.lock().unwrap();
            let bucket = states.get(&key).copied().unwrap_or_else(|| self.first_bucket(rule, now_unix_ms));
            let (bucket, decision) = bucket.try_acquire(rule, now_unix_ms);
            states.insert(key, bucket);
            Ok(decision)
        } else {
            Err(StoreUnavailable(UNAVAILABLE.to_owned()))
        };
        PortReply::Now(answer)
    }
}
