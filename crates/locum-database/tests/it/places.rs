//! Where the databases of tests are: the same test runs on each server.

use std::path::PathBuf;

use locum_database::{Database, SchemaChanges};
use locum_testing::PostgresServer;
use tempfile::{TempDir, tempdir};

/// An empty database.
pub(crate) struct Place {
    pub(crate) postgres: Option<PostgresServer>,
    // Deleted after the server has stopped.
    folder: TempDir,
}

impl Place {
    /// One in SQLite, and one in PostgreSQL where that is installed.
    pub(crate) fn each() -> Vec<Self> {
        let sqlite = Self { postgres: None, folder: tempdir().unwrap() };
        [sqlite].into_iter().chain(Self::postgres()).collect()
    }

    /// One in PostgreSQL, if that is installed.
    pub(crate) fn postgres() -> Option<Self> {
        let folder = tempdir().unwrap();
        let server = PostgresServer::start(folder.path())?;
        Some(Self { postgres: Some(server), folder })
    }

    /// Opens it as a program does that is one of several.
    pub(crate) async fn open(&self) -> Database {
        match &self.postgres {
            Some(server) => Database::connect(&server.url(), SchemaChanges::Apply).await.unwrap(),
            None => Database::open(&self.file()).await.unwrap(),
        }
    }

    /// The file of SQLite.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }
}
