//! Audit: one event per request, whatever its outcome.

mod event;

pub use event::{AuditCode, AuditEvent, AuditRefusal, ManagementCall};
