//! Notices that a database is another than the one that was used before, such as a copy that was restored, and ends what a copy may
//! bring back.

use sqlx::Row;

use crate::database::Database;
use crate::error::DatabaseError;
use crate::server::Server;

/// Whether a database is the one that was used before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Continuity {
    /// It is, or nothing was kept in it before. In SQLite this is not known: a file does not tell.
    Unbroken,
    /// It is on another PostgreSQL server, was restored to an earlier moment, or its standby has taken over. What was committed last
    /// before that may be missing.
    Broken,
}

/// What is done with the refresh tokens of a database that was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoredTokens {
    /// All are revoked: users sign in again. Among them are those that were replaced or revoked after the copy was made.
    Revoke,
    /// They stay, because nothing was lost.
    Keep,
}

impl Database {
    /// Whether this is the database that was used before, by the identifier of the PostgreSQL server and its timeline. The first
    /// time, these are noted.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn continuity(&self) -> Result<Continuity, DatabaseError> {
        if self.server() == Server::Sqlite {
            return Ok(Continuity::Unbroken);
        }
        self.call(async {
            let mut transaction = self.begin().await?;
            self.server().lock(&mut transaction, "identity").await?;
            let now = identity(&mut transaction).await?;
            let noted = sqlx::query_scalar("SELECT identity FROM server_identity");
            let noted: Option<String> = noted.fetch_optional(&mut *transaction).await?;
            if noted.is_none() {
                note(&mut transaction, &now).await?;
            }
            transaction.commit().await?;
            let is_same = noted.is_none_or(|noted| noted == now);
            Ok(if is_same { Continuity::Unbroken } else { Continuity::Broken })
        })
        .await
    }

    /// Accepts this database as the one to use, at `now`, in unix seconds. Returns how many refresh tokens were revoked.
    ///
    /// # Errors
    /// The database is unavailable. Nothing is changed then.
    pub async fn accept_restored(&self, tokens: RestoredTokens, now: i64) -> Result<u64, DatabaseError> {
        let accepted = async {
            let mut transaction = self.begin().await?;
            self.server().lift_limits(&mut transaction).await?;
            let mut revoked = 0;
            if tokens == RestoredTokens::Revoke {
                let revoke =
                    sqlx::query("UPDATE refresh_tokens SET revoked_at = $1 WHERE revoked_at IS NULL");
                revoked = revoke.bind(now).execute(&mut *transaction).await?.rows_affected();
            }
            if self.server() == Server::Postgres {
                self.server().lock(&mut transaction, "identity").await?;
                sqlx::query("DELETE FROM server_identity").execute(&mut *transaction).await?;
                let now = identity(&mut transaction).await?;
                note(&mut transaction, &now).await?;
            }
            transaction.commit().await?;
            Ok(revoked)
        };
        accepted.await.map_err(|cause| self.failed(cause))
    }
}

/// The server and its timeline, which a restore to an earlier moment and a standby that takes over begin anew.
async fn identity(connection: &mut sqlx::AnyConnection) -> Result<String, sqlx::Error> {
    let identity = sqlx::query(
        "SELECT system_identifier, CAST(timeline_id AS BIGINT) FROM pg_control_system(), pg_control_checkpoint()",
    );
    let row = identity.fetch_one(connection).await?;
    let (server, timeline): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    Ok(format!("{server}/{timeline}"))
}

async fn note(connection: &mut sqlx::AnyConnection, identity: &str) -> Result<(), sqlx::Error> {
    let note = sqlx::query("INSERT INTO server_identity (identity) VALUES ($1)").bind(identity);
    note.execute(connection).await.map(drop)
}
