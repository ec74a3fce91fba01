//! The clock that durations are measured with.

use quanta::Clock;

/// Reads the processor's counter of cycles where it is constant, which takes half the time of a system clock.
#[derive(Debug)]
pub(super) struct MonotonicClock {
    clock: Clock,
    origin: u64,
}

impl Default for MonotonicClock {
    fn default() -> Self {
        let clock = Clock::new();
        Self { origin: clock.raw(), clock }
    }
}

impl MonotonicClock {
    /// Nanoseconds since it was made.
    pub(super) fn now_nanos(&self) -> u64 {
        self.clock.delta_as_nanos(self.origin, self.clock.raw())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn it_advances_as_the_system_clock_does() {
        let clock = MonotonicClock::default();
        let (start, start_nanos) = (Instant::now(), clock.now_nanos());
        while start.elapsed().as_millis() < 20 {}
        let measured = clock.now_nanos() - start_nanos;
        let expected = u64::try_from(start.elapsed().as_nanos()).unwrap();
        // The thread may have been interrupted between two readings.
        assert!((19_000_000..=expected).contains(&measured), "{measured} of {expected}");
    }
}
