//! Upgrades a plugin: everything is prepared beside what serves, then files, plugins and tenants are replaced.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use locum_database::directory::DatabaseDirectory;
use locum_engine::ports::Issuers;
use locum_host::{PluginSet, PluginUpgrade, Sha256, UpgradedPlugins};
use locum_store::audit::Lifecycle;
use locum_store::{TenantProblem, TenantSet};

use crate::audit_log;
use crate::config::Config;
use crate::control::controlled_server::ControlledServer;
use crate::control::protocol::Upgraded;
use crate::permissions::{self, refuse_or_warn};
use crate::reload::{read, within};
use crate::served_tenants::{ServedTenants, TenantsInFiles, wait};
use crate::tenants::PreparedTenants;
use crate::wiring::Service;

/// One upgrade, never beside another or a reload. If anything fails, what served before serves on.
pub(super) async fn upgrade(
    server: &Arc<ControlledServer>,
    plugin: &str,
    staged: PathBuf,
    sha256: Sha256,
) -> Result<Upgraded, String> {
    let _changing = server.service.changing.lock().await;
    tracing::info!(plugin, "upgrade started");
    let start = Instant::now();
    let outcome = upgrade_alone(server, plugin, staged, sha256).await;
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    match &outcome {
        Ok(Upgraded { previous_version, version, warning }) => {
            tracing::info!(plugin, previous_version, version, duration_ms, "upgraded");
            if let Some(warning) = warning {
                tracing::warn!(plugin, "{warning}");
            }
        }
        Err(reason) => {
            tracing::error!(plugin, %reason, duration_ms, "not upgraded; the plugin in use stays");
            server.audit.record_lifecycle(&Lifecycle::UpgradeRefused { plugin, reason });
        }
    }
    outcome
}

async fn upgrade_alone(
    server: &Arc<ControlledServer>,
    plugin: &str,
    staged: PathBuf,
    sha256: Sha256,
) -> Result<Upgraded, String> {
    let ControlledServer { config, service, audit } = &**server;
    let previous = service.plugins.load_full();
    let (upgrade, tenants) = {
        let (config, service, plugin) = (Arc::clone(config), Arc::clone(service), plugin.to_owned());
        let prepare = move || prepare(&config, &service, &plugin, staged, sha256);
        within(server.config.limits.reload_deadline(), prepare).await?
    };
    // Without a deadline: nobody could tell what an abandoned replacement has done.
    let committed = tokio::task::spawn_blocking(move || upgrade.commit()).await;
    let committed = committed.map_err(|panic| panic.to_string())?;
    let UpgradedPlugins { plugins, warning } = committed.map_err(|error| error.to_string())?;
    let version = |plugins: &PluginSet| {
        let found = plugins.plugins().find(|loaded| loaded.manifest().name == plugin);
        found.map(audit_log::loaded)
    };
    let (before, after) = (version(&previous), version(&plugins));
    let plugins = Arc::new(plugins);
    service.plugins.store(Arc::clone(&plugins));
    tenants.serve(plugins);
    service.last_reload.succeeded();
    let (Some(before), Some(after)) = (before, after) else { return Err("the plugin is gone".to_owned()) };
    audit.record_lifecycle(&Lifecycle::Upgrade { plugin: &after, previous_version: &before.version });
    Ok(Upgraded { previous_version: before.version, version: after.version, warning })
}

/// Tenants whose add-ons work with the plugins as they would be.
enum UpgradedTenants {
    /// All are prepared.
    Files(Arc<TenantsInFiles>, Box<PreparedTenants>),
    /// Each is prepared when it is asked for.
    Database(Arc<DatabaseDirectory>),
}

impl UpgradedTenants {
    /// Serves them with these plugins from now on.
    fn serve(self, plugins: Arc<PluginSet>) {
        match self {
            Self::Files(tenants, prepared) => {
                prepared.log_findings();
                tenants.replace(*prepared);
            }
            Self::Database(directory) => directory.replace_issuers(plugins),
        }
    }
}

/// Loads the staged file, and configures every add-on of every tenant with the plugins as they would be.
fn prepare(
    config: &Config,
    service: &Service,
    plugin: &str,
    staged: PathBuf,
    sha256: Sha256,
) -> Result<(PluginUpgrade, UpgradedTenants), String> {
    let plugins = service.plugins.load_full();
    refuse_or_warn(config, &permissions::of_files(std::slice::from_ref(&staged)))?;
    let upgrade = plugins.upgrade(plugin, &staged, sha256).map_err(|error| error.to_string())?;
    let tenants = match &service.tenants {
        ServedTenants::Files(tenants) => {
            let current = tenants.current();
            check_served(&plugins, upgrade.plugins(), &current)?;
            let prepared = read(config, &current, upgrade.plugins())?;
            UpgradedTenants::Files(Arc::clone(tenants), Box::new(prepared))
        }
        ServedTenants::Database(directory) => {
            let issuers: Arc<dyn Issuers> = Arc::new(upgrade.plugins().clone());
            let broken = wait(directory.newly_broken(&issuers)).map_err(|error| error.to_string())?;
            if !broken.is_empty() {
                return Err(broken.iter().map(named).collect::<Vec<_>>().join("; "));
            }
            UpgradedTenants::Database(Arc::clone(directory))
        }
    };
    Ok((upgrade, tenants))
}

fn named(TenantProblem { domain, problem }: &TenantProblem) -> String {
    format!("{domain}: client {}: {}: {}", problem.client_id, problem.api_type, problem.failure)
}

/// Refuses plugins that do not serve an api_type any more that a tenant uses.
fn check_served(plugins: &PluginSet, upgraded: &PluginSet, tenants: &TenantSet) -> Result<(), String> {
    let serves =
        |api_type: &str| upgraded.plugins().any(|plugin| plugin.manifest().issuer(api_type).is_some());
    let served = plugins.plugins().flat_map(|plugin| &plugin.manifest().issuers);
    for issuer in served.filter(|issuer| !serves(&issuer.api_type)) {
        if let Some((domain, client)) = tenants.user_of(&issuer.api_type) {
            return Err(format!(
                "the new file does not serve the api_type `{}` any more, which {domain} uses for {client}; remove \
                 it there and reload, then upgrade",
                issuer.api_type
            ));
        }
    }
    Ok(())
}
