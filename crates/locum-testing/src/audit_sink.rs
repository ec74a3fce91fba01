//! An audit sink that stores its events, and can be made unavailable.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use locum_engine::AuditEvent;
use locum_engine::ports::{AuditSink, PortReply, StoreUnavailable};

use crate::faults::UNAVAILABLE;

/// Stores audit events until a test takes them.
#[derive(Default)]
pub struct RecordingSink {
    events: Mutex<Vec<AuditEvent>>,
    unavailable: AtomicBool,
}

impl RecordingSink {
    /// Removes and returns all events, oldest first.
    pub fn take_events(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }

    /// Removes and returns the only event. Panics if there is none, or more than one.
    pub fn take_only_event(&self) -> AuditEvent {
        let mut events = self.take_events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// Says from now on, and later than at once, that the event was not kept.
    pub fn fail(&self) {
        self.unavailable.store(true, Ordering::Relaxed);
    }
}

impl AuditSink for RecordingSink {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        self.events.lock().unwrap().push(event);
        if self.unavailable.load(Ordering::Relaxed) {
            return PortReply::Later(Box::pin(async { Err(StoreUnavailable(UNAVAILABLE.to_owned())) }));
        }
        PortReply::Now(Ok(()))
    }
}
