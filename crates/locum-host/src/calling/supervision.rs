//! Counts the calls that run and those that hang; a plugin that hangs is put in quarantine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::calling::backend::CallLost;
use crate::calling::workers::Workers;
use crate::limits::HANGS_MAX;

/// How a plugin is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Calls that are running, the hung ones among them.
    pub running: usize,
    /// Calls that did not come back by their deadline, since the plugin was loaded.
    pub hangs: u32,
    /// Whether it is not called: as long as a call hangs, and for good after
    /// [`HANGS_MAX`] hangs.
    pub quarantined: bool,
}

/// Watches over the calls of one plugin.
pub(crate) struct Supervision {
    plugin: String,
    calls: Mutex<Calls>,
    workers: Arc<Workers>,
}

#[derive(Default)]
struct Calls {
    running: Vec<Running>,
    hangs: u32,
    begun: u64,
}

struct Running {
    number: u64,
    deadline: Instant,
    /// Whether it has been counted as a hang.
    hangs: bool,
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

    pub(crate) fn health(&self) -> Health {
        let mut calls = self.calls();
        let quarantined = calls.quarantine(&self.plugin);
        Health { running: calls.running.len(), hangs: calls.hangs, quarantined }
    }

    /// A call begins; it runs until the guard is dropped.
    pub(crate) fn begin(self: &Arc<Self>, deadline: Instant) -> Result<RunningGuard, CallLost> {
        if Instant::now() >= deadline {
            return Err(CallLost::Hung);
        }
        let mut calls = self.calls();
        if calls.quarantine(&self.plugin) {
            return Err(CallLost::Quarantined);
        }
        calls.begun += 1;
        let number = calls.begun;
        calls.running.push(Running { number, deadline, hangs: false });
        drop(calls);
        self.workers.begin();
        Ok(RunningGuard { supervision: Arc::clone(self), number })
    }

    fn end(&self, number: u64) {
        let mut calls = self.calls();
        calls.count_hangs(&self.plugin);
        calls.running.retain(|call| call.number != number);
        drop(calls);
        self.workers.end();
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    /// Whether the plugin may not be called now.
    fn quarantine(&mut self, plugin: &str) -> bool {
        self.count_hangs(plugin) || self.hangs >= HANGS_MAX
    }

    /// Counts the calls past their deadline, each once; says whether there are any.
    fn count_hangs(&mut self, plugin: &str) -> bool {
        if self.running.is_empty() {
            return false;
        }
        let now = Instant::now();
        let mut hanging = false;
        for call in self.running.iter_mut().filter(|call| call.deadline <= now) {
            hanging = true;
            if !call.hangs {
                call.hangs = true;
                self.hangs += 1;
                tracing::error!(plugin, hangs = self.hangs, "a call did not come back by its deadline");
                if self.hangs == HANGS_MAX {
                    tracing::error!(plugin, "the plugin is in quarantine until it is loaded again");
                }
            }
        }
        hanging
    }
}

/// A call that runs.
pub(crate) struct RunningGuard {
    supervision: Arc<Supervision>,
    number: u64,
}

impl Drop for RunningGuard {
    fn drop(&mut self) {
        self.supervision.end(self.number);
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
    async fn a_plugin_is_in_quarantine_while_a_call_hangs() {
        let supervision = supervision();
        let call = supervision.begin(Instant::now() + LIMIT).unwrap();
        assert!(!supervision.is_quarantined());
        tokio::time::advance(LIMIT).await;
        assert_eq!(supervision.health(), Health { running: 1, hangs: 1, quarantined: true });
        assert_eq!(supervision.begin(Instant::now() + LIMIT).err(), Some(CallLost::Quarantined));
        drop(call);
        assert_eq!(supervision.health(), Health { running: 0, hangs: 1, quarantined: false });
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_in_time_is_no_hang() {
        let supervision = supervision();
        let call = supervision.begin(Instant::now() + LIMIT).unwrap();
        tokio::time::advance(LIMIT - Duration::from_millis(1)).await;
        drop(call);
        assert_eq!(supervision.health(), Health { running: 0, hangs: 0, quarantined: false });
    }

    #[tokio::test(start_paused = true)]
    async fn the_third_hang_is_for_good_also_if_nobody_looked_meanwhile() {
        let supervision = supervision();
        let calls: Vec<_> =
            (0..HANGS_MAX).map(|_| supervision.begin(Instant::now() + LIMIT).unwrap()).collect();
        tokio::time::advance(LIMIT).await;
        drop(calls);
        assert_eq!(supervision.health(), Health { running: 0, hangs: HANGS_MAX, quarantined: true });
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waited_past_its_deadline_does_not_begin() {
        assert_eq!(supervision().begin(Instant::now()).err(), Some(CallLost::Hung));
    }
}
