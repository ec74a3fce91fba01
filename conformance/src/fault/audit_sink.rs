//! An audit sink behind a weakening.

use std::sync::Arc;

use locum_engine::AuditEvent;
use locum_engine::ports::AuditSink;

use super::Fault;

/// A sink that is told of other events.
pub(crate) struct FaultyAuditSink {
    pub(crate) inner: Arc<dyn AuditSink>,
    pub(crate) fault: Fault,
}

impl AuditSink for FaultyAuditSink {
    fn record(&self, event: AuditEvent) {
        match self.fault {
            Fault::Audit(told) => told(event).into_iter().for_each(|event| self.inner.record(event)),
            _ => self.inner.record(event),
        }
    }
}
