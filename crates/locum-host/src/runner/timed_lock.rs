//! A value that one thread at a time may have, with a limit on how long the others wait.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Holds a value while nobody has it.
pub(super) struct TimedLock<T> {
    value: Mutex<Option<T>>,
    returned: Condvar,
}

impl<T> TimedLock<T> {
    pub(super) fn new(value: T) -> Self {
        Self { value: Mutex::new(Some(value)), returned: Condvar::new() }
    }

    /// Takes the value; `None` if nobody returned it by then.
    pub(super) fn take_until(&self, deadline: Instant) -> Option<T> {
        let wait = deadline.saturating_duration_since(Instant::now());
        let (mut value, _) = self
            .returned
            .wait_timeout_while(self.lock(), wait, |value| value.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        value.take()
    }

    /// Returns the value.
    pub(super) fn put(&self, value: T) {
        *self.lock() = Some(value);
        self.returned.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_given_to_one_at_a_time() {
        let lock = TimedLock::new(7);
        assert_eq!(lock.take_until(Instant::now()), Some(7));
        assert_eq!(lock.take_until(Instant::now()), None);
        lock.put(8);
        assert_eq!(lock.take_until(Instant::now()), Some(8));
    }
}
