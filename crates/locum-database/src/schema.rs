//! The tables, as changes that are applied in order and never edited. SQLite's `user_version` counts those that were, and in
//! PostgreSQL the table `locum_schema`.

mod changes;

use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use crate::server::Server;
use changes::CHANGES;

/// The tables that have rows of tenants, each with the first version that has it.
pub(crate) const TABLES: [(&str, i64); 5] =
    [("tenants", 3), ("clients", 3), ("users", 3), ("refresh_tokens", 1), ("used_assertions", 2)];

/// The latest version.
pub(crate) const LATEST: i64 = CHANGES.len() as i64;

const POSTGRES_VERSION: &str = "
    CREATE TABLE IF NOT EXISTS locum_schema (
        single_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (single_row),
        version BIGINT NOT NULL
    );
    INSERT INTO locum_schema (version) VALUES (0) ON CONFLICT DO NOTHING;
";

/// Brings the schema to the latest version, in one transaction. Returns the version that it then has: nothing is changed if that
/// is later than [`LATEST`].
pub(crate) async fn migrate(server: Server, connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    let found = version(server, connection).await?;
    if found >= LATEST {
        return Ok(found);
    }
    let mut transaction = connection.begin_with(server.begin()).await?;
    server.lift_limits(&mut transaction).await?;
    if server == Server::Postgres {
        server.lock(&mut transaction, "schema").await?;
        sqlx::raw_sql(POSTGRES_VERSION).execute(&mut *transaction).await?;
    }
    // Again: another process may have changed it before this one had the lock.
    let found = version(server, &mut transaction).await?;
    let applied = usize::try_from(found).unwrap_or(0);
    for (change, version) in CHANGES.iter().zip(1_i64..).skip(applied) {
        sqlx::raw_sql(server.choose(change.sqlite, change.postgres)).execute(&mut *transaction).await?;
        let noted = server.choose("PRAGMA user_version =", "UPDATE locum_schema SET version =");
        sqlx::raw_sql(AssertSqlSafe(format!("{noted} {version}"))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(found.max(LATEST))
}

/// The version of the schema; 0 if there are no tables yet.
pub(crate) async fn version(server: Server, connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    if server == Server::Postgres {
        let exists = sqlx::query_scalar("SELECT to_regclass('locum_schema') IS NOT NULL");
        if !exists.fetch_one(&mut *connection).await? {
            return Ok(0);
        }
    }
    let version = server.choose("PRAGMA user_version", "SELECT version FROM locum_schema");
    sqlx::query_scalar(version).fetch_one(connection).await
}
