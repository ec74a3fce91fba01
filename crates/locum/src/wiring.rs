//! Assembles the engine from the config: chooses the adapter of each port.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_engine::{AddOnProblem, Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
use locum_store::tenant_file::{self, References, TenantFile};
use locum_store::{FileDirectory, MemoryBuckets, SystemClock, SystemEntropy, TenantSet};

use crate::audit_log::AuditLog;
use crate::config::Config;
use crate::exit::CommandError;

/// The engine, with those of its adapters that commands need: a reload replaces the directory's tenants.
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) directory: Arc<FileDirectory>,
    pub(crate) plugins: Arc<PluginSet>,
}

/// Loads plugins and tenants. The add-ons are not configured yet: see [`prepare`].
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

/// Reads all tenant files, or fails with the first error.
pub(crate) fn load_tenants(paths: &[PathBuf]) -> Result<TenantSet, CommandError> {
    let files = paths.iter().map(|path| load_tenant(path)).collect::<Result<Vec<_>, _>>()?;
    TenantSet::new(files).map_err(CommandError::input_file)
}

/// Reads one tenant file; `${env:NAME}` is a variable of this process's environment.
pub(crate) fn load_tenant(path: &Path) -> Result<TenantFile, CommandError> {
    let environment = |name: &str| std::env::var(name).ok();
    let base = path.parent().unwrap_or(Path::new("."));
    tenant_file::load(path, &References::new(&environment, base)).map_err(CommandError::input_file)
}

/// Configures every add-on of the tenants. Returns one line for each that does not work, sorted.
pub(crate) fn prepare(engine: &Engine, set: &TenantSet) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for tenant in set.tenants() {
        lines.extend(engine.prepare(tenant).iter().map(|problem| line(&tenant.domain, problem)));
    }
    lines.sort();
    lines
}

/// Names the problem by the tenant file's own fields.
fn line(domain: &str, problem: &AddOnProblem) -> String {
    let AddOnProblem { client_id, api_type, failure } = problem;
    let pointer = failure.pointer.as_deref().unwrap_or_default();
    let field = match (api_type.as_str(), pointer) {
        // The app target has no add-on: the tenant file configures it by these fields.
        ("app", "/secret") => "client_secret".to_owned(),
        ("app", pointer) => format!("jwt_configuration{pointer}"),
        (api_type, pointer) => format!("addons/{api_type}{pointer}"),
    };
    format!("tenant {domain}: client {client_id}: {field}: {failure}")
}
