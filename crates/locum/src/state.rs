//! The database of the server: where it is, who needs it, and how it is kept small.

use std::path::Path;
use std::time::Duration;

use locum_database::Database;
use locum_engine::model::ClientAuthentication;
use locum_engine::ports::Clock;
use locum_store::{SystemClock, TenantData};

use crate::config::Config;
use crate::exit::CommandError;

/// How often what has ended is deleted.
const SWEEP_PERIOD: Duration = Duration::from_secs(600);

/// Opens the database of the config, if it names one.
pub(crate) async fn open(config: &Config) -> Result<Option<Database>, CommandError> {
    match &config.state {
        Some(path) => Ok(Some(open_file(path).await?)),
        None => Ok(None),
    }
}

pub(crate) async fn open_file(path: &Path) -> Result<Database, CommandError> {
    Database::open(path).await.map_err(CommandError::input_file)
}

/// A warning for each tenant with clients that may have refresh tokens or authenticate by assertions, if there is no place for
/// either.
pub(crate) fn warnings(config: &Config, tenants: &[TenantData]) -> Vec<String> {
    if config.state.is_some() {
        return Vec::new();
    }
    let file = config.file.display();
    let mut warnings = Vec::new();
    for TenantData { tenant, clients, .. } in tenants {
        if clients.iter().any(|client| client.refresh_tokens.is_some()) {
            warnings.push(format!(
                "{file}: clients of {} may have refresh tokens, and there is no place for them; add `state = \"state.db\"`",
                tenant.domain
            ));
        }
        if clients.iter().any(|client| matches!(client.authentication, ClientAuthentication::PrivateKey(_))) {
            warnings.push(format!(
                "{file}: clients of {} authenticate by private_key_jwt, and there is no place to remember what was used; add \
                 `state = \"state.db\"`",
                tenant.domain
            ));
        }
    }
    warnings
}

/// Deletes what has ended, until the server stops.
pub(crate) async fn sweep(state: Database) {
    let mut period = tokio::time::interval(SWEEP_PERIOD);
    loop {
        period.tick().await;
        let now = i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX);
        match state.sweep(now).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!(deleted, "deleted refresh tokens and assertions that have ended"),
            Err(error) => {
                tracing::warn!("refresh tokens and assertions that have ended were not deleted: {error}")
            }
        }
    }
}
