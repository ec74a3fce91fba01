//! The file of SQLite: created for its owner alone, written so that a commit survives a power failure, copied while in use.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe};

use crate::error::DatabaseError;
use crate::limits::WAIT_MAX;

/// What is encoded of a path in a URL.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/');

/// Creates a file that its owner alone can read, or leaves the one that is there. SQLite gives the files beside it the same mode.
/// Returns the URL of the file.
pub(crate) fn create_if_missing(path: &Path) -> Result<String, DatabaseError> {
    let created = for_owner().create(true).truncate(false).open(path);
    created.map_err(|cause| DatabaseError::File { path: path.to_owned(), cause })?;
    url(path)
}

/// The URL of a file that is there.
pub(crate) fn url(path: &Path) -> Result<String, DatabaseError> {
    let url = || {
        // A URL has no `..`.
        let path = fs::canonicalize(path)?;
        let text = path.to_str().ok_or_else(|| io::Error::other("the path is not valid UTF-8"))?;
        Ok(format!("sqlite:{}", utf8_percent_encode(text, ENCODED)))
    };
    url().map_err(|cause| DatabaseError::File { path: path.to_owned(), cause })
}

/// Refuses whatever would change the file, from now on.
pub(crate) async fn forbid_changes(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("PRAGMA query_only = ON").execute(connection).await.map(drop)
}

/// Sets what each connection has to.
pub(crate) async fn configure(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    // Full: a token that was replaced must not come back after a power failure.
    let pragmas = format!("PRAGMA busy_timeout = {}; PRAGMA synchronous = FULL", WAIT_MAX.as_millis());
    sqlx::raw_sql(AssertSqlSafe(pragmas)).execute(connection).await.map(drop)
}

/// Sets what the file keeps.
pub(crate) async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(connection).await.map(drop)
}

/// Writes a copy to a file that must not be there yet.
pub(crate) async fn copy(
    pool: &AnyPool,
    path: &Path,
    failed: &(dyn Fn(sqlx::Error) -> DatabaseError + Sync),
) -> Result<(), DatabaseError> {
    for_owner()
        .create_new(true)
        .open(path)
        .map_err(|cause| DatabaseError::File { path: path.to_owned(), cause })?;
    let name = path.to_string_lossy().into_owned();
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(pool).await;
    if copied.is_err() {
        // What is there is no copy.
        let _ = fs::remove_file(path);
    }
    copied.map(drop).map_err(failed)
}

fn for_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
