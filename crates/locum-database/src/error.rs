//! Why a database cannot be used.

use std::path::PathBuf;

/// Why a database cannot be opened, migrated, copied, swept or asked. No message shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file cannot be created or read.
    #[error("{path}: {cause}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The URL of a PostgreSQL server cannot be used.
    #[error("the URL of PostgreSQL {0}")]
    Url(String),
    /// The database reports an error, such as that the file is no database, is locked or that the disk is full; or no
    /// connection to it was free in time.
    #[error("{database}: {}", said(.cause))]
    Failed {
        /// The file, or the URL without its password.
        database: String,
        /// What the database says.
        cause: sqlx::Error,
    },
    /// The server did not answer in time.
    #[error("{database}: no answer within {limit_ms} ms")]
    TimedOut {
        /// The file, or the URL without its password.
        database: String,
        /// How long was waited.
        limit_ms: u128,
    },
    /// A later version of Locum has written the database.
    #[error(
        "{database}: the schema has version {found}, and this program knows {known} at most; use the program that wrote it, or a later one"
    )]
    SchemaTooNew {
        /// The file, or the URL without its password.
        database: String,
        /// The version of the database.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// The database has not the tables that this program needs.
    #[error(
        "{database}: the schema has version {found}, and this program needs {needed}; run `locum state migrate`, or set `migrate = true`"
    )]
    SchemaTooOld {
        /// The URL without its password.
        database: String,
        /// The version of the database; 0 if it has no tables yet.
        found: i64,
        /// The version that this program needs.
        needed: i64,
    },
    /// Tenants that are served cannot be opened with other master keys.
    #[error(
        "{database}: these master keys do not open what is served of {tenants}; the log says which key is missing"
    )]
    MasterKeys {
        /// The file, or the URL without its password.
        database: String,
        /// The domains of the tenants.
        tenants: String,
    },
    /// Only the file of SQLite is copied.
    #[error("{database}: a PostgreSQL database is not copied by Locum; use pg_dump")]
    NotAFile {
        /// The URL without its password.
        database: String,
    },
}

/// What a reader can use: the library's own words for a pool speak of a pool.
fn said(cause: &sqlx::Error) -> String {
    match cause {
        sqlx::Error::PoolTimedOut => "no connection was free in time, or the server accepts none".to_owned(),
        other => other.to_string(),
    }
}
