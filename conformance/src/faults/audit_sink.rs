//! An audit sink with a fault.

use std::sync::Arc;

use locum_engine::AuditEvent;
use locum_engine::ports::{AuditSink, PortReply, StoreUnavailable};

use crate::faults::fault::Fault;

/// An audit sink that receives changed events.
pub(crate) struct FaultyAuditSink {
    pub(crate) inner: Arc<dyn AuditSink>,
    pub(crate) fault: Fault,
}

impl AuditSink for FaultyAuditSink {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        let Fault::Audit(change) = self.fault else {
            return self.inner.record(event);
        };
        for event in change(event) {
            drop(self.inner.record(event));
        }
        PortReply::Now(Ok(()))
    }
}
