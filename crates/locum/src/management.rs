//! The Management API: beside the other endpoints, or on a listener of its own.

use std::future::pending;
use std::sync::Arc;

use locum_engine::ports::Issuers;
use locum_engine::prepared::RemoteIssuer;
use locum_host::{Plugin, PluginPause};
use locum_management::{
    IssuerKeysView, ManagedTenants, Management, PauseView, PluginView, Router, ServerView, router,
};
use locum_server::{Limits, ServerOptions, serve};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::exit::CommandError;
use crate::served_tenants::ServedTenants;
use crate::wiring::Service;

/// Most connections of its own listener.
const CONNECTIONS_MAX: usize = 256;

/// Adds the Management API of the tenants to the router, or serves it where `management_listen` says, until the process ends.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn add_to(
    endpoints: Router,
    config: &Config,
    service: &Arc<Service>,
) -> Result<Router, CommandError> {
    let management = router(Management {
        engine: Arc::clone(&service.engine),
        tenants: match &service.tenants {
            ServedTenants::Files(tenants) => ManagedTenants::Files(Arc::clone(&tenants.documents)),
            ServedTenants::Database(directory) => ManagedTenants::Database(Arc::clone(directory)),
        },
        server: Arc::new(ManagedServer(Arc::clone(service))),
        refresh_tokens: service.state.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
    });
    let Some(listen) = &config.management_listen else { return Ok(endpoints.merge(management)) };
    let listen = listen.as_str();
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        CommandError::system(format!(
            "cannot listen on {listen}: {error}; choose another address for management_listen"
        ))
    })?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!("the Management API is served on http://{address}/api/v2/");
    }
    let limits = Limits { connections_max: CONNECTIONS_MAX, ..config.limits.server() };
    let options =
        ServerOptions { limits, trusted_proxies: config.trusted_proxies.clone(), ..ServerOptions::default() };
    tokio::spawn(async move { serve(listener, management, pending(), &options).await });
    Ok(endpoints)
}

/// What the Management API shows of a server.
struct ManagedServer(Arc<Service>);

impl ServerView for ManagedServer {
    fn issuers(&self) -> Arc<dyn Issuers> {
        self.0.plugins.load_full()
    }

    fn plugins(&self, tenant: &str) -> Vec<PluginView> {
        let plugins = self.0.plugins.load_full();
        let mut pauses = plugins.pauses();
        // Whom else something is paused for is not told.
        pauses.retain(|pause| pause.scope.tenant.as_deref().is_none_or(|paused| paused == tenant));
        plugins.plugins().map(|plugin| shown(plugin, &pauses)).collect()
    }

    fn issuer_keys(&self, issuer: &RemoteIssuer) -> Option<IssuerKeysView> {
        let status = self.0.issuer_keys.status_of(issuer)?;
        Some(IssuerKeysView { age: status.age, failure: status.failure })
    }
}

fn shown(plugin: &Plugin, pauses: &[PluginPause]) -> PluginView {
    let manifest = plugin.manifest();
    let of_it = pauses.iter().filter(|pause| pause.scope.plugin == manifest.name);
    PluginView {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        sha256: plugin.sha256().to_string(),
        api_types: manifest.issuers.iter().map(|issuer| issuer.api_type.clone()).collect(),
        isolation: plugin.isolation().as_str().to_owned(),
        is_available: !plugin.health().quarantined,
        pauses: of_it
            .map(|pause| PauseView { api_type: pause.scope.api_type.clone(), remaining: pause.remaining })
            .collect(),
    }
}
