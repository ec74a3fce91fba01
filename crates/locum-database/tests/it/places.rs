//! Where the databases of tests are: the same test runs on each server.

use locum_database::{Database, SchemaChanges};
use locum_testing::PostgresDatabase;
use tempfile::{TempDir, tempdir};

/// An empty database.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(PostgresDatabase),
}

impl Place {
    /// One in SQLite, and one in PostgreSQL where that is installed.
    pub(crate) fn each() -> Vec<Self> {
        let sqlite = Self::Sqlite(tempdir().unwrap());
        [sqlite].into_iter().chain(PostgresDatabase::create().map(Self::Postgres)).collect()
    }

    /// Opens it as a program does that is one of several.
    pub(crate) async fn open(&self) -> Database {
        match self {
            Self::Sqlite(folder) => Database::open(&folder.path().join("state.db")).await.unwrap(),
            Self::Postgres(database) => connect(&database.url()).await,
        }
    }
}

/// Connects to PostgreSQL, and makes the tables if there are none.
pub(crate) async fn connect(url: &str) -> Database {
    Database::connect(&url.parse().unwrap(), SchemaChanges::Apply).await.unwrap()
}
