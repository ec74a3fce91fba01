//! Buckets with a fault.

use std::sync::Arc;

use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule};

use crate::faults::fault::Fault;

/// Buckets whose requests or decisions are changed.
pub(crate) struct FaultyBuckets {
    pub(crate) inner: Arc<dyn Buckets>,
    pub(crate) fault: Fault,
}

impl Buckets for FaultyBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Later(Box::pin(async move {
            match self.fault {
                Fault::Bucket(change) => {
                    let (key, rule) = change(key, rule);
                    self.inner.try_acquire(key, rule, now_unix_ms).wait().await
                }
                Fault::BucketDecision(change) => {
                    self.inner.try_acquire(key, rule, now_unix_ms).wait().await.map(change)
                }
                _ => self.inner.try_acquire(key, rule, now_unix_ms).wait().await,
            }
        }))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        self.inner.peek(key, rule, now_unix_ms)
    }
}
