//! The state of a plugin's runner, for the thread that keeps it and for all who call it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::protections::Protections;
use crate::runner::generation::{Generation, Obituary};
use crate::runner::pause::PausedIssuers;

/// What can be said about the runner now.
#[derive(Clone)]
pub(super) enum State {
    /// A process is starting.
    Starting,
    Ready(Arc<Generation>),
    /// The last process ended before it was ready; the next one is started later.
    Failed(String),
    /// Nobody needs it any more.
    Stopped,
}

/// What is counted of all processes of a plugin.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) calls_that_hung: AtomicU32,
    pub(super) deaths: AtomicU32,
    /// Microseconds; 0 before the first start.
    last_start: AtomicU64,
}

impl Counters {
    /// Records how long a process took from its start until it was ready.
    pub(super) fn started_in(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.last_start.store(microseconds, Ordering::Relaxed);
    }

    pub(super) fn last_start(&self) -> Option<Duration> {
        match self.last_start.load(Ordering::Relaxed) {
            0 => None,
            microseconds => Some(Duration::from_micros(microseconds)),
        }
    }
}

/// Shared between calls and the thread that keeps the runner.
pub(super) struct Shared {
    /// The plugin's name, for log lines.
    pub(super) plugin: String,
    /// The one tenant that the process serves, for log lines; `None` if it serves all.
    pub(super) tenant: Option<String>,
    state: Mutex<State>,
    changed: Condvar,
    changed_async: Notify,
    stopping: AtomicBool,
    pub(super) counters: Arc<Counters>,
    pub(super) protections: OnceLock<Protections>,
    pub(super) paused: PausedIssuers,
    next_issuer: AtomicU64,
}

impl Shared {
    pub(super) fn new(plugin: &str, tenant: Option<&str>, counters: Arc<Counters>) -> Self {
        Self {
            plugin: plugin.to_owned(),
            tenant: tenant.map(str::to_owned),
            state: Mutex::new(State::Starting),
            changed: Condvar::new(),
            changed_async: Notify::new(),
            stopping: AtomicBool::new(false),
            counters,
            protections: OnceLock::new(),
            paused: PausedIssuers::default(),
            next_issuer: AtomicU64::new(1),
        }
    }

    pub(super) fn new_issuer(&self) -> u64 {
        self.next_issuer.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn state(&self) -> State {
        self.lock().clone()
    }

    pub(super) fn set_state(&self, state: State) {
        *self.lock() = state;
        self.wake();
    }

    /// Wakes those who wait for a state or for the end of a process.
    pub(super) fn wake(&self) {
        // With the lock, so that nobody misses it between a look and a wait.
        drop(self.lock());
        self.changed.notify_all();
        self.changed_async.notify_waiters();
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Ends the process, and the thread that keeps it.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        if let State::Ready(generation) = self.state() {
            generation.stop();
        }
        self.wake();
    }

    /// Waits until the thread should do something other than wait: at the deadline, or when the runner is stopped.
    pub(super) fn pause_until(&self, deadline: StdInstant) {
        let wait = deadline.saturating_duration_since(StdInstant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), wait, |_| !self.is_stopping());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// What `of` finds in the state, as soon as it finds something; `None` at the deadline.
    pub(super) async fn wait_for<T>(&self, deadline: Instant, of: impl Fn(&State) -> Option<T>) -> Option<T> {
        loop {
            let mut changed = std::pin::pin!(self.changed_async.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if let Some(found) = of(&self.lock()) {
                return Some(found);
            }
            timeout_at(deadline, changed).await.ok()?;
        }
    }

    /// The same for threads that may block.
    pub(super) fn wait_blocking<T>(
        &self,
        deadline: StdInstant,
        of: impl Fn(&State) -> Option<T>,
    ) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(found) = of(&state) {
                return Some(found);
            }
            let wait = deadline.checked_duration_since(StdInstant::now())?;
            (state, _) = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A process to call, or why there is none.
pub(super) fn process(state: &State) -> Option<Result<Arc<Generation>, String>> {
    match state {
        // One that ends is about to be replaced.
        State::Ready(generation) if !generation.is_ending() => Some(Ok(Arc::clone(generation))),
        State::Starting | State::Ready(_) => None,
        State::Failed(cause) => Some(Err(cause.clone())),
        State::Stopped => Some(Err("it is stopped".to_owned())),
    }
}

/// Why the process ended, as soon as that is known.
pub(super) fn obituary(generation: &Generation) -> impl Fn(&State) -> Option<Obituary> {
    |_| generation.obituary().cloned()
}
