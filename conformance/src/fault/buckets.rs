//! Buckets behind a weakening.

use std::sync::Arc;

use locum_engine::ports::{BucketKey, Buckets, PortFuture, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule};

use super::Fault;

/// Buckets that are asked, or answer, in another way.
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
    ) -> PortFuture<'a, Result<BucketDecision, StoreUnavailable>> {
        Box::pin(async move {
            match self.fault {
                Fault::Bucket(asked) => {
                    let (key, rule) = asked(key, rule);
                    self.inner.try_acquire(key, rule, now_unix_ms).await
                }
                Fault::Taken(response) => self.inner.try_acquire(key, rule, now_unix_ms).await.map(response),
                _ => self.inner.try_acquire(key, rule, now_unix_ms).await,
            }
        })
    }
}
