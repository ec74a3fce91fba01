//! The tables, as changes that are applied in order and never edited. SQLite's `user_version` counts those that were.

use sqlx::{Connection, SqliteConnection};

/// Each brings a database of the version before it to the next one.
const CHANGES: [&str; 2] = [
    "
    CREATE TABLE refresh_tokens (
        tenant TEXT NOT NULL,
        hash BLOB NOT NULL,
        client_id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        family TEXT NOT NULL,
        scope TEXT NOT NULL,
        act TEXT,
        signed_in_at INTEGER NOT NULL,
        device TEXT,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        idle_expires_at INTEGER,
        rotated_at INTEGER,
        revoked_at INTEGER,
        PRIMARY KEY (tenant, hash)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX refresh_tokens_family ON refresh_tokens (tenant, family);
    CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);
",
    "
    CREATE TABLE used_assertions (
        tenant TEXT NOT NULL,
        client_id TEXT NOT NULL,
        jti TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (tenant, client_id, jti)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX used_assertions_expires_at ON used_assertions (expires_at);
",
];

/// The latest version.
pub(crate) const LATEST: i64 = CHANGES.len() as i64;

/// Brings the schema to the latest version, in one transaction. Returns the version that was found; nothing is changed if that
/// is later than [`LATEST`].
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let found: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *transaction).await?;
    let applied = usize::try_from(found).unwrap_or(0);
    for (change, version) in CHANGES.iter().zip(1_i64..).skip(applied) {
        sqlx::raw_sql(*change).execute(&mut *transaction).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}")))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(found)
}
