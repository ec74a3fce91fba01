//! The load: requests over kept connections, by threads that poll without sleeping.
//!
//! An answer to a thread that sleeps wakes a processor, which costs the service more than its own work differs between
//! versions. So no thread of the load ever sleeps.

mod connection;
mod driver;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use driver::{Arrivals, Load};

use crate::histogram::Histogram;

/// What came of a load.
#[derive(Clone, Default)]
pub(crate) struct Outcome {
    /// Responses by status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Of responses with status 200: from the time at which the request was due to its last byte.
    pub(crate) latencies: Histogram,
    /// From the first request to the last response that was waited for.
    pub(crate) elapsed: Duration,
}

impl Outcome {
    /// All responses.
    pub(crate) fn responses(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Those with status 200.
    pub(crate) fn successes(&self) -> u64 {
        self.statuses.get(&200).copied().unwrap_or_default()
    }

    /// Whether there was a response, and every one had status 200.
    pub(crate) fn all_succeeded(&self) -> bool {
        self.responses() > 0 && self.successes() == self.responses()
    }

    /// Successes in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.successes() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Adds what came at the same time.
    fn add(&mut self, other: &Self) {
        let elapsed = self.elapsed.max(other.elapsed);
        self.add_next(other);
        self.elapsed = elapsed;
    }

    /// Adds what came later.
    pub(crate) fn add_next(&mut self, other: &Self) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.latencies.add(&other.latencies);
        self.elapsed += other.elapsed;
    }
}
