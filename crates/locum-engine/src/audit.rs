//! Audit: one event for each request, whatever its outcome.

mod event;

pub use event::{AuditCode, AuditEvent, AuditRefusal};
