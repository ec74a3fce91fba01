//! Keeps a runtime alive beside calls that hang: one worker thread stays free of plugins, and it is awake.
//!
//! tokio cannot take a worker thread away from a call that hangs. Two things follow. If every worker hangs, nothing
//! runs any more: so at most all but one may be inside plugins. And the worker that waits for sockets and
//! timers, when it meets a call that hangs, leaves nobody waiting for them if the others are asleep: so a thread of
//! our own looks on and wakes one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a call may keep everything waiting before another worker is woken.
const TICK: Duration = Duration::from_millis(20);
/// After so many ticks without a call the looker-on sleeps until the next one.
const TICKS_AWAKE: u32 = 50;

/// The worker threads of the runtime that plugins are called on.
#[derive(Default)]
pub(crate) struct Workers {
    permits: OnceLock<Semaphore>,
    started: AtomicU64,
    ended: AtomicU64,
    asleep: AtomicBool,
    watchdog: OnceLock<Option<Thread>>,
}

impl Workers {
    /// A place to call a plugin from. The first call decides which runtime it is.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        let permits = self.permits.get_or_init(|| {
            let workers = Handle::current().metrics().num_workers();
            Semaphore::new(workers.saturating_sub(1).max(1))
        });
        // Fails only if the semaphore is closed, and nobody closes it.
        permits.acquire().await.ok()
    }

    pub(crate) fn call_started(&self) {
        self.started.fetch_add(1, SeqCst);
        if self.asleep.load(SeqCst) && self.asleep.swap(false, SeqCst) {
            self.wake_watchdog();
        }
    }

    pub(crate) fn call_ended(&self) {
        self.ended.fetch_add(1, SeqCst);
    }

    /// Starts to look on, if nobody does yet.
    pub(crate) fn start_watchdog(self: &Arc<Self>, runtime: &Handle) {
        self.watchdog.get_or_init(|| {
            let (workers, runtime) = (Arc::downgrade(self), runtime.clone());
            let thread = thread::Builder::new().name("plugin-watchdog".to_owned());
            // Without it a hang is noticed later; no reason not to work.
            thread.spawn(move || run_watchdog(&workers, &runtime)).ok().map(|thread| thread.thread().clone())
        });
    }

    fn wake_watchdog(&self) {
        if let Some(Some(watchdog)) = self.watchdog.get() {
            watchdog.unpark();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.wake_watchdog();
    }
}

fn run_watchdog(workers: &Weak<Workers>, runtime: &Handle) {
    let mut ended_before = 0;
    let mut idle_ticks = 0;
    while let Some(workers) = workers.upgrade() {
        let ended = workers.ended.load(SeqCst);
        let started = workers.started.load(SeqCst);
        if started == ended {
            idle_ticks += 1;
        } else {
            idle_ticks = 0;
            if ended == ended_before {
                // Whichever worker takes this up goes on to wait for sockets and timers.
                runtime.spawn(async {});
            }
        }
        ended_before = ended;
        if idle_ticks < TICKS_AWAKE {
            drop(workers);
            thread::park_timeout(TICK);
            continue;
        }
        workers.asleep.store(true, SeqCst);
        // A call that began before this line did not see the flag.
        let missed = workers.started.load(SeqCst) != started;
        drop(workers);
        if !missed {
            thread::park();
        }
        idle_ticks = 0;
    }
}
