//! What a database says of itself.

use std::path::Path;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions, Connection};

use crate::database::{Database, failed, within};
use crate::error::DatabaseError;
use crate::limits::{MIGRATION_MAX, START_MAX};
use crate::schema::{self, TABLES};
use crate::server::Server;
use crate::sqlite;

/// The server of a database, its schema, and how much is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseStatus {
    /// Name and version, such as `PostgreSQL 15.3`.
    pub server: String,
    /// The version of the schema; 0 if there are no tables yet.
    pub schema_version: i64,
    /// Each table with its number of rows. Those are missing that the version of the schema has not.
    pub rows: Vec<(&'static str, i64)>,
}

impl DatabaseStatus {
    /// What this SQLite file says of itself. It is left as it is, also if its schema is of an earlier version.
    ///
    /// # Errors
    /// There is no such file, it is no database or is locked, or it was written by a later version.
    pub async fn of_file(path: &Path) -> Result<Self, DatabaseError> {
        sqlx::any::install_default_drivers();
        let name = path.display().to_string();
        let options: Result<AnyConnectOptions, _> = sqlite::url(path)?.parse();
        let options = options.map_err(|cause| failed(&name, cause))?.disable_statement_logging();
        let mut connection = within(&name, START_MAX, options.connect()).await?;
        let version = async {
            sqlite::configure(&mut connection).await?;
            sqlite::forbid_changes(&mut connection).await?;
            schema::version(Server::Sqlite, &mut connection).await
        };
        let found = within(&name, START_MAX, version).await?;
        if found > schema::LATEST {
            return Err(DatabaseError::SchemaTooNew { database: name, found, known: schema::LATEST });
        }
        let status = async {
            let mut transaction = connection.begin().await?;
            let status = read(Server::Sqlite, &mut transaction).await?;
            transaction.rollback().await?;
            connection.close().await?;
            Ok(status)
        };
        within(&name, MIGRATION_MAX, status).await
    }

    /// The version to which the schema has to be brought before this program can use the database; `None` if it has that version.
    pub fn needed_version(&self) -> Option<i64> {
        Some(schema::LATEST).filter(|latest| self.schema_version < *latest)
    }
}

impl Database {
    /// Asks the database for its version and the size of its tables, which takes long if they are large.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn status(&self) -> Result<DatabaseStatus, DatabaseError> {
        self.read_status().await.map_err(|cause| self.failed(cause))
    }

    async fn read_status(&self) -> Result<DatabaseStatus, sqlx::Error> {
        // Not the beginning that a request has: others may write meanwhile.
        let mut transaction = self.pool().begin().await?;
        self.server().lift_limits(&mut transaction).await?;
        read(self.server(), &mut transaction).await
    }
}

async fn read(server: Server, connection: &mut AnyConnection) -> Result<DatabaseStatus, sqlx::Error> {
    let version = server.choose(
        "SELECT 'SQLite ' || sqlite_version()",
        "SELECT 'PostgreSQL ' || current_setting('server_version')",
    );
    let version = sqlx::query_scalar(version).fetch_one(&mut *connection).await?;
    let schema_version = schema::version(server, connection).await?;
    let mut rows = Vec::new();
    for (table, since) in TABLES {
        if schema_version >= since {
            let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            rows.push((table, sqlx::query_scalar(count).fetch_one(&mut *connection).await?));
        }
    }
    Ok(DatabaseStatus { server: version, schema_version, rows })
}
