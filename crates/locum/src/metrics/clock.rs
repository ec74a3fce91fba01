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
        // Each reading is between two of the system clock, so that it does not matter when the thread is interrupted.
        let (before, first, after) = (Instant::now(), clock.now_nanos(), Instant::now());
        while after.elapsed().as_millis() < 20 {}
        let (before_last, last, after_last) = (Instant::now(), clock.now_nanos(), Instant::now());
        let measured = (last - first) as f64;
        let shortest = (before_last - after).as_nanos() as f64;
        let longest = (after_last - before).as_nanos() as f64;
        assert!((0.98 * shortest..=1.02 * longest).contains(&measured), "{shortest} {measured} {longest}");
    }
}
