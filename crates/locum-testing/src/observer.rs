//! An observer that writes down what it is told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use locum_engine::ports::{Endpoint, Observer, Outcome, Step};

/// Records steps and outcomes. Its clock advances by [`NANOS_PER_READING`](Self::NANOS_PER_READING) at each reading.
#[derive(Debug, Default)]
pub struct RecordingObserver {
    readings: AtomicU64,
    recorded: Mutex<Recorded>,
}

/// What an observer was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The api_types that it was asked for.
    pub api_types: Vec<Option<String>>,
    /// The steps and how long they took.
    pub steps: Vec<(Step, u64)>,
    /// The requests that ended, each with the place of its api_type in `api_types`.
    pub requests: Vec<(Endpoint, usize, Outcome)>,
}

impl RecordingObserver {
    /// How far apart two readings of its clock are.
    pub const NANOS_PER_READING: u64 = 1000;

    /// How often its clock was read.
    pub fn readings(&self) -> u64 {
        self.readings.load(Ordering::Relaxed)
    }

    /// What it was told since the last time.
    pub fn take(&self) -> Recorded {
        std::mem::take(&mut *self.recorded())
    }

    fn recorded(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for RecordingObserver {
    fn now_nanos(&self) -> u64 {
        self.readings.fetch_add(1, Ordering::Relaxed) * Self::NANOS_PER_READING
    }

    fn step_ended(&self, step: Step, nanos: u64) {
        self.recorded().steps.push((step, nanos));
    }

    fn api_type(&self, name: Option<&str>) -> usize {
        let mut recorded = self.recorded();
        recorded.api_types.push(name.map(str::to_owned));
        recorded.api_types.len() - 1
    }

    fn request_ended(&self, endpoint: Endpoint, api_type: usize, outcome: Outcome) {
        self.recorded().requests.push((endpoint, api_type, outcome));
    }
}
