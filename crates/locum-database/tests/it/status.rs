//! What a file says of itself, without being changed.

use std::fs;
use std::path::Path;

use locum_database::{Database, DatabaseError, DatabaseStatus};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::tempdir;

/// Runs statements on a file, which is then closed.
async fn run(path: &Path, statements: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_file_of_an_earlier_version_is_left_as_it_is() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state.db");
    run(&path, "CREATE TABLE refresh_tokens (hash BLOB); INSERT INTO refresh_tokens VALUES (x'00'); PRAGMA user_version = 1")
        .await;
    let before = fs::read(&path).unwrap();
    let status = DatabaseStatus::of_file(&path).await.unwrap();
    assert_eq!((status.schema_version, status.rows.as_slice()), (1, [("refresh_tokens", 1)].as_slice()));
    assert!(status.needed_version() > Some(1) && status.server.starts_with("SQLite 3"), "{status:?}");
    assert_eq!(fs::read(&path).unwrap(), before);

    // Nothing of it is a table of version 1: a start would begin with it.
    let empty = folder.path().join("empty.db");
    fs::write(&empty, "").unwrap();
    let status = DatabaseStatus::of_file(&empty).await.unwrap();
    assert_eq!((status.schema_version, status.rows.len()), (0, 0));
    assert_eq!(fs::read(&empty).unwrap(), b"");
}

#[tokio::test]
async fn a_file_of_this_version_needs_nothing_and_is_read_while_it_is_used() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("state.db");
    let database = Database::open(&path).await.unwrap();
    let status = DatabaseStatus::of_file(&path).await.unwrap();
    assert_eq!(status, database.status().await.unwrap());
    assert_eq!((status.needed_version(), status.rows.len()), (None, 5));
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_and_a_file_that_is_missing_is_not_made() {
    let folder = tempdir().unwrap();
    let (missing, notes) = (folder.path().join("missing.db"), folder.path().join("notes.txt"));
    let error = DatabaseStatus::of_file(&missing).await.unwrap_err();
    assert!(error.to_string().contains("missing.db: No such file"), "{error}");
    assert!(!missing.exists());
    fs::write(&notes, "these are notes, and quite a few of them\n".repeat(50)).unwrap();
    let error = DatabaseStatus::of_file(&notes).await.unwrap_err();
    assert!(error.to_string().contains("not a database"), "{error}");
    let later = folder.path().join("later.db");
    run(&later, "PRAGMA user_version = 100").await;
    let error = DatabaseStatus::of_file(&later).await.unwrap_err();
    assert!(matches!(error, DatabaseError::SchemaTooNew { found: 100, .. }), "{error}");
}
