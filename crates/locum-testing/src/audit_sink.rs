//! An audit sink that keeps its events.

use std::sync::Mutex;

use locum_engine::AuditEvent;
use locum_engine::ports::AuditSink;

/// Keeps the events of requests.
#[derive(Default)]
pub struct RecordingSink(Mutex<Vec<AuditEvent>>);

impl RecordingSink {
    /// All events since the last take.
    pub fn take_events(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The one event since the last take.
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
