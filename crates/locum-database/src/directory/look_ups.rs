//! Counts look-ups by how they were answered.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::directory::entries::Entry;

/// How many clients, users, origins and resources were looked up since the directory was opened, by how they were answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LookUps {
    /// At once, from memory. That there is no such entry can be in memory too.
    pub from_memory: u64,
    /// By a row of the database.
    pub read: u64,
    /// That the database has no such row.
    pub absent: u64,
    /// Not: the database did not answer, or what is in the row cannot be used.
    pub unavailable: u64,
}

/// Counts them.
#[derive(Default)]
pub(crate) struct LookUpCounters {
    from_memory: AtomicU64,
    read: AtomicU64,
    absent: AtomicU64,
    unavailable: AtomicU64,
}

impl LookUpCounters {
    /// This was in memory.
    pub(crate) fn kept(&self, entry: &Entry) {
        let counter = if entry.is_unknown() { &self.unavailable } else { &self.from_memory };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// This was read.
    pub(crate) fn read(&self, entry: &Entry) {
        let counter = match entry {
            entry if entry.is_unknown() => &self.unavailable,
            entry if entry.is_absent() => &self.absent,
            _ => &self.read,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self) -> LookUps {
        let total = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LookUps {
            from_memory: total(&self.from_memory),
            read: total(&self.read),
            absent: total(&self.absent),
            unavailable: total(&self.unavailable),
        }
    }
}
