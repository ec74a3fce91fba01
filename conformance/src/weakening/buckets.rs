//! Buckets behind a weakening.

use std::sync::Arc;

use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule};

use super::Weakening;

/// Buckets that are asked, or answer, in another way.
pub(crate) struct WeakBuckets {
    pub(crate) inner: Arc<dyn Buckets>,
    pub(crate) weakening: Weakening,
}

impl Buckets for WeakBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Later(Box::pin(async move {
            match self.weakening {
                Weakening::Bucket(asked) => {
                    let (key, rule) = asked(key, rule);
                    self.inner.try_acquire(key, rule, now_unix_ms).wait().await
                }
                Weakening::Taken(answered) => {
                    self.inner.try_acquire(key, rule, now_unix_ms).wait().await.map(answered)
                }
                _ => self.inner.try_acquire(key, rule, now_unix_ms).wait().await,
            }
        }))
    }
}
