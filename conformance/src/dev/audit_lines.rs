//! Shows the outcome of each request, from its audit event: with the reason that a client is not told.

use std::sync::Arc;

use locum_engine::AuditEvent;
use locum_engine::ports::{AuditSink, PortReply, StoreUnavailable};

use crate::exchange::redaction::redacted;

pub(super) struct AuditLines {
    pub(super) show: Arc<dyn Fn(&str) + Send + Sync>,
    pub(super) secrets: Vec<(String, String)>,
}

impl AuditSink for AuditLines {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        let code = event.code.as_str();
        let line = match &event.refusal {
            None => format!("granted (audit code {code})"),
            Some(refusal) => {
                let inside = refusal.inside.as_ref().map(|inside| format!(" ({inside})")).unwrap_or_default();
                let (status, error) = (refusal.status, refusal.code);
                format!("refused (audit code {code}): {status} {error}: {}{inside}", refusal.description)
            }
        };
        (self.show)(&redacted(&line, &self.secrets));
        PortReply::Now(Ok(()))
    }
}
