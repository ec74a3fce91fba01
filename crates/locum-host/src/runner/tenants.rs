//! A process for each tenant of a plugin, for operators who want that a plugin cannot mix what it is given for different
//! tenants. It starts with the tenant's first issuer and ends with its last.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::calling::backend::{Backend, CreateError, IssuerLabel, ReadyIssuer};
use crate::calling::health::PluginHealth;
use crate::loading::load_error::LoadFault;
use crate::pauses::{PauseScope, PluginPause};
use crate::protections::Protections;
use crate::runner::backend::{Runner, RunnerBackend};
use crate::runner::keeper::Plan;
use crate::runner::shared::Counters;

/// A plugin with a runner for each tenant.
pub(crate) struct TenantRunners {
    plugin: String,
    plan: Arc<Plan>,
    counters: Arc<Counters>,
    protections: Option<Protections>,
    by_tenant: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The runner of a tenant, which the tenant's issuers keep. It is locked while the runner starts, which delays nobody but that
/// tenant.
type Slot = Mutex<Weak<Runner>>;

impl TenantRunners {
    /// Starts a runner to find out whether the plugin can be loaded, and ends it.
    ///
    /// # Errors
    /// The runner cannot be started, or the plugin cannot be mapped in it.
    pub(crate) fn start(plugin: &str, plan: Plan) -> Result<Self, LoadFault> {
        let plan = Arc::new(plan);
        let first = RunnerBackend::start(plugin, Arc::clone(&plan))?;
        Ok(Self {
            plugin: plugin.to_owned(),
            plan,
            counters: Arc::default(),
            protections: first.protections(),
            by_tenant: Mutex::default(),
        })
    }

    /// The runner of a tenant, which is started if there is none.
    fn of_tenant(&self, tenant: &str) -> Result<RunnerBackend, LoadFault> {
        let slot = slot_of(&mut self.lock(), tenant);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runner) = slot.upgrade() {
            return Ok(RunnerBackend::of(runner));
        }
        let (plan, counters) = (Arc::clone(&self.plan), Arc::clone(&self.counters));
        let started = RunnerBackend::start_for_tenant(&self.plugin, tenant, plan, counters)?;
        *slot = Arc::downgrade(started.runner());
        Ok(started)
    }

    /// The runners that there are now.
    fn each(&self) -> Vec<RunnerBackend> {
        self.lock().values().filter_map(|slot| runner_in(slot)).map(RunnerBackend::of).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Slot>>> {
        self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of a tenant. Those that have no runner and that nobody holds to start one are removed.
fn slot_of(by_tenant: &mut HashMap<String, Arc<Slot>>, tenant: &str) -> Arc<Slot> {
    by_tenant.retain(|_, slot| Arc::strong_count(slot) > 1 || runner_in(slot).is_some());
    Arc::clone(by_tenant.entry(tenant.to_owned()).or_default())
}

/// The runner of a slot, unless it starts just now or there is none.
fn runner_in(slot: &Slot) -> Option<Arc<Runner>> {
    slot.try_lock().ok()?.upgrade()
}

impl Backend for TenantRunners {
    fn create(
        &self,
        configuration: Zeroizing<Vec<u8>>,
        deadline: Duration,
        label: IssuerLabel,
    ) -> Result<Arc<dyn ReadyIssuer>, CreateError> {
        let runner = self.of_tenant(&label.tenant).map_err(|fault| CreateError::Died(fault.cause))?;
        runner.create(configuration, deadline, label)
    }

    fn health(&self) -> PluginHealth {
        let none = PluginHealth {
            running: 0,
            hangs: self.counters.calls_that_hung.load(Ordering::Relaxed),
            processes: 0,
            deaths: self.counters.deaths.load(Ordering::Relaxed),
            last_start: self.counters.last_start(),
            quarantined: false,
        };
        self.each().iter().map(Backend::health).fold(none, |all, one| PluginHealth {
            running: all.running + one.running,
            processes: all.processes + one.processes,
            quarantined: all.quarantined || one.quarantined,
            ..all
        })
    }

    fn pauses(&self) -> Vec<PluginPause> {
        self.each().iter().flat_map(Backend::pauses).collect()
    }

    fn resume(&self, scope: &PauseScope) -> usize {
        self.each().iter().map(|runner| runner.resume(scope)).sum()
    }

    fn protections(&self) -> Option<Protections> {
        self.protections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_without_a_runner_stays_only_while_somebody_holds_it() {
        let mut slots = HashMap::new();
        let starting = slot_of(&mut slots, "a");
        drop(slot_of(&mut slots, "b"));
        assert!(Arc::ptr_eq(&starting, &slot_of(&mut slots, "a")));
        assert_eq!(slots.keys().collect::<Vec<_>>(), ["a"]);
    }
}
