//! A database on either server: connections, transactions, time limits.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::{PortReply, StoreReply, StoreUnavailable};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions, Connection, Transaction};
use tokio::time::timeout;

use crate::error::DatabaseError;
use crate::limits::{
    CALL_MAX, MIGRATION_MAX, POSTGRES_CONNECTIONS_MAX, SQLITE_CONNECTIONS_MAX, START_MAX, WAIT_MAX,
};
use crate::postgres::PostgresUrl;
use crate::server::Server;
use crate::{schema, sqlite};

/// Whether [`Database::connect`] may change the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaChanges {
    /// Brings the tables to the latest version. Of nodes that do this at one moment, one does it and the others wait.
    Apply,
    /// Refuses a database whose tables are not of the latest version.
    Refuse,
}

/// What the servers of a service keep: in an SQLite file, for processes of one machine, or in PostgreSQL, for several machines.
/// Clones share their connections.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    server: Server,
    /// For messages: the file, or the URL without its password.
    name: Arc<str>,
}

impl Database {
    /// Opens this SQLite file. If there is none, it is created, for its owner alone. The tables are brought to the latest
    /// version.
    ///
    /// # Errors
    /// The file cannot be created, is no database, is locked, or was written by a later version.
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        let options = sqlite::create_if_missing(path)?.parse();
        let pool = AnyPoolOptions::new()
            .max_connections(SQLITE_CONNECTIONS_MAX)
            .after_connect(|connection, _| Box::pin(async { sqlite::configure(connection).await }));
        let name = path.display().to_string();
        Self::start(Server::Sqlite, &name, options, pool, SchemaChanges::Apply).await
    }

    /// Connects to PostgreSQL.
    ///
    /// # Errors
    /// The server cannot be reached, or the tables are not of the version that this program needs.
    pub async fn connect(url: &PostgresUrl, changes: SchemaChanges) -> Result<Self, DatabaseError> {
        let pool = AnyPoolOptions::new().max_connections(POSTGRES_CONNECTIONS_MAX);
        Self::start(Server::Postgres, url.name(), url.options(), pool, changes).await
    }

    async fn start(
        server: Server,
        name: &str,
        options: Result<AnyConnectOptions, sqlx::Error>,
        pool: AnyPoolOptions,
        changes: SchemaChanges,
    ) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        // What fails is in the audit log.
        let options = options.map_err(|cause| failed(name, cause))?.disable_statement_logging();
        // Beside the pool, which hides why a connection fails.
        let mut connection = within(name, START_MAX, async {
            let mut connection = options.connect().await?;
            if server == Server::Sqlite {
                sqlite::configure(&mut connection).await?;
                sqlite::prepare(&mut connection).await?;
            }
            Ok(connection)
        })
        .await?;
        let found = within(name, MIGRATION_MAX, async {
            let found = match changes {
                SchemaChanges::Apply => schema::migrate(server, &mut connection).await?,
                SchemaChanges::Refuse => schema::version(server, &mut connection).await?,
            };
            connection.close().await?;
            Ok(found)
        })
        .await?;
        let database = name.to_owned();
        if found > schema::LATEST {
            return Err(DatabaseError::SchemaTooNew { database, found, known: schema::LATEST });
        }
        if found < schema::LATEST {
            return Err(DatabaseError::SchemaTooOld { database, found, needed: schema::LATEST });
        }
        let pool = pool
            .acquire_timeout(WAIT_MAX)
            // A connection whose server does not answer would otherwise wait for it, and take the place of another. Nor is one of
            // use whose rollback has failed: SQLite rolls back by itself on a full disk, and the connection never begins again.
            .after_release(|connection, _| {
                Box::pin(async {
                    let pinged = timeout(WAIT_MAX, connection.ping()).await;
                    Ok(pinged.is_ok_and(|pinged| pinged.is_ok()) && !connection.is_in_transaction())
                })
            })
            .connect_lazy_with(options);
        Ok(Self { pool, server, name: name.into() })
    }

    /// The file, or the URL without its password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a copy of an SQLite file that is consistent, while it is in use (`VACUUM INTO`).
    ///
    /// # Errors
    /// The copy exists already or cannot be written, or the database is in PostgreSQL.
    pub async fn copy_to(&self, path: &Path) -> Result<(), DatabaseError> {
        match self.server {
            Server::Postgres => Err(DatabaseError::NotAFile { database: self.name.to_string() }),
            Server::Sqlite => sqlite::copy(&self.pool, path, &|cause| self.failed(cause)).await,
        }
    }

    /// The server, for statements that differ.
    pub(crate) fn server(&self) -> Server {
        self.server
    }

    /// The connections, for single statements.
    pub(crate) fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// The URL for connections beside the pool; `None` for SQLite. It may hold a password.
    pub(crate) fn url_of_postgres(&self) -> Option<String> {
        (self.server == Server::Postgres).then(|| self.pool.connect_options().database_url.to_string())
    }

    /// Begins a transaction ([`Server::begin`]). It is rolled back unless it is committed.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool.begin_with(self.server.begin()).await
    }

    /// Begins a transaction that reads ([`Server::begin_snapshot`]).
    pub(crate) async fn begin_snapshot(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        self.pool.begin_with(self.server.begin_snapshot()).await
    }

    /// Runs a call on the database, within the time limit.
    pub(crate) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, DatabaseError> {
        within(&self.name, CALL_MAX, call).await
    }

    /// The reply of a port whose call runs on the database.
    pub(crate) fn reply<'a, T: Send + 'a>(
        &'a self,
        call: impl Future<Output = Result<T, sqlx::Error>> + Send + 'a,
    ) -> StoreReply<'a, T> {
        PortReply::Later(Box::pin(async move {
            self.call(call).await.map_err(|why| StoreUnavailable(why.to_string()))
        }))
    }

    pub(crate) fn failed(&self, cause: sqlx::Error) -> DatabaseError {
        failed(&self.name, cause)
    }
}

/// Runs a call on the database of this name, within a time limit.
pub(crate) async fn within<T>(
    name: &str,
    limit: Duration,
    call: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DatabaseError> {
    match timeout(limit, call).await {
        Ok(outcome) => outcome.map_err(|cause| failed(name, cause)),
        Err(_) => Err(DatabaseError::TimedOut { database: name.to_owned(), limit_ms: limit.as_millis() }),
    }
}

/// The error of a database of this name.
pub(crate) fn failed(name: &str, cause: sqlx::Error) -> DatabaseError {
    DatabaseError::Failed { database: name.to_owned(), cause }
}
