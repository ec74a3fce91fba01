//! Opens the file: creates it for its owner alone, and sets how it is written.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::error::StateError;
use crate::schema;

/// How long a statement waits for the lock of another connection or process. Requests are then refused as unavailable.
const BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// One connection writes at a time, and readers do not wait for it.
const CONNECTIONS_MAX: u32 = 4;

/// The pool of connections to this file, which is created if it does not exist.
pub(crate) async fn open(path: &Path) -> Result<SqlitePool, StateError> {
    create_if_missing(path).map_err(|cause| StateError::File { path: path.to_owned(), cause })?;
    let database = |cause| StateError::Database { path: path.to_owned(), cause };
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        // A token that was replaced must not come back after a power failure.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        // What fails is in the audit log.
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_with(options)
        .await
        .map_err(database)?;
    let mut connection = pool.acquire().await.map_err(database)?;
    let found = schema::migrate(&mut connection).await.map_err(database)?;
    drop(connection);
    if found > schema::LATEST {
        return Err(StateError::SchemaTooNew { path: path.to_owned(), found, known: schema::LATEST });
    }
    Ok(pool)
}

/// Creates a file that its owner alone can read, or leaves the one that is there. SQLite gives the files beside it the same mode.
fn create_if_missing(path: &Path) -> io::Result<()> {
    for_owner().create(true).truncate(false).open(path).map(drop)
}

/// The same for a file that must not be there yet.
pub(crate) fn create_new(path: &Path) -> io::Result<()> {
    for_owner().create_new(true).open(path).map(drop)
}

fn for_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
