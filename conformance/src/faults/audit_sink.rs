//! An audit sink with a fault.

use std::sync::Arc;

use locum_engine::AuditEvent;
use locum_engine::ports::AuditSink;

use crate::faults::fault::Fault;

/// An audit sink that receives changed events.
pub(crate) struct FaultyAuditSink {
    pub(crate) inner: Arc<dyn AuditSink>,
    pub(crate) fault: Fault,
}

impl AuditSink for FaultyAuditSink {
    fn record(&self, event: AuditEvent) {
        match self.fault {
            Fault::Audit(change) => change(event).into_iter().for_each(|event| self.inner.record(event)),
            _ => self.inner.record(event),
        }
    }
}
