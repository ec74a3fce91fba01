//! From a config to an engine: each port gets its adapter here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_engine::{Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
use locum_store::tenant_file::{self, References, TenantFile};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantProblem, TenantSet};

use crate::audit_log::AuditLog;
use crate::config::Config;
use crate::exit::Ended;

/// An engine, and what a reload needs.
pub(crate) struct Wired {
    pub(crate) engine: Arc<Engine>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) plugins: Arc<PluginSet>,
    /// What works in the tenant files and should be changed, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Tenants that were read and prepared.
pub(crate) struct LoadedTenants {
    pub(crate) set: TenantSet,
    /// What works in the tenant files and should be changed, a sentence each.
    pub(crate) warnings: Vec<String>,
}

/// Loads plugins and tenants and connects them to an engine.
pub(crate) fn wire(config: &Config) -> Result<Wired, Ended> {
    let plugins = Arc::new(load_plugins(config)?);
    let LoadedTenants { set, warnings } = load_tenants(&config.tenants, &plugins)?;
    let directory = Arc::new(MemoryDirectory::new(set));
    let engine = Arc::new(Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        directory.clone(),
        Arc::new(MemoryBuckets::default()),
        Arc::new(AuditLog),
    )));
    Ok(Wired { engine, directory, plugins, warnings })
}

fn load_plugins(config: &Config) -> Result<PluginSet, Ended> {
    let upstreams = HttpUpstreams::new().map_err(Ended::machine)?;
    let mut options = LoadOptions::new(Arc::new(upstreams));
    if let Some(deadline) = config.limits.issue_deadline() {
        options.deadline = deadline;
    }
    PluginSet::load_directory(&config.plugins_dir, options).map_err(Ended::plugin)
}

/// Reads tenant files and prepares their tenants: all of them, or none if a file cannot be used.
pub(crate) fn load_tenants(paths: &[PathBuf], plugins: &PluginSet) -> Result<LoadedTenants, Ended> {
    let files = paths.iter().map(|path| load_tenant(path)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings = Vec::new();
    let mut tenants = Vec::with_capacity(files.len());
    for TenantFile { data, warnings: of_file } in files {
        warnings.extend(of_file.iter().map(|warning| format!("{}: {warning}", data.tenant.domain)));
        tenants.push(data);
    }
    let set = TenantSet::prepare(tenants, plugins).map_err(Ended::file)?;
    Ok(LoadedTenants { set, warnings })
}

/// Reads one tenant file, with the process's environment behind `${env:NAME}`.
pub(crate) fn load_tenant(path: &Path) -> Result<TenantFile, Ended> {
    let environment = |name: &str| std::env::var(name).ok();
    let base = path.parent().unwrap_or(Path::new("."));
    tenant_file::load(path, &References::new(&environment, base)).map_err(Ended::file)
}

/// A line for each add-on that cannot work.
pub(crate) fn problem_lines(problems: &[TenantProblem]) -> Vec<String> {
    let line = |TenantProblem { domain, problem }: &TenantProblem| {
        let pointer = problem.failure.pointer.as_deref().unwrap_or_default();
        format!("{domain}: client {}: {}{pointer}: {}", problem.client_id, problem.api_type, problem.failure)
    };
    problems.iter().map(line).collect()
}
