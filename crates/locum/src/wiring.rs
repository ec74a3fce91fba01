//! From a config to an engine: each port gets its adapter here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_engine::{AddOnProblem, Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
use locum_store::tenant_file::{self, References, TenantFile};
use locum_store::{FileDirectory, MemoryBuckets, SystemClock, SystemEntropy, TenantSet};

use crate::audit_log::AuditLog;
use crate::config::Config;
use crate::exit::CommandError;

/// An engine, and the directory that a reload swaps.
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) directory: Arc<FileDirectory>,
    pub(crate) plugins: Arc<PluginSet>,
}

/// Loads plugins and tenants and puts them together. No issuer is ready yet.
pub(crate) fn assemble(config: &Config) -> Result<Service, CommandError> {
    let plugins = Arc::new(load_plugins(config)?);
    let directory = Arc::new(FileDirectory::new(load_tenants(&config.tenants)?));
    let engine = Arc::new(Engine::new(Ports {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        directory: directory.clone(),
        buckets: Arc::new(MemoryBuckets::default()),
        audit: Arc::new(AuditLog),
        issuers: plugins.clone(),
    }));
    Ok(Service { engine, directory, plugins })
}

fn load_plugins(config: &Config) -> Result<PluginSet, CommandError> {
    let upstreams = HttpUpstreams::new().map_err(CommandError::system)?;
    let mut options = LoadOptions::new(Arc::new(upstreams));
    if let Some(deadline) = config.limits.issue_deadline() {
        options.deadline = deadline;
    }
    PluginSet::load_directory(&config.plugins_dir, options).map_err(CommandError::plugin)
}

/// Reads tenant files; all of them or none.
pub(crate) fn load_tenants(paths: &[PathBuf]) -> Result<TenantSet, CommandError> {
    let files = paths.iter().map(|path| load_tenant(path)).collect::<Result<Vec<_>, _>>()?;
    TenantSet::new(files).map_err(CommandError::input_file)
}

/// Reads one tenant file, with the process's environment behind `${env:NAME}`.
pub(crate) fn load_tenant(path: &Path) -> Result<TenantFile, CommandError> {
    let environment = |name: &str| std::env::var(name).ok();
    let base = path.parent().unwrap_or(Path::new("."));
    tenant_file::load(path, &References::new(&environment, base)).map_err(CommandError::input_file)
}

/// Makes every issuer of a set ready; says what cannot be, a line for each.
pub(crate) fn prepare(engine: &Engine, set: &TenantSet) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for tenant in set.tenants() {
        lines.extend(engine.prepare(tenant).iter().map(|problem| line(&tenant.domain, problem)));
    }
    lines.sort();
    lines
}

fn line(domain: &str, problem: &AddOnProblem) -> String {
    let AddOnProblem { client_id, api_type, failure } = problem;
    let pointer = failure.pointer.as_deref().unwrap_or_default();
    format!("{domain}: client {client_id}: {api_type}{pointer}: {failure}")
}
