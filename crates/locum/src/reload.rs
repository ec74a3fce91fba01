//! Reloads: each SIGHUP reads the tenant files again, or the master keys and the tenants of the database. Whatever happens to one
//! reload, a later one is possible.

use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_database::directory::DatabaseDirectory;
use locum_host::PluginSet;
use locum_store::TenantSet;
use locum_store::audit::{AuditLog, Lifecycle};
use tokio::signal::unix::Signal;

use crate::config::Config;
use crate::master_keys;
use crate::permissions::{self, refuse_or_warn};
use crate::served_tenants::{ServedTenants, TenantsInFiles};
use crate::tenants::{self, PreparedTenants};
use crate::wiring::Service;

/// Replaces all tenants at once on each SIGHUP. None is replaced if one of the files has an error, or if an add-on that
/// works now would not work any more. A SIGHUP during a reload starts the next one.
/// The audit file is opened again first, so that the outcome is in the new one.
pub(crate) async fn reload_on_hangup(
    mut hangup: Signal,
    config: Arc<Config>,
    service: Arc<Service>,
    audit: Arc<AuditLog>,
) {
    while hangup.recv().await.is_some() {
        audit.reopen();
        reload(Arc::clone(&config), Arc::clone(&service), &audit).await;
    }
}

/// One reload. It logs its start, and its end with duration and outcome once that is recorded: whoever reads the line may stop
/// the server.
async fn reload(config: Arc<Config>, service: Arc<Service>, audit: &AuditLog) {
    let _changing = service.changing.lock().await;
    tracing::info!("reload started");
    let start = Instant::now();
    let reloaded = match &service.tenants {
        ServedTenants::Files(tenants) => reload_files(config, &service, tenants).await,
        ServedTenants::Database(directory) => reload_database(config, directory).await,
    };
    let duration_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    match reloaded {
        Ok(tenants) => {
            service.last_reload.succeeded();
            audit.record_lifecycle(&Lifecycle::Reload { tenants });
            tracing::info!(tenants, duration_ms, "reloaded");
        }
        Err(problems) => {
            service.last_reload.failed();
            audit.record_lifecycle(&Lifecycle::ReloadRefused { reason: &problems });
            tracing::error!(%problems, duration_ms, "not reloaded; the tenants in use stay");
        }
    }
}

/// Reads the tenant files, and replaces all tenants. Returns how many there are.
async fn reload_files(
    config: Arc<Config>,
    service: &Arc<Service>,
    tenants: &TenantsInFiles,
) -> Result<usize, String> {
    let deadline = config.limits.reload_deadline();
    let (service, current) = (Arc::clone(service), tenants.current());
    let read = move || read(&config, &current, &service.plugins.load_full());
    let prepared = within(deadline, read).await?;
    prepared.log_findings();
    let count = prepared.set.tenants().count();
    tenants.replace(prepared);
    Ok(count)
}

/// Reads the master keys and the tenants of the database. Returns how many can be used.
async fn reload_database(config: Arc<Config>, directory: &DatabaseDirectory) -> Result<usize, String> {
    let keys = within(config.limits.reload_deadline(), {
        let config = Arc::clone(&config);
        move || master_keys::read(&config).map_err(|error| error.to_string())
    });
    let found = permissions::of_files(config.master_keys_file.as_slice());
    refuse_or_warn(&config, &found)?;
    directory.replace_keys(Arc::new(keys.await?)).await.map_err(|error| error.to_string())?;
    Ok(directory.status().tenants)
}

/// Does the work on a thread of its own, because it would block a worker thread. At the deadline the thread is
/// abandoned: it may hang in a plugin or a file system. What it still returns is dropped.
pub(crate) async fn within<T: Send + 'static>(
    deadline: Duration,
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    match tokio::time::timeout(deadline, tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(panic)) => Err(panic.to_string()),
        Err(_) => Err(format!(
            "abandoned after {} ms (limits.reload_deadline_ms); find out what hangs, then try again",
            deadline.as_millis()
        )),
    }
}

/// Reads the tenants and configures their add-ons with these plugins.
///
/// # Errors
/// A file has an error, or an add-on that works now would not work any more.
pub(crate) fn read(
    config: &Config,
    current: &TenantSet,
    plugins: &PluginSet,
) -> Result<PreparedTenants, String> {
    let prepared = tenants::read(config).prepare(plugins).map_err(|error| error.to_string())?;
    refuse_or_warn(config, &permissions::of_files(&prepared.files))?;
    let newly_broken = prepared.newly_broken(current);
    if newly_broken.is_empty() { Ok(prepared) } else { Err(newly_broken.join("; ")) }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn work_that_hangs_is_abandoned_and_later_work_is_done() {
        let (release, hangs) = channel::<()>();
        let abandoned = within(Duration::from_millis(1), move || {
            hangs.recv().unwrap_err();
            Ok("too late")
        });
        assert!(abandoned.await.unwrap_err().starts_with("abandoned after 1 ms"));
        assert_eq!(within(Duration::from_secs(60), || Ok("done")).await, Ok("done"));
        drop(release);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_later_work_is_done() {
        let panicked: Result<(), String> =
            within(Duration::from_secs(60), || std::panic::panic_any("on purpose")).await;
        assert!(panicked.is_err());
        assert_eq!(within(Duration::from_secs(60), || Ok("done")).await, Ok("done"));
    }
}
