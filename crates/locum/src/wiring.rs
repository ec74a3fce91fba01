//! Assembles the engine from the config: chooses the adapter of each port.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use locum_database::Database;
use locum_engine::ports::AuditSink;
use locum_engine::{Engine, Ports};
use locum_host::runner::RunnerCommand;
use locum_host::{HttpUpstreams, LoadError, LoadOptions, Pins, PluginSet, Upstreams, plugin_files};
use locum_keys::FetchedKeys;
use locum_redis::RedisBuckets;
use locum_store::{MemoryBuckets, SystemClock, SystemEntropy};

use crate::config::Config;
use crate::exit::CommandError;
use crate::last_reload::LastReloadRecord;
use crate::metrics::Metrics;
use crate::served_tenants::ServedTenants;
use crate::shared_buckets::SharedBuckets;

/// The engine, with those of its adapters that are replaced while it serves: a reload replaces the directory's tenants, an
/// upgrade the plugins too. Requests reach plugins through the tenants only.
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) tenants: ServedTenants,
    /// What keeps refresh tokens, if anything does.
    pub(crate) state: Option<Database>,
    pub(crate) plugins: ArcSwap<PluginSet>,
    /// Held by a reload and by an upgrade from its beginning to its end: each configures add-ons with what it found.
    pub(crate) changing: tokio::sync::Mutex<()>,
    pub(crate) buckets: Arc<MemoryBuckets>,
    /// Those in Redis, if servers share them.
    pub(crate) shared_buckets: Option<Arc<SharedBuckets>>,
    pub(crate) issuer_keys: Arc<FetchedKeys>,
    pub(crate) last_reload: LastReloadRecord,
}

/// Connects plugins and tenants to an engine, which records its audit events there, keeps refresh tokens and used assertions in this
/// database, counts requests in this Redis, and is measured by these metrics.
///
/// # Errors
/// The client that fetches issuers' keys cannot be set up.
pub(crate) fn assemble(
    plugins: Arc<PluginSet>,
    tenants: ServedTenants,
    audit: Arc<dyn AuditSink>,
    state: Option<Database>,
    redis: Option<RedisBuckets>,
    metrics: Option<&Metrics>,
) -> Result<Service, CommandError> {
    let buckets = Arc::<MemoryBuckets>::default();
    let issuer_keys = Arc::new(FetchedKeys::new().map_err(CommandError::system)?);
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let mut ports = Ports::new(clock, entropy, tenants.port(), buckets.clone(), audit);
    let shared_buckets = redis.map(|redis| Arc::new(SharedBuckets::new(redis, Arc::clone(&buckets))));
    if let Some(shared) = &shared_buckets {
        ports.buckets = shared.clone();
    }
    ports.observer = metrics.map(Metrics::observer);
    ports.issuer_keys = issuer_keys.clone();
    if let Some(state) = &state {
        let state = Arc::new(state.clone());
        ports.refresh_tokens = state.clone();
        ports.used_assertions = state;
    }
    Ok(Service {
        engine: Arc::new(Engine::new(ports)),
        buckets,
        shared_buckets,
        issuer_keys,
        last_reload: LastReloadRecord::of_start(),
        tenants,
        state,
        plugins: ArcSwap::from(plugins),
        changing: tokio::sync::Mutex::default(),
    })
}

/// Loads all plugins, or says for each that cannot be loaded why, one line for each.
pub(crate) fn load_plugins(
    config: &Config,
    upstreams: Arc<dyn Upstreams>,
    metrics: Option<&Metrics>,
) -> Result<PluginSet, PluginLoadError> {
    let mut options = LoadOptions::new(upstreams);
    options.observers = metrics.map(Metrics::call_observers);
    options.runner = Some(RunnerCommand::SelfExe);
    options.strict_sandbox = config.strict_sandbox;
    if let Some(deadline) = config.limits.issue_deadline() {
        options.deadline = deadline;
    }
    PluginSet::load_directory(&config.plugins_dir, options.clone()).map_err(|first| {
        let errors = each_alone(config, &options).filter(|errors| !errors.is_empty());
        let errors = errors.unwrap_or_else(|| vec![first]);
        PluginLoadError(errors.iter().map(one_line).collect())
    })
}

/// What sends the upstream calls of plugins.
pub(crate) fn upstreams() -> Result<Arc<HttpUpstreams>, CommandError> {
    HttpUpstreams::new().map(Arc::new).map_err(CommandError::system)
}

/// Why plugins were not loaded: a line for each file that cannot be.
pub(crate) struct PluginLoadError(pub(crate) Vec<String>);

impl From<PluginLoadError> for CommandError {
    fn from(PluginLoadError(lines): PluginLoadError) -> Self {
        Self::plugin(lines.join("\n"))
    }
}

/// The errors of all files. Loading them together ends at the first. A file that was loaded already is not mapped again.
fn each_alone(config: &Config, options: &LoadOptions) -> Option<Vec<LoadError>> {
    let pins = Pins::from_lock(&Pins::lock_path(&config.plugins_dir)).ok()?;
    let files: Vec<PathBuf> = plugin_files(&config.plugins_dir).ok()?;
    let load = |file: PathBuf| PluginSet::load([file], &pins, options.clone()).err();
    Some(files.into_iter().filter_map(load).collect())
}

fn one_line(error: &LoadError) -> String {
    error.to_string().lines().collect::<Vec<_>>().join("; ")
}
