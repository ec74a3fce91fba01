//! What differs between the two database servers.

use sqlx::AnyConnection;

/// The server of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// A file. One connection writes at a time.
    Sqlite,
    /// A server that several nodes use.
    Postgres,
}

impl Server {
    /// The text for this server.
    pub(crate) fn choose<T>(self, sqlite: T, postgres: T) -> T {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }

    /// Begins a transaction in which each statement sees what others have committed before it. In SQLite nobody else writes
    /// until its end; in PostgreSQL, [`Self::lock`] sets an order.
    pub(crate) fn begin(self) -> &'static str {
        self.choose("BEGIN IMMEDIATE", "BEGIN ISOLATION LEVEL READ COMMITTED")
    }

    /// Begins a transaction in which every statement sees the database as it is at its first one.
    pub(crate) fn begin_snapshot(self) -> &'static str {
        self.choose("BEGIN DEFERRED", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    }

    /// Lifts the limits of statements ([`POSTGRES_TIME_LIMITS`]) until the end of this transaction: they are for requests, not for
    /// what goes through whole tables.
    ///
    /// [`POSTGRES_TIME_LIMITS`]: crate::limits::POSTGRES_TIME_LIMITS
    pub(crate) async fn lift_limits(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        if self == Self::Postgres {
            let lifted = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
                          SET LOCAL idle_in_transaction_session_timeout = 0";
            sqlx::raw_sql(lifted).execute(connection).await?;
        }
        Ok(())
    }

    /// Waits for the other transactions that have locked the same name, and locks it until the end of this transaction.
    pub(crate) async fn lock(self, connection: &mut AnyConnection, name: &str) -> Result<(), sqlx::Error> {
        if self == Self::Postgres {
            sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind(format!("locum {name}"))
                .execute(connection)
                .await?;
        }
        Ok(())
    }

    /// Locks a name until the end of this transaction, unless another transaction has. Returns whether it did.
    pub(crate) async fn try_lock(
        self,
        connection: &mut AnyConnection,
        name: &str,
    ) -> Result<bool, sqlx::Error> {
        match self {
            Self::Sqlite => Ok(true),
            Self::Postgres => {
                sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))")
                    .bind(format!("locum {name}"))
                    .fetch_one(connection)
                    .await
            }
        }
    }
}
