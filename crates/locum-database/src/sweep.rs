//! Deletes what has ended, in batches.

use sqlx::AssertSqlSafe;

use crate::database::{Database, within};
use crate::directory::changes;
use crate::error::DatabaseError;
use crate::limits::SWEEP_MAX;

/// How long a family is kept after it ended without use, in seconds: whoever shows a token of it is told that it has expired.
const KEPT_AFTER_IDLE_SECONDS: i64 = 30 * 86_400;

/// How long a replaced token is kept after it has ended without use, in seconds. Until its end, whoever shows it ends its family; after
/// it, the token is refused as any that has expired, whatever its family does. To a node whose clock is behind it has not ended yet.
const KEPT_AFTER_REPLACED_SECONDS: i64 = 86_400;

/// How long a used assertion is kept after it has expired, in seconds: to a node whose clock is behind it is still valid.
const KEPT_AFTER_EXPIRY_SECONDS: i64 = 300;

/// Most rows that one statement deletes: in SQLite, writers wait for it.
const SWEPT_AT_ONCE: i64 = 500;

/// Selects the refresh tokens whose family has ended by `$2`, or by `$3` without use, and those that were replaced and have ended by
/// `$4`.
const ENDED_REFRESH_TOKENS: &str = "
    SELECT tenant, hash FROM refresh_tokens AS ended
    WHERE ended.expires_at <= $2 OR (
        ended.idle_expires_at <= $3 AND NOT EXISTS (
            SELECT 1 FROM refresh_tokens AS other
            WHERE other.tenant = ended.tenant AND other.family = ended.family
              AND (other.idle_expires_at IS NULL OR other.idle_expires_at > $3)
        )
    ) OR (ended.idle_expires_at <= $4 AND ended.rotated_at IS NOT NULL) LIMIT $1";

/// Selects the assertions that have expired by `$2`.
const EXPIRED_ASSERTIONS: &str = "
    SELECT tenant, client_id, jti FROM used_assertions WHERE expires_at <= $2 LIMIT $1";

/// Selects the changes of the directory that every server has read by `$2`. The last one stays: it tells how far they are counted.
const OLD_CHANGES: &str = "
    SELECT sequence FROM changes WHERE changed_at <= $2 AND sequence < (SELECT max(sequence) FROM changes) LIMIT $1";

impl Database {
    /// Deletes the refresh tokens of families that have ended, and the used assertions that have expired a while ago, by `now`,
    /// in unix seconds. Returns how many; none while another node does.
    ///
    /// # Errors
    /// The database is unavailable. What was deleted before stays deleted.
    pub async fn sweep(&self, now: i64) -> Result<u64, DatabaseError> {
        let unused_since = now.saturating_sub(KEPT_AFTER_IDLE_SECONDS);
        let delete = "DELETE FROM refresh_tokens WHERE (tenant, hash) IN";
        let replaced_before = now.saturating_sub(KEPT_AFTER_REPLACED_SECONDS);
        let tokens =
            self.sweep_by(delete, ENDED_REFRESH_TOKENS, &[now, unused_since, replaced_before]).await?;
        let expired_before = now.saturating_sub(KEPT_AFTER_EXPIRY_SECONDS);
        let delete = "DELETE FROM used_assertions WHERE (tenant, client_id, jti) IN";
        let assertions = self.sweep_by(delete, EXPIRED_ASSERTIONS, &[expired_before]).await?;
        let delete = "DELETE FROM changes WHERE sequence IN";
        self.sweep_by(delete, OLD_CHANGES, &[now.saturating_sub(changes::KEPT_SECONDS)]).await?;
        Ok(tokens + assertions)
    }

    /// Deletes what a statement selects, until it selects less than a batch.
    async fn sweep_by(&self, delete: &str, select: &str, parameters: &[i64]) -> Result<u64, DatabaseError> {
        // Rows that a request has locked are left for the next time: waiting for them, while the request waits for a row of this
        // batch, would be a deadlock.
        let lock = self.server().choose("", "FOR UPDATE SKIP LOCKED");
        let statement = format!("{delete} ({select} {lock})");
        let mut swept = 0;
        loop {
            let deleted = within(self.name(), SWEEP_MAX, self.sweep_batch(&statement, parameters)).await?;
            swept += deleted;
            if deleted < SWEPT_AT_ONCE.unsigned_abs() {
                return Ok(swept);
            }
        }
    }

    async fn sweep_batch(&self, statement: &str, parameters: &[i64]) -> Result<u64, sqlx::Error> {
        let mut transaction = self.begin().await?;
        self.server().lift_limits(&mut transaction).await?;
        if !self.server().try_lock(&mut transaction, "sweep").await? {
            return Ok(0);
        }
        let mut batch = sqlx::query(AssertSqlSafe(statement.to_owned())).bind(SWEPT_AT_ONCE);
        for parameter in parameters {
            batch = batch.bind(*parameter);
        }
        let deleted = batch.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(deleted)
    }
}
