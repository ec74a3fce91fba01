//! The tenants that are served: from tenant files, or from the database.

use std::future::Future;
use std::sync::Arc;

use locum_database::Database;
use locum_database::directory::DatabaseDirectory;
use locum_engine::ports::{Directory, Issuers};
use locum_host::PluginSet;
use locum_store::documents::FileTenants;
use locum_store::{MemoryDirectory, TenantSet};

use crate::config::{Config, DirectoryConfig};
use crate::exit::CommandError;
use crate::master_keys;
use crate::tenants::PreparedTenants;

/// The tenants that are served.
#[derive(Clone)]
pub(crate) enum ServedTenants {
    /// All of them are in memory, and a reload replaces them together.
    Files(Arc<TenantsInFiles>),
    /// They are read when they are asked for.
    Database(Arc<DatabaseDirectory>),
}

/// The tenants of tenant files.
pub(crate) struct TenantsInFiles {
    directory: Arc<MemoryDirectory>,
    /// As the files have those with a Management API.
    pub(crate) documents: Arc<FileTenants>,
}

impl TenantsInFiles {
    pub(crate) fn new(prepared: PreparedTenants) -> Self {
        Self {
            directory: Arc::new(MemoryDirectory::new(prepared.set)),
            documents: Arc::new(FileTenants::new(prepared.managed)),
        }
    }

    /// What is served now.
    pub(crate) fn current(&self) -> Arc<TenantSet> {
        self.directory.current()
    }

    /// Serves these from now on.
    pub(crate) fn replace(&self, prepared: PreparedTenants) {
        self.directory.replace(prepared.set);
        self.documents.replace(prepared.managed);
    }
}

impl ServedTenants {
    /// The port of the engine.
    pub(crate) fn port(&self) -> Arc<dyn Directory> {
        match self {
            Self::Files(tenants) => tenants.directory.clone(),
            Self::Database(directory) => directory.clone(),
        }
    }

    /// Whether there is a tenant with this domain.
    pub(crate) fn serves(&self, domain: &str) -> bool {
        match self {
            Self::Files(tenants) => tenants.current().tenants().any(|tenant| tenant.domain() == domain),
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
