//! An audit sink behind a weakening.

use std::sync::Arc;

use locum_engine::AuditEvent;
use locum_engine::ports::AuditSink;

use super::Weakening;

/// A sink that is told of other events.
pub(crate) struct WeakAudit {
    pub(crate) inner: Arc<dyn AuditSink>,
    pub(crate) weakening: Weakening,
}

impl AuditSink for WeakAudit {
    fn record(&self, event: AuditEvent) {
        match self.weakening {
            Weakening::Audit(told) => told(event).into_iter().for_each(|event| self.inner.record(event)),
            _ => self.inner.record(event),
        }
    }
}
