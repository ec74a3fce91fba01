//! The engine's ports, in memory: a clock that stands still, a directory that can fail, a sink that shows its events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::AuditEvent;
use locum_engine::ports::{AuditSink, Clock, Directory, Entropy, PortFuture, StoreUnavailable};
use locum_engine::tenant::Tenant;

use super::{NOW, Tenants};

pub(crate) struct FixedClock;

impl Clock for FixedClock {
    fn now_unix_ms(&self) -> u64 {
        NOW as u64 * 1000
    }
}

pub(crate) struct FixedEntropy;

impl Entropy for FixedEntropy {
    fn draw(&self) -> [u8; ENTROPY_BYTES] {
        [7; ENTROPY_BYTES]
    }
}

/// All events, in their order.
#[derive(Default)]
pub(crate) struct Recorder(Mutex<Vec<AuditEvent>>);

impl Recorder {
    pub(crate) fn events(&self) -> Vec<AuditEvent> {
        self.0.lock().unwrap().clone()
    }

    /// The one event there is.
    pub(crate) fn only_event(&self) -> AuditEvent {
        let events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events[0].clone()
    }
}

impl AuditSink for Recorder {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// Tenants by domain; it can be told to be away.
pub(crate) struct TestDirectory {
    tenants: HashMap<String, Arc<Tenant>>,
    away: AtomicBool,
}

impl TestDirectory {
    pub(crate) fn new(tenants: Tenants) -> Self {
        let by_domain = |tenant: Tenant| (tenant.domain.clone(), Arc::new(tenant));
        Self { tenants: tenants.0.into_iter().map(by_domain).collect(), away: AtomicBool::new(false) }
    }

    pub(crate) fn goes_away(&self) {
        self.away.store(true, Ordering::Relaxed);
    }
}

impl Directory for TestDirectory {
    fn tenant<'a>(&'a self, host: &'a str) -> PortFuture<'a, Result<Option<Arc<Tenant>>, StoreUnavailable>> {
        let answer = if self.away.load(Ordering::Relaxed) {
            Err(StoreUnavailable("db.internal:5432 refused the connection".to_owned()))
        } else {
            Ok(self.tenants.get(host).cloned())
        };
        Box::pin(std::future::ready(answer))
    }
}
