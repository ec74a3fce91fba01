//! CPU time per request, memory and start with more tenants, clients and plugins.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::exchange::Exchange;
use crate::load::{Arrivals, Load};
use crate::measure::memory::StartRow;
use crate::measure::turns::{self, Sample};
use crate::measure::{Setup, cpu, memory};
use crate::process::{self, Service};
use crate::requests::Requests;
use crate::site::Site;
use crate::statistics::Spread;
use crate::tenant::{self, Tenants};

/// What there is more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Growth {
    Tenants,
    Clients,
    Plugins,
}

/// A server with so many of something.
#[derive(Debug, Serialize)]
pub(crate) struct GrowthRow {
    pub(crate) of: Growth,
    pub(crate) count: usize,
    /// CPU time per request, in µs, with requests to all tenants and clients in turn.
    pub(crate) cpu_us: Spread,
    /// Resident memory once it listens, in bytes.
    pub(crate) resident_bytes: u64,
    /// Until it listens.
    pub(crate) start_seconds: f64,
}

/// The one plugin that the requests need.
const APP_PLUGIN: &str = "liblocum_plugin_app.so";
const EXCHANGE: Exchange = Exchange::Hs256Hs256;
/// Tenants and clients above which no request is sent to each of them.
const SITES_MAX: usize = 20_000;

/// A server of some size.
struct Case {
    count: usize,
    tenants: Tenants,
    plugins: PathBuf,
}

/// The same while it runs.
struct Server {
    count: usize,
    start: StartRow,
    service: Service,
    requests: Requests,
}

pub(super) fn measure(setup: &Setup) -> Result<Vec<GrowthRow>> {
    let counts: &[usize] = if setup.quick { &[1, 20] } else { &[1, 10, 100, 1000] };
    let clients: &[usize] = if setup.quick { &[1, 100] } else { &[1, 100, 10_000, 100_000] };
    let case = |count, tenants, clients| Case {
        count,
        tenants: Tenants { tenants, clients, add_ons: 0 },
        plugins: setup.plugins.clone(),
    };
    let by_tenants = counts.iter().map(|&count| case(count, count, 10)).collect::<Vec<_>>();
    let by_clients = clients.iter().map(|&count| case(count, 1, count)).collect::<Vec<_>>();
    let one = Case { plugins: app_alone(setup)?, ..case(1, 1, 1) };
    let by_plugins = [one, case(plugin_count(setup)?, 1, 1)];
    let mut rows = rows(setup, Growth::Tenants, &by_tenants)?;
    rows.extend(self::rows(setup, Growth::Clients, &by_clients)?);
    rows.extend(self::rows(setup, Growth::Plugins, &by_plugins)?);
    Ok(rows)
}

/// Measures servers of different sizes in turns.
fn rows(setup: &Setup, of: Growth, cases: &[Case]) -> Result<Vec<GrowthRow>> {
    let servers: Vec<Server> = cases.iter().map(|case| serve(setup, case)).collect::<Result<_>>()?;
    let threads = setup.processors.load_threads();
    let mut loads = Vec::new();
    for Server { service, requests, .. } in &servers {
        let mut load = Load::connect(service.address(), requests, cpu::CONNECTIONS, threads)?;
        load.run_for(Arrivals::Closed, setup.warm_up())?;
        loads.push(load);
    }
    let mut cpu_us = vec![Vec::new(); servers.len()];
    for _ in 0..setup.rounds() {
        let services = servers.iter().map(|server| &server.service);
        let round = turns::round(setup, services.zip(&mut loads), || Ok(()))?;
        for (sample, cpu_us) in round.iter().zip(&mut cpu_us) {
            let Sample { outcome, .. } = sample;
            ensure!(outcome.all_succeeded(), "not every request got a credential: {:?}", outcome.statuses);
            cpu_us.push(sample.cpu_us());
        }
    }
    let row = |(server, cpu_us): (&Server, Vec<f64>)| GrowthRow {
        of,
        count: server.count,
        cpu_us: Spread::of(cpu_us),
        resident_bytes: server.start.resident_bytes,
        start_seconds: server.start.seconds,
    };
    Ok(servers.iter().zip(cpu_us).map(row).collect())
}

/// Starts a server on all processors, to see the start, and then on that of a service.
fn serve(setup: &Setup, Case { count, tenants, plugins }: &Case) -> Result<Server> {
    let folder = setup.folder.join("growth").join(count.to_string());
    let config = tenant::write_many(&folder, plugins, tenants)?;
    let mut locum = process::locum(&setup.locum, &config);
    let (start, first) = memory::start_with(setup, tenants, &mut locum)?;
    drop(first);
    let service = setup.processors.start(&mut locum)?;
    let sites: Vec<Site> = tenants.sites().take(SITES_MAX).collect();
    let requests = Requests::across(&sites, sites.len().max(setup.users(EXCHANGE)))?;
    Ok(Server { count: *count, start, service, requests })
}

/// A directory with the plugin for app tokens and no other, under its pin.
fn app_alone(setup: &Setup) -> Result<PathBuf> {
    let plugins = setup.folder.join("one-plugin/plugins");
    fs::create_dir_all(&plugins)?;
    fs::copy(setup.plugins.join(APP_PLUGIN), plugins.join(APP_PLUGIN))?;
    let lock = "plugins.lock";
    let beside = |plugins: &Path| plugins.parent().map(|parent| parent.join(lock));
    let (from, to) = beside(&setup.plugins).zip(beside(&plugins)).context("a directory has a parent")?;
    fs::copy(from, to)?;
    Ok(plugins)
}

fn plugin_count(setup: &Setup) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(&setup.plugins)? {
        count += usize::from(entry?.path().extension().is_some_and(|extension| extension == "so"));
    }
    Ok(count)
}
