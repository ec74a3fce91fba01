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
    /// The issuers of a tenant keep its runner.
    by_tenant: Mutex<HashMap<String, Weak<Runner>>>,
}

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
        let mut by_tenant = self.lock();
        if let Some(runner) = by_tenant.get(tenant).and_then(Weak::upgrade) {
            return Ok(RunnerBackend::of(runner));
        }
        by_tenant.retain(|_, runner| runner.strong_count() > 0);
        let (plan, counters) = (Arc::clone(&self.plan), Arc::clone(&self.counters));
        let started = RunnerBackend::start_for_tenant(&self.plugin, tenant, plan, counters)?;
        by_tenant.insert(tenant.to_owned(), Arc::downgrade(started.runner()));
        Ok(started)
    }

    /// The runners that there are now.
    fn each(&self) -> Vec<RunnerBackend> {
        self.lock().values().filter_map(Weak::upgrade).map(RunnerBackend::of).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Runner>>> {
        self.by_tenant.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
