//! The listener for whoever watches the server: metrics, and what the server waits for.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use locum_host::{Isolation, ProcessScope};
use locum_server::{Limits, Monitoring, ServerOptions, WaitingFor, monitoring_router, serve};
use locum_store::audit::AuditLog;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::exit::CommandError;
use crate::metrics::{Metrics, Sources};
use crate::served_tenants::ServedTenants;
use crate::wiring::Service;

/// Most connections of the listener. Scrapes come one after another.
const CONNECTIONS_MAX: usize = 64;

/// A server that is watched.
pub(crate) struct MonitoredServer {
    metrics: Metrics,
    phase: Mutex<Phase>,
}

/// Where the server is between its start and its stop.
#[derive(Clone)]
enum Phase {
    LoadsPlugins,
    PreparesTenants,
    Serves { service: Arc<Service>, audit: Arc<AuditLog> },
    Stops,
}

impl MonitoredServer {
    /// Listens, if the config says so. It is answered until the process ends.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub(crate) async fn listen(config: &Config) -> Result<Option<Arc<Self>>, CommandError> {
        let Some(listen) = &config.metrics_listen else { return Ok(None) };
        let listen = listen.as_str();
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            CommandError::system(format!(
                "cannot listen on {listen}: {error}; choose another address for metrics_listen"
            ))
        })?;
        if let Some(warning) = config.metrics_for_everybody() {
            tracing::warn!("{warning}");
        }
        if let Ok(address) = listener.local_addr() {
            tracing::info!("metrics are served on http://{address}/metrics");
        }
        let server = Arc::new(Self { metrics: Metrics::new(), phase: Mutex::new(Phase::LoadsPlugins) });
        tokio::spawn(answer(listener, Arc::clone(&server)));
        Ok(Some(server))
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn plugins_are_loaded(&self) {
        self.enter(Phase::PreparesTenants);
    }

    /// From now on values of the running service are read as well.
    pub(crate) fn serves(&self, service: Arc<Service>, audit: Arc<AuditLog>) {
        self.metrics.read_from(sources(&service, &audit));
        self.enter(Phase::Serves { service, audit });
    }

    pub(crate) fn stops(&self) {
        self.enter(Phase::Stops);
    }

    fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    fn waiting_for(&self) -> Vec<WaitingFor> {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tenants = || waiting_for("tenants", "they are read and their add-ons configured");
        match phase {
            Phase::LoadsPlugins => vec![waiting_for("plugins", "they are loaded"), tenants()],
            Phase::PreparesTenants => vec![tenants()],
            Phase::Serves { service, audit } => of_service(&service, &audit),
            Phase::Stops => vec![waiting_for("stop", "the server stops; requests in flight are finished")],
        }
    }
}

async fn answer(listener: TcpListener, server: Arc<MonitoredServer>) {
    let measured = Arc::clone(&server);
    let monitoring = Monitoring {
        metrics: Arc::new(move |format| measured.metrics.text(format)),
        waiting_for: Arc::new(move || server.waiting_for()),
    };
    let limits = Limits {
        connections_max: CONNECTIONS_MAX,
        connections_per_address_max: CONNECTIONS_MAX,
        ..Limits::default()
    };
    let options = ServerOptions { limits, ..ServerOptions::default() };
    let _never = serve(listener, monitoring_router(monitoring), pending(), &options).await;
}

/// What a server that serves lacks.
fn of_service(service: &Service, audit: &AuditLog) -> Vec<WaitingFor> {
    let mut lacking = Vec::new();
    if !audit.is_writable() {
        lacking.push(waiting_for("audit", "events cannot be written; the log says why"));
    }
    for plugin in service.plugins.load().plugins() {
        let health = plugin.health();
        let has_one_process =
            plugin.isolation() == Isolation::Runner && plugin.process_scope() == ProcessScope::Plugin;
        if let Some(reason) = why_not_callable(health.quarantined, has_one_process, health.processes) {
            lacking.push(waiting_for(&format!("plugin {}", plugin.manifest().name), reason));
        }
    }
    lacking
}

/// A process for each tenant begins with the tenant's first add-on: that there is none means nothing.
fn why_not_callable(quarantined: bool, has_one_process: bool, processes: usize) -> Option<&'static str> {
    if quarantined {
        Some("its process does not start; the log says why")
    } else if has_one_process && processes == 0 {
        Some("its process has ended and is started anew")
    } else {
        None
    }
}

fn waiting_for(name: &str, reason: &str) -> WaitingFor {
    WaitingFor { name: name.to_owned(), reason: reason.to_owned() }
}

/// Where metrics are read that nobody counts for them.
fn sources(service: &Arc<Service>, audit: &Arc<AuditLog>) -> Sources {
    let [of_buckets, of_shared_buckets, of_signatures, of_plugins, of_keys, of_tenants, of_reload] =
        [(); 7].map(|()| Arc::clone(service));
    let audit = Arc::clone(audit);
    Sources {
        buckets: Box::new(move || of_buckets.buckets.len()),
        buckets_unavailable: Box::new(move || {
            of_shared_buckets.shared_buckets.as_ref().map(|shared| shared.failures())
        }),
        signing_queue: Box::new(move || of_signatures.plugins.load().signatures_waiting()),
        audit_dropped: Box::new(move || audit.dropped()),
        plugin_restarts: Box::new(move || {
            let plugins = of_plugins.plugins.load();
            let restarts = plugins
                .plugins()
                .map(|plugin| (plugin.manifest().name.clone(), plugin.health().deaths.into()));
            restarts.collect()
        }),
        issuer_keys: Box::new(move || {
            // Tenants may fetch the keys of one issuer from different places.
            let mut oldest = BTreeMap::new();
            for issuer in of_keys.issuer_keys.status() {
                let Some(age) = issuer.age else { continue };
                let known = oldest.entry(issuer.issuer).or_insert(0);
                *known = age.as_secs().max(*known);
            }
            oldest.into_iter().collect()
        }),
        directory: Box::new(move || match &of_tenants.tenants {
            ServedTenants::Database(directory) => Some(directory.status()),
            ServedTenants::Files(_) => None,
        }),
        reload: Box::new(move || of_reload.last_reload.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(server: &MonitoredServer) -> Vec<String> {
        server.waiting_for().into_iter().map(|waiting_for| waiting_for.name).collect()
    }

    #[test]
    fn the_start_waits_for_plugins_and_then_for_tenants_and_the_stop_for_its_end() {
        let server = MonitoredServer { metrics: Metrics::new(), phase: Mutex::new(Phase::LoadsPlugins) };
        assert_eq!(names(&server), ["plugins", "tenants"]);
        server.plugins_are_loaded();
        assert_eq!(names(&server), ["tenants"]);
        server.stops();
        assert_eq!(names(&server), ["stop"]);
    }

    #[test]
    fn a_plugin_is_waited_for_while_its_only_process_is_gone() {
        assert_eq!(why_not_callable(false, true, 1), None);
        assert!(why_not_callable(false, true, 0).unwrap().contains("started anew"));
        assert!(why_not_callable(true, true, 0).unwrap().contains("does not start"));
        // In the server's process, and with a process for each tenant.
        assert_eq!(why_not_callable(false, false, 0), None);
        assert!(why_not_callable(true, false, 3).is_some());
    }
}
