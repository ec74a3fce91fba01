//! A value that one thread at a time may have, with a limit on how long the others wait.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Holds a value while nobody has it.
pub(super) struct TimedLock<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    value: Option<T>,
    closed: bool,
}

/// Why a value was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// Nobody returned it by the deadline.
    TimedOut,
    /// It is of no use any more.
    Closed,
}

impl<T> TimedLock<T> {
    pub(super) fn new(value: T) -> Self {
        Self { state: Mutex::new(State { value: Some(value), closed: false }), changed: Condvar::new() }
    }

    /// Takes the value, as soon as nobody has it.
    pub(super) fn take_until(&self, deadline: Instant) -> Result<T, NotTaken> {
        let wait = deadline.saturating_duration_since(Instant::now());
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.lock(), wait, |state| state.value.is_none() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(NotTaken::Closed);
        }
        state.value.take().ok_or(NotTaken::TimedOut)
    }

    /// Returns the value.
    pub(super) fn put(&self, value: T) {
        self.lock().value = Some(value);
        self.changed.notify_one();
    }

    /// Nobody gets the value any more, and nobody waits for it.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_value_is_given_to_one_at_a_time() {
        let lock = TimedLock::new(7);
        assert_eq!(lock.take_until(Instant::now()), Ok(7));
        assert_eq!(lock.take_until(Instant::now()), Err(NotTaken::TimedOut));
        lock.put(8);
        assert_eq!(lock.take_until(Instant::now()), Ok(8));
    }

    #[test]
    fn whoever_waits_for_a_value_that_is_of_no_use_any_more_waits_no_longer() {
        let lock = TimedLock::new(7);
        assert_eq!(lock.take_until(Instant::now()), Ok(7));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| lock.take_until(Instant::now() + Duration::from_secs(600)));
            lock.close();
            assert_eq!(waiting.join().unwrap(), Err(NotTaken::Closed));
        });
        lock.put(8);
        assert_eq!(lock.take_until(Instant::now()), Err(NotTaken::Closed));
    }
}
