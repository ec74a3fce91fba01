//! What a database says of itself.

use sqlx::AssertSqlSafe;

use crate::database::Database;
use crate::error::DatabaseError;
use crate::schema::{self, TABLES};

/// The server of a database, its schema, and how much is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseStatus {
    /// Name and version, such as `PostgreSQL 15.3`.
    pub server: String,
    /// The version of the schema.
    pub schema_version: i64,
    /// Each table with its number of rows.
    pub rows: Vec<(&'static str, i64)>,
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
        let version = self.server().choose(
            "SELECT 'SQLite ' || sqlite_version()",
            "SELECT 'PostgreSQL ' || current_setting('server_version')",
        );
        let server = sqlx::query_scalar(version).fetch_one(&mut *transaction).await?;
        let schema_version = schema::version(self.server(), &mut transaction).await?;
        let mut rows = Vec::new();
        for table in TABLES {
            let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            rows.push((table, sqlx::query_scalar(count).fetch_one(&mut *transaction).await?));
        }
        Ok(DatabaseStatus { server, schema_version, rows })
    }
}
