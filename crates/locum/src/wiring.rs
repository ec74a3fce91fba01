//! Assembles the engine from the config: chooses the adapter of each port.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_engine::ports::AuditSink;
use locum_engine::prepared::AddOnProblem;
use locum_engine::{Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
use locum_store::tenant_file::{self, References, TenantFile};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantProblem, TenantSet};

use crate::config::Config;
use crate::exit::CommandError;

/// The engine, with those of its adapters that commands need: a reload replaces the directory's tenants.
pub(crate) struct Service {
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

/// Loads plugins and tenants and connects them to an engine, which records its audit events there.
pub(crate) fn assemble(config: &Config, audit: Arc<dyn AuditSink>) -> Result<Service, CommandError> {
    let plugins = Arc::new(load_plugins(config)?);
    let LoadedTenants { set, warnings } = load_tenants(&config.tenants, &plugins)?;
    let directory = Arc::new(MemoryDirectory::new(set));
    let engine = Arc::new(Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        directory.clone(),
        Arc::new(MemoryBuckets::default()),
        audit,
    )));
    Ok(Service { engine, directory, plugins, warnings })
}

fn load_plugins(config: &Config) -> Result<PluginSet, CommandError> {
    let upstreams = HttpUpstreams::new().map_err(CommandError::system)?;
    let mut options = LoadOptions::new(Arc::new(upstreams));
    if let Some(deadline) = config.limits.issue_deadline() {
        options.deadline = deadline;
    }
    PluginSet::load_directory(&config.plugins_dir, options).map_err(CommandError::plugin)
}

/// Reads tenant files and prepares their tenants: all of them, or none if a file cannot be used.
pub(crate) fn load_tenants(paths: &[PathBuf], plugins: &PluginSet) -> Result<LoadedTenants, CommandError> {
    let files = paths.iter().map(|path| load_tenant(path)).collect::<Result<Vec<_>, _>>()?;
    let mut warnings = Vec::new();
    let mut tenants = Vec::with_capacity(files.len());
    for TenantFile { data, warnings: of_file } in files {
        warnings.extend(of_file.iter().map(|warning| format!("{}: {warning}", data.tenant.domain)));
        tenants.push(data);
    }
    let set = TenantSet::prepare(tenants, plugins).map_err(CommandError::input_file)?;
    Ok(LoadedTenants { set, warnings })
}

/// Reads one tenant file; `${env:NAME}` is a variable of this process's environment.
pub(crate) fn load_tenant(path: &Path) -> Result<TenantFile, CommandError> {
    let environment = |name: &str| std::env::var(name).ok();
    let base = path.parent().unwrap_or(Path::new("."));
    tenant_file::load(path, &References::new(&environment, base)).map_err(CommandError::input_file)
}

/// One line for each add-on that does not work.
pub(crate) fn problem_lines(problems: &[TenantProblem]) -> Vec<String> {
    problems.iter().map(line).collect()
}

/// Names the problem by the tenant file's own fields.
fn line(TenantProblem { domain, problem }: &TenantProblem) -> String {
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
