//! The database in a file.

use std::path::{Path, PathBuf};

use locum_engine::ports::{PortReply, StoreReply, StoreUnavailable};
use sqlx::SqlitePool;

use crate::error::StateError;
use crate::open::{create_new, open};

/// How long a family is kept after it ended without use, in seconds: an old token that is shown again is then still recognised
/// as one that was replaced.
const KEPT_AFTER_IDLE_SECONDS: i64 = 30 * 86_400;

/// Most rows that one statement deletes: writers wait for it.
const SWEPT_AT_ONCE: i64 = 500;

const ENDED_REFRESH_TOKENS: &str = "
    DELETE FROM refresh_tokens WHERE (tenant, hash) IN (
        SELECT tenant, hash FROM refresh_tokens AS ended
        WHERE ended.expires_at <= ?1 OR (
            ended.idle_expires_at <= ?2 AND NOT EXISTS (
                SELECT 1 FROM refresh_tokens AS other
                WHERE other.tenant = ended.tenant AND other.family = ended.family
                  AND (other.idle_expires_at IS NULL OR other.idle_expires_at > ?2)
            )
        ) LIMIT ?3
    )";

const EXPIRED_ASSERTIONS: &str = "
    DELETE FROM used_assertions WHERE (tenant, client_id, jti) IN (
        SELECT tenant, client_id, jti FROM used_assertions WHERE expires_at <= ?1 LIMIT ?3
    )";

/// What a server keeps in an SQLite file. Several processes of one machine can use a file at the same time.
#[derive(Debug, Clone)]
pub struct SqliteState {
    pub(crate) pool: SqlitePool,
    path: PathBuf,
}

impl SqliteState {
    /// Opens this file. If there is none, it is created, for its owner alone. The tables are brought to the latest version.
    ///
    /// # Errors
    /// The file cannot be created, is no database, is locked, or was written by a later version.
    pub async fn open(path: &Path) -> Result<Self, StateError> {
        Ok(Self { pool: open(path).await?, path: path.to_owned() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a copy that is consistent, while the database is in use (SQLite's `VACUUM INTO`).
    ///
    /// # Errors
    /// The file exists already or cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<(), StateError> {
        create_new(path).map_err(|cause| StateError::File { path: path.to_owned(), cause })?;
        let name = path.to_str().map(str::to_owned).unwrap_or_else(|| path.to_string_lossy().into_owned());
        let copied = sqlx::query("VACUUM INTO ?").bind(name).execute(&self.pool).await;
        if copied.is_err() {
            // What is there is no copy.
            let _ = std::fs::remove_file(path);
        }
        copied.map(drop).map_err(|cause| self.error(cause))
    }

    /// Deletes the refresh tokens of families that have ended, and the used assertions that have expired, by `now`, in unix
    /// seconds. Returns how many.
    ///
    /// # Errors
    /// The database is unavailable. What was deleted before stays deleted.
    pub async fn sweep(&self, now: i64) -> Result<u64, StateError> {
        let tokens = self.sweep_by(ENDED_REFRESH_TOKENS, now).await?;
        let assertions = self.sweep_by(EXPIRED_ASSERTIONS, now).await?;
        Ok(tokens + assertions)
    }

    /// Repeats a statement until it deletes less than a batch. Its parameters are the time, the time since which families that
    /// ended without use are kept, and the size of a batch.
    async fn sweep_by(&self, delete: &'static str, now: i64) -> Result<u64, StateError> {
        let mut swept = 0;
        loop {
            let deleted = sqlx::query(delete)
                .bind(now)
                .bind(now.saturating_sub(KEPT_AFTER_IDLE_SECONDS))
                .bind(SWEPT_AT_ONCE)
                .execute(&self.pool)
                .await
                .map_err(|cause| self.error(cause))?
                .rows_affected();
            swept += deleted;
            if deleted < SWEPT_AT_ONCE.unsigned_abs() {
                return Ok(swept);
            }
        }
    }

    /// The reply of a port whose call runs on the database.
    pub(crate) fn reply<'a, T: Send + 'a>(
        &'a self,
        call: impl Future<Output = Result<T, sqlx::Error>> + Send + 'a,
    ) -> StoreReply<'a, T> {
        PortReply::Later(Box::pin(async move {
            call.await.map_err(|why| StoreUnavailable(format!("{}: {why}", self.path().display())))
        }))
    }

    fn error(&self, cause: sqlx::Error) -> StateError {
        StateError::Database { path: self.path.clone(), cause }
    }
}
