//! An audit sink that stores its events.

use std::sync::Mutex;

use locum_engine::AuditEvent;
use locum_engine::ports::AuditSink;

/// Stores audit events until a test takes them.
#[derive(Default)]
pub struct RecordingSink(Mutex<Vec<AuditEvent>>);

impl RecordingSink {
    /// Removes and returns all events, oldest first.
    pub fn take_events(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// Removes and returns the only event. Panics if there is none, or more than one.
    pub fn take_only_event(&self) -> AuditEvent {
        let mut events = self.take_events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }
}

impl AuditSink for RecordingSink {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}
