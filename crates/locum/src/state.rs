//! The database of the server: where it is, who needs it, and how it is kept small.

use std::path::PathBuf;
use std::time::Duration;

use locum_database::{Continuity, Database, DatabaseError, PostgresUrl, SchemaChanges};
use locum_engine::model::ClientAuthentication;
use locum_engine::ports::Clock;
use locum_store::{SystemClock, TenantData};

use crate::config::Config;
use crate::exit::CommandError;
use crate::server_url;

/// How often what has ended is deleted.
const SWEEP_PERIOD: Duration = Duration::from_secs(600);

/// Where the database of a config is.
pub(crate) enum StatePlace {
    /// An SQLite file.
    File(PathBuf),
    /// A PostgreSQL server. The start changes its tables only if the config allows it.
    Postgres(PostgresUrl, SchemaChanges),
}

/// Where the database is, if the config names one. It is not looked for.
///
/// # Errors
/// The config names two, or a URL that cannot be used. No message shows a password.
pub(crate) fn place(config: &Config) -> Result<Option<StatePlace>, CommandError> {
    let refused = |why| Err(CommandError::input_file(format!("{}: {why}", config.file.display())));
    let url =
        server_url::read(config, "postgres", config.postgres.as_deref(), config.postgres_file.as_deref())?;
    let changes = if config.migrate { SchemaChanges::Apply } else { SchemaChanges::Refuse };
    match (&config.state, url) {
        (Some(_), Some(_)) => refused("state: set `state` or `postgres`, not both"),
        (_, None) if config.migrate => refused(
            "migrate: it is for `postgres`; the file of `state` is brought to the latest version anyway",
        ),
        (None, None) => Ok(None),
        (Some(path), None) => Ok(Some(StatePlace::File(path.clone()))),
        (None, Some(url)) => {
            let parsed = url.url.parse().map_err(|why| url.refused(why))?;
            Ok(Some(StatePlace::Postgres(parsed, changes)))
        }
    }
}

/// Opens the database of the config, if it names one.
pub(crate) async fn open(config: &Config) -> Result<Option<Database>, CommandError> {
    match place(config)? {
        Some(place) => place.open().await.map(Some),
        None => Ok(None),
    }
}

impl StatePlace {
    /// The same, but for whether tables in PostgreSQL are changed.
    pub(crate) fn with_changes(self, changes: SchemaChanges) -> Self {
        match self {
            Self::File(path) => Self::File(path),
            Self::Postgres(url, _) => Self::Postgres(url, changes),
        }
    }

    /// Opens the database. A file is created if there is none.
    pub(crate) async fn open(&self) -> Result<Database, CommandError> {
        match self {
            Self::File(path) => Database::open(path).await.map_err(CommandError::input_file),
            Self::Postgres(url, changes) => {
                Database::connect(url, *changes).await.map_err(|error| match error {
                    // No file is at fault.
                    DatabaseError::Failed { .. } | DatabaseError::TimedOut { .. } => {
                        CommandError::system(error)
                    }
                    other => CommandError::input_file(other),
                })
            }
        }
    }
}

/// A warning for each tenant with clients that may have refresh tokens or authenticate by assertions, if there is no place for
/// either.
pub(crate) fn warnings(config: &Config, tenants: &[TenantData]) -> Vec<String> {
    if config.state.is_some() || config.postgres.is_some() || config.postgres_file.is_some() {
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

/// Warns of a database that is another than before: what was replaced or revoked last may be valid again.
pub(crate) async fn warn_if_restored(state: &Database) {
    match state.continuity().await {
        Ok(Continuity::Unbroken) => {}
        Ok(Continuity::Broken) => tracing::warn!(
            "{}: the server or its timeline is another than before; refresh tokens that were replaced or revoked last may be valid \
             again. Run `locum state restored --revoke-refresh-tokens`, or `--keep` if nothing was lost",
            state.name()
        ),
        Err(error) => {
            tracing::warn!("whether the database is the one that was used before is not known: {error}")
        }
    }
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
