//! Keeps the runtime working while plugin calls hang: one worker thread never calls plugins, and a watchdog wakes it.
//!
//! tokio cannot interrupt a call that hangs on a worker thread. This has two consequences. If every worker hangs, the
//! runtime stops: so all workers but one may be inside plugins at a time. And if the worker that polls sockets and
//! timers enters a call that hangs while the other workers sleep, nobody polls: so a watchdog thread wakes another
//! worker.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long a call may block polling before the watchdog wakes another worker.
const TICK: Duration = Duration::from_millis(20);
/// After so many ticks without a running call the watchdog sleeps until the next call.
const TICKS_AWAKE: u32 = 50;

/// Limits and watches the worker threads of the runtime on which plugins are called.
#[derive(Default)]
pub(crate) struct Workers {
    permits: OnceLock<Semaphore>,
    calls_started: AtomicU64,
    calls_ended: AtomicU64,
    watchdog_sleeps: AtomicBool,
    watchdog: OnceLock<Option<Thread>>,
}

impl Workers {
    /// Waits for permission to call a plugin. The first call fixes the runtime, and so the number of permits.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        let permits = self.permits.get_or_init(|| {
            let workers = Handle::current().metrics().num_workers();
            Semaphore::new(workers.saturating_sub(1).max(1))
        });
        // Fails only if the semaphore is closed, which never happens.
        permits.acquire().await.ok()
    }

    pub(crate) fn call_started(&self) {
        self.calls_started.fetch_add(1, SeqCst);
        if self.watchdog_sleeps.load(SeqCst) && self.watchdog_sleeps.swap(false, SeqCst) {
            self.wake_watchdog();
        }
    }

    pub(crate) fn call_ended(&self) {
        self.calls_ended.fetch_add(1, SeqCst);
    }

    /// Starts the watchdog thread, unless it runs already.
    pub(crate) fn start_watchdog(self: &Arc<Self>, runtime: &Handle) {
        self.watchdog.get_or_init(|| {
            let (workers, runtime) = (Arc::downgrade(self), runtime.clone());
            let thread = thread::Builder::new().name("plugin-watchdog".to_owned());
            // If the thread cannot be started, hangs are noticed later and everything else works.
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
        let ended = workers.calls_ended.load(SeqCst);
        let started = workers.calls_started.load(SeqCst);
        if started == ended {
            idle_ticks += 1;
        } else {
            idle_ticks = 0;
            if ended == ended_before {
                // The worker that takes this task polls sockets and timers afterwards.
                runtime.spawn(async {});
            }
        }
        ended_before = ended;
        if idle_ticks < TICKS_AWAKE {
            drop(workers);
            thread::park_timeout(TICK);
            continue;
        }
        workers.watchdog_sleeps.store(true, SeqCst);
        // A call that started before this line did not see the flag and wakes nobody.
        let missed = workers.calls_started.load(SeqCst) != started;
        drop(workers);
        if !missed {
            thread::park();
        }
        idle_ticks = 0;
    }
}
