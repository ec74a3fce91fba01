//! Counts running calls and calls that hang, and quarantines a plugin that hangs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::calling::backend::CallError;
use crate::calling::health::PluginHealth;
use crate::calling::workers::Workers;
use crate::limits::HANGS_MAX;

/// Supervises the calls of one plugin.
pub(crate) struct Supervision {
    plugin: String,
    calls: Mutex<Calls>,
    workers: Arc<Workers>,
}

#[derive(Default)]
struct Calls {
    running: Vec<RunningCall>,
    hangs: u32,
    started: u64,
}

struct RunningCall {
    number: u64,
    deadline: Instant,
    /// Whether `Calls::hangs` counts it already.
    counted_as_hang: bool,
}

impl Supervision {
    pub(crate) fn new(plugin: &str, workers: Arc<Workers>) -> Self {
        Self { plugin: plugin.to_owned(), calls: Mutex::default(), workers }
    }

    pub(crate) fn workers(&self) -> &Arc<Workers> {
        &self.workers
    }

    pub(crate) fn is_quarantined(&self) -> bool {
        self.health().quarantined
    }

    pub(crate) fn health(&self) -> PluginHealth {
        let mut calls = self.calls();
        let quarantined = calls.is_quarantined(&self.plugin);
        PluginHealth { running: calls.running.len(), hangs: calls.hangs, deaths: 0, quarantined }
    }

    /// Registers a call, which runs until the guard is dropped.
    pub(crate) fn start_call(self: &Arc<Self>, deadline: Instant) -> Result<CallGuard, CallError> {
        if Instant::now() >= deadline {
            return Err(CallError::TimedOut);
        }
        let mut calls = self.calls();
        if calls.is_quarantined(&self.plugin) {
            return Err(CallError::Quarantined);
        }
        calls.started += 1;
        let number = calls.started;
        calls.running.push(RunningCall { number, deadline, counted_as_hang: false });
        drop(calls);
        self.workers.call_started();
        Ok(CallGuard { supervision: Arc::clone(self), number })
    }

    fn finish_call(&self, number: u64) {
        let mut calls = self.calls();
        calls.count_hangs(&self.plugin);
        calls.running.retain(|call| call.number != number);
        drop(calls);
        self.workers.call_ended();
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    /// Whether the plugin must not be called now.
    fn is_quarantined(&mut self, plugin: &str) -> bool {
        self.count_hangs(plugin) || self.hangs >= HANGS_MAX
    }

    /// Counts each call that has passed its deadline once. Returns whether any such call is still running.
    fn count_hangs(&mut self, plugin: &str) -> bool {
        if self.running.is_empty() {
            return false;
        }
        let now = Instant::now();
        let mut hanging = false;
        for call in self.running.iter_mut().filter(|call| call.deadline <= now) {
            hanging = true;
            if !call.counted_as_hang {
                call.counted_as_hang = true;
                self.hangs += 1;
                tracing::error!(plugin, hangs = self.hangs, "a plugin call did not return by its deadline");
                if self.hangs == HANGS_MAX {
                    tracing::error!(plugin, "the plugin is quarantined until it is loaded again");
                }
            }
        }
        hanging
    }
}

/// A running call.
pub(crate) struct CallGuard {
    supervision: Arc<Supervision>,
    number: u64,
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.supervision.finish_call(self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn supervision() -> Arc<Supervision> {
        Arc::new(Supervision::new("p", Arc::new(Workers::default())))
    }

    #[tokio::test(start_paused = true)]
    async fn a_plugin_is_quarantined_while_a_call_hangs() {
        let supervision = supervision();
        let call = supervision.start_call(Instant::now() + LIMIT).unwrap();
        assert!(!supervision.is_quarantined());
        tokio::time::advance(LIMIT).await;
        assert_eq!(supervision.health(), PluginHealth { running: 1, hangs: 1, deaths: 0, quarantined: true });
        assert_eq!(supervision.start_call(Instant::now() + LIMIT).err(), Some(CallError::Quarantined));
        drop(call);
        assert_eq!(
            supervision.health(),
            PluginHealth { running: 0, hangs: 1, deaths: 0, quarantined: false }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_returns_in_time_is_not_counted_as_a_hang() {
        let supervision = supervision();
        let call = supervision.start_call(Instant::now() + LIMIT).unwrap();
        tokio::time::advance(LIMIT - Duration::from_millis(1)).await;
        drop(call);
        assert_eq!(
            supervision.health(),
            PluginHealth { running: 0, hangs: 0, deaths: 0, quarantined: false }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_third_hang_quarantines_permanently_even_if_it_is_noticed_late() {
        let supervision = supervision();
        let calls: Vec<_> =
            (0..HANGS_MAX).map(|_| supervision.start_call(Instant::now() + LIMIT).unwrap()).collect();
        tokio::time::advance(LIMIT).await;
        drop(calls);
        assert_eq!(
            supervision.health(),
            PluginHealth { running: 0, hangs: HANGS_MAX, deaths: 0, quarantined: true }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waited_past_its_deadline_does_not_start() {
        assert_eq!(supervision().start_call(Instant::now()).err(), Some(CallError::TimedOut));
    }
}
