//! Where the databases of tests are: the same test runs on each server.

use locum_database::{Database, SchemaChanges};
use locum_testing::PostgresDatabase;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
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

    /// Runs a statement as somebody does who edits the database by hand. Returns the first column of what it answers, a line for
    /// each row.
    pub(crate) async fn ask(&self, statement: &str) -> String {
        let file = match self {
            Self::Sqlite(folder) => folder.path().join("state.db"),
            Self::Postgres(database) => return database.ask(statement),
        };
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let rows =
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).fetch_all(&mut connection).await.unwrap();
        let column = rows.iter().map(|row| row.get::<String, _>(0));
        column.collect::<Vec<_>>().join("\n")
    }
}

/// Connects to PostgreSQL, and makes the tables if there are none.
pub(crate) async fn connect(url: &str) -> Database {
    Database::connect(&url.parse().unwrap(), SchemaChanges::Apply).await.unwrap()
}
