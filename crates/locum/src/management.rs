//! The Management API: beside the other endpoints, or on a listener of its own.

use std::future::pending;
use std::sync::Arc;

use locum_database::Database;
use locum_database::directory::DatabaseDirectory;
use locum_engine::Engine;
use locum_management::{Management, Router, router};
use locum_server::{Limits, ServerOptions, serve};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::exit::CommandError;

/// Most connections of its own listener.
const CONNECTIONS_MAX: usize = 256;

/// Adds the Management API of the tenants in this directory to the router, or serves it where `management_listen` says, until the
/// process ends. `engine` must be one over this directory, which keeps its refresh tokens there, if it does.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn add_to(
    endpoints: Router,
    config: &Config,
    engine: Arc<Engine>,
    directory: Arc<DatabaseDirectory>,
    refresh_tokens: Option<Database>,
) -> Result<Router, CommandError> {
    let trusted_proxies = config.trusted_proxies.clone();
    let management = router(Management { engine, directory, refresh_tokens, trusted_proxies });
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
