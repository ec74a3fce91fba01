//! The tenants that are served: from tenant files, or from the database.

use std::future::Future;
use std::sync::Arc;

use locum_database::Database;
use locum_database::directory::DatabaseDirectory;
use locum_engine::ports::{Directory, Issuers};
use locum_host::PluginSet;
use locum_store::MemoryDirectory;

use crate::config::{Config, DirectoryConfig};
use crate::exit::CommandError;
use crate::master_keys;

/// The tenants that are served.
#[derive(Clone)]
pub(crate) enum ServedTenants {
    /// All of them are in memory, and a reload replaces them together.
    Files(Arc<MemoryDirectory>),
    /// They are read when they are asked for.
    Database(Arc<DatabaseDirectory>),
}

impl ServedTenants {
    /// The port of the engine.
    pub(crate) fn port(&self) -> Arc<dyn Directory> {
        match self {
            Self::Files(directory) => directory.clone(),
            Self::Database(directory) => directory.clone(),
        }
    }

    /// Whether there is a tenant with this domain.
    pub(crate) fn serves(&self, domain: &str) -> bool {
        match self {
            Self::Files(directory) => directory.current().tenants().any(|tenant| tenant.domain() == domain),
            Self::Database(directory) => directory.served(domain).is_some(),
        }
    }
}

/// Checks what the config says of the place of the tenants.
///
/// # Errors
/// A key is there that has no meaning, or one is missing.
pub(crate) fn check(config: &Config) -> Result<(), CommandError> {
    let refused = |why: &str| Err(CommandError::input_file(format!("{}: {why}", config.file.display())));
    let has_database = config.state.is_some() || config.postgres.is_some() || config.postgres_file.is_some();
    match config.directory {
        DirectoryConfig::Database if !config.tenants.is_empty() => refused(
            "tenants: with `directory = \"database\"` the tenants are in the database; remove the files here, after \
             `locum state import`",
        ),
        DirectoryConfig::Database if !has_database => {
            refused("directory: `database` needs a database; add `postgres_file`, or `state` for one machine")
        }
        DirectoryConfig::Database if config.master_keys_file.is_none() => refused(
            "master_keys_file: the secrets of tenants in the database are sealed; name the file with the keys, which \
             `locum state init` makes",
        ),
        DirectoryConfig::Files if config.management_listen.is_some() => refused(
            "management_listen: tenants in files are changed there, and the Management API is for those in a database; remove \
             it, or set `directory = \"database\"`",
        ),
        DirectoryConfig::Files if config.tenants.is_empty() => {
            refused("tenants: name at least one tenant file, or set `directory = \"database\"`")
        }
        DirectoryConfig::Database | DirectoryConfig::Files => Ok(()),
    }
}

/// The tenants of this database. It is followed until the server stops.
///
/// # Errors
/// The master keys cannot be read, the database cannot be reached, or no tenant in it can be used.
pub(crate) fn of_database(
    config: &Config,
    database: Database,
    plugins: &Arc<PluginSet>,
) -> Result<Arc<DatabaseDirectory>, CommandError> {
    let keys = Arc::new(master_keys::read(config)?);
    let issuers: Arc<dyn Issuers> = plugins.clone();
    let directory = wait(DatabaseDirectory::open(database, keys, issuers, config.limits.directory()));
    let directory = Arc::new(directory.map_err(CommandError::system)?);
    let status = directory.status();
    if status.tenants == 0 && !status.unusable_tenants.is_empty() {
        return Err(CommandError::input_file(format!(
            "no tenant in the database can be used: {}; the log says why",
            status.unusable_tenants.join(", ")
        )));
    }
    if status.tenants == 0 {
        tracing::warn!("there is no tenant in the database; import one by `locum state import`");
    }
    let followed = Arc::clone(&directory);
    tokio::spawn(async move { followed.follow().await });
    Ok(directory)
}

/// Waits on a thread that may block, such as the one of a start.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(future)
}
