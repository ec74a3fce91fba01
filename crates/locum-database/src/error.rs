//! Why a database cannot be used.

use std::path::PathBuf;

/// Why a database cannot be opened, copied or swept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file cannot be created or read.
    #[error("{path}: {cause}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// SQLite reports an error, such as that the file is no database, is locked or that the disk is full.
    #[error("{path}: {cause}", path = .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        cause: sqlx::Error,
    },
    /// A later version of Locum has written the file.
    #[error(
        "{path}: the schema has version {found}, and this program knows {known} at most; use the program that wrote it, or a later one",
        path = .path.display()
    )]
    SchemaTooNew {
        /// The file.
        path: PathBuf,
        /// The version of the file.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
}
