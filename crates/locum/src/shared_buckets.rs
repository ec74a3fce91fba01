//! Rate buckets that several servers share, and what is done while they are away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule};
use locum_redis::RedisBuckets;
use locum_store::MemoryBuckets;

/// The buckets in Redis. While it is away, guesses are counted by this server alone, so that an outage is no time for guessing;
/// whether requests of users are then served is for their tenant to say.
pub(crate) struct SharedBuckets {
    redis: RedisBuckets,
    own: Arc<MemoryBuckets>,
    failures: AtomicU64,
}

impl SharedBuckets {
    pub(crate) fn new(redis: RedisBuckets, own: Arc<MemoryBuckets>) -> Self {
        Self { redis, own, failures: AtomicU64::new(0) }
    }

    /// How many questions were not answered.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    async fn or_own<'a>(
        &'a self,
        answer: StoreReply<'a, BucketDecision>,
        key: BucketKey<'a>,
        own: impl FnOnce(&'a MemoryBuckets) -> StoreReply<'a, BucketDecision>,
    ) -> Result<BucketDecision, StoreUnavailable> {
        let answer = answer.wait().await;
        if answer.is_err() {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        match answer {
            Err(_) if key.subject.counts_guesses() => own(&self.own).wait().await,
            answer => answer,
        }
    }
}

impl Buckets for SharedBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        let answer = self.redis.try_acquire(key, rule, now_unix_ms);
        let own = move |own: &'a MemoryBuckets| own.try_acquire(key, rule, now_unix_ms);
        PortReply::Later(Box::pin(self.or_own(answer, key, own)))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        let answer = self.redis.peek(key, rule, now_unix_ms);
        let own = move |own: &'a MemoryBuckets| own.peek(key, rule, now_unix_ms);
        PortReply::Later(Box::pin(self.or_own(answer, key, own)))
    }
}
