//! Used assertions in memory whose store counts, and can be made to fail; and what every store of them must do.

use std::sync::Arc;

use locum_engine::ports::{PortReply, StoreReply, StoreUnavailable, UsedAssertions};
use locum_store::MemoryUsedAssertions;

use crate::faults::{PortCalls, UNAVAILABLE};
use crate::{ACME, GLOBEX, NOW};

/// A store in memory that records its calls among those of the other ports, as `used_assertions`.
pub(crate) struct FaultyUsedAssertions {
    inner: MemoryUsedAssertions,
    calls: Arc<PortCalls>,
}

impl FaultyUsedAssertions {
    pub(crate) fn new(calls: Arc<PortCalls>) -> Self {
        Self { inner: MemoryUsedAssertions::default(), calls }
    }
}

impl UsedAssertions for FaultyUsedAssertions {
    fn use_once<'a>(
        &'a self,
        tenant: &'a str,
        client_id: &'a str,
        jti: &'a str,
        expires_at: i64,
        now: i64,
    ) -> StoreReply<'a, bool> {
        if self.calls.succeeds("used_assertions") {
            self.inner.use_once(tenant, client_id, jti, expires_at, now)
        } else {
            PortReply::Now(Err(StoreUnavailable(UNAVAILABLE.to_owned())))
        }
    }
}

/// What every store of used assertions must do. Panics unless this one does.
pub async fn check_used_assertion_store(store: &dyn UsedAssertions) {
    let is_first = async |tenant, client_id, jti| {
        store.use_once(tenant, client_id, jti, NOW + 60, NOW).wait().await.unwrap()
    };
    assert!(is_first(ACME, "worker", "one").await);
    assert!(!is_first(ACME, "worker", "one").await, "it is used twice");
    for (tenant, client_id, jti) in [
        (ACME, "worker", "two"),
        (ACME, "other", "one"),
        (GLOBEX, "worker", "one"),
        (ACME, "worker", "ONE"),
        (ACME, "worker", "o'ne \u{e4}"),
    ] {
        assert!(is_first(tenant, client_id, jti).await, "{tenant} {client_id} {jti}");
        assert!(!is_first(tenant, client_id, jti).await, "{tenant} {client_id} {jti}");
    }
    assert!(!store.use_once(ACME, "worker", "one", NOW + 3600, NOW + 59).wait().await.unwrap());
}
