//! Which processors the service has, and which the load: none is shared, so that neither takes time from the other.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::process::Service;

/// Threads of the load. One is enough for a service with one processor, two make sure that it never waits for them.
const LOAD_THREADS_MAX: usize = 2;

/// One processor for the service, and others for the load.
#[derive(Clone)]
pub(crate) struct Processors {
    all: CpuSet,
    service: CpuSet,
    load: CpuSet,
    load_threads: usize,
}

impl Processors {
    /// Of those that this process may use, the first is the service's. From now on this process keeps off it.
    pub(crate) fn split() -> Result<Self> {
        let available = sched_getaffinity(None)?;
        let mut numbers = (0..CpuSet::MAX_CPU).filter(|&number| available.is_set(number));
        let first = numbers.next().context("there is no processor")?;
        let (mut service, mut load) = (CpuSet::new(), CpuSet::new());
        service.set(first);
        numbers.for_each(|number| load.set(number));
        ensure!(load.count() > 0, "two processors are needed: one for the service, one for the load");
        sched_setaffinity(None, &load)?;
        let load_threads = usize::try_from(load.count())?.min(LOAD_THREADS_MAX);
        Ok(Self { all: available, service, load, load_threads })
    }

    /// How many threads the load has.
    pub(crate) fn load_threads(&self) -> usize {
        self.load_threads
    }

    /// Starts a service on its processor.
    pub(crate) fn start(&self, command: &mut Command) -> Result<Service> {
        self.on_the_services(|| Service::start(command))
    }

    /// Starts a service on all processors, to see how fast it starts.
    pub(crate) fn start_on_all(&self, command: &mut Command) -> Result<Service> {
        sched_setaffinity(None, &self.all)?;
        let service = Service::start(command);
        sched_setaffinity(None, &self.load)?;
        service
    }

    /// Runs on the processor of the service, which must be idle.
    pub(crate) fn on_the_services<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        sched_setaffinity(None, &self.service)?;
        let outcome = run();
        sched_setaffinity(None, &self.load)?;
        outcome
    }
}
