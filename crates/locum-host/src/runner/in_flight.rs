//! Which lanes have a call in flight: who could be guilty when the process ends without a word.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::RUNNER_LANES_MAX;

/// One bit for each lane.
#[derive(Debug, Default)]
pub(super) struct InFlight(AtomicU64);

const _: () = assert!(RUNNER_LANES_MAX < u64::BITS);

/// The lanes that had a call in flight at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LanesInFlight(u64);

impl InFlight {
    pub(super) fn begin(&self, lane: u32) {
        self.0.fetch_or(bit(lane), Ordering::SeqCst);
    }

    pub(super) fn end(&self, lane: u32) {
        self.0.fetch_and(!bit(lane), Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> LanesInFlight {
        LanesInFlight(self.0.load(Ordering::SeqCst))
    }
}

impl LanesInFlight {
    pub(super) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The lane, if there is exactly one.
    pub(super) fn only(self) -> Option<u32> {
        (self.count() == 1).then(|| self.0.trailing_zeros())
    }
}

fn bit(lane: u32) -> u64 {
    1_u64.checked_shl(lane).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_alone_is_known_and_two_are_not() {
        let calls = InFlight::default();
        assert_eq!((calls.now().count(), calls.now().only()), (0, None));
        calls.begin(3);
        assert_eq!(calls.now().only(), Some(3));
        calls.begin(0);
        assert_eq!((calls.now().count(), calls.now().only()), (2, None));
        calls.end(3);
        assert_eq!(calls.now().only(), Some(0));
    }
}
