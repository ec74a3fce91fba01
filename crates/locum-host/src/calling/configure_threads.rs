//! The threads in which a plugin in this process configures issuers, so that a reload can always be tried again.
//!
//! A thread cannot be stopped. One that does not return by its deadline is left alone, and what it returns later is dropped.
//! One that returns is used again: a start configures some hundred thousand issuers.

use std::sync::mpsc::{RecvTimeoutError, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::calling::backend::CreateError;
use crate::limits::CONFIGURE_THREADS_MAX;

/// How long a thread waits for its next call before it ends.
const IDLE_MAX: Duration = Duration::from_secs(1);

type Call = Box<dyn FnOnce() + Send>;

/// The threads of one plugin.
#[derive(Default)]
pub(super) struct ConfigureThreads {
    idle: Mutex<Vec<SyncSender<Call>>>,
    /// Its clones are held by the calls that have not returned.
    running: Arc<()>,
}

impl ConfigureThreads {
    /// What the call returns, unless that takes longer than `deadline`.
    ///
    /// # Errors
    /// [`CreateError::TimedOut`], [`CreateError::TooManyHang`] or [`CreateError::NoThread`].
    pub(super) fn call<R: Send + 'static>(
        &self,
        deadline: Duration,
        call: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, CreateError> {
        if Arc::strong_count(&self.running) > CONFIGURE_THREADS_MAX {
            return Err(CreateError::TooManyHang);
        }
        let running = Arc::clone(&self.running);
        let (returned, outcome) = sync_channel(1);
        let thread = self.start(Box::new(move || {
            let result = call();
            // Before the result is sent, so that the caller never counts a call that has returned.
            drop(running);
            let _ = returned.send(result);
        }))?;
        match outcome.recv_timeout(deadline) {
            Ok(result) => {
                self.idle().push(thread);
                Ok(result)
            }
            // The thread ends when its call returns, because the sender of further ones is dropped here.
            Err(RecvTimeoutError::Timeout) => Err(CreateError::TimedOut),
            Err(RecvTimeoutError::Disconnected) => Err(CreateError::NoThread),
        }
    }

    /// Gives the call to an idle thread, or to a new one.
    fn start(&self, mut call: Call) -> Result<SyncSender<Call>, CreateError> {
        loop {
            let Some(thread) = self.idle().pop() else { break };
            match thread.send(call) {
                Ok(()) => return Ok(thread),
                // It waited too long and has ended.
                Err(SendError(unsent)) => call = unsent,
            }
        }
        // Without room for a call: one that was sent is always received.
        let (thread, calls) = sync_channel::<Call>(0);
        let run = move || {
            call();
            while let Ok(call) = calls.recv_timeout(IDLE_MAX) {
                call();
            }
        };
        let builder = thread::Builder::new().name("plugin-configure".to_owned());
        builder.spawn(run).map_err(|_| CreateError::NoThread)?;
        Ok(thread)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SyncSender<Call>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread::ThreadId;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn thread_of(threads: &ConfigureThreads) -> ThreadId {
        threads.call(LONG, || thread::current().id()).unwrap()
    }

    #[test]
    fn a_thread_that_returned_is_used_again_and_one_that_hangs_is_not() {
        let threads = ConfigureThreads::default();
        let first = thread_of(&threads);
        assert_ne!(first, thread::current().id());
        assert_eq!(thread_of(&threads), first);
        let (release, hangs) = channel::<()>();
        let hanging = threads.call(Duration::from_millis(1), move || hangs.recv().is_err());
        assert_eq!(hanging, Err(CreateError::TimedOut));
        assert_ne!(thread_of(&threads), first);
        drop(release);
        assert_ne!(thread_of(&threads), first);
    }

    #[test]
    fn no_more_than_so_many_calls_hang_and_a_call_that_ends_makes_room() {
        let threads = ConfigureThreads::default();
        let (release, hangs) = channel::<()>();
        let hangs = Arc::new(Mutex::new(hangs));
        let hang = || {
            let hangs = Arc::clone(&hangs);
            threads.call(Duration::from_millis(1), move || hangs.lock().unwrap().recv().is_ok())
        };
        for _ in 0..CONFIGURE_THREADS_MAX {
            assert_eq!(hang(), Err(CreateError::TimedOut));
        }
        assert_eq!(hang(), Err(CreateError::TooManyHang));
        release.send(()).unwrap();
        while Arc::strong_count(&threads.running) > CONFIGURE_THREADS_MAX {
            thread::yield_now();
        }
        assert_eq!(hang(), Err(CreateError::TimedOut));
    }

    #[test]
    fn a_call_that_panics_is_an_error_and_the_next_one_has_another_thread() {
        let threads = ConfigureThreads::default();
        let first = thread_of(&threads);
        let panicked = threads.call(LONG, || -> () { std::panic::panic_any("on purpose") });
        assert_eq!(panicked, Err(CreateError::NoThread));
        assert_ne!(thread_of(&threads), first);
    }

    #[test]
    fn a_call_for_a_thread_that_ended_is_made_in_a_new_one() {
        let threads = ConfigureThreads::default();
        let (ended, calls) = sync_channel::<Call>(0);
        drop(calls);
        threads.idle().push(ended);
        assert_ne!(thread_of(&threads), thread::current().id());
    }
}
