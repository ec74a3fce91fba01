//! What can be wrong with a file, and with its disk.

use std::fs;
use std::path::Path;

use locum_database::{Database, DatabaseError};
use locum_engine::ports::{RefreshTokenHash, RefreshTokens};
use locum_testing::{ACME, refresh_token};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::tempdir;

fn hash(number: u8) -> RefreshTokenHash {
    RefreshTokenHash::from_bytes([number; 32])
}

async fn refusal(path: &Path) -> String {
    Database::open(path).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_is_no_database_is_named_and_left_as_it_is() {
    let directory = tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    fs::write(&text, "these are notes, and quite a few of them\n".repeat(50)).unwrap();
    let refused = refusal(&text).await;
    assert!(refused.contains("notes.txt: ") && refused.contains("not a database"), "{refused}");
    assert!(fs::read_to_string(&text).unwrap().starts_with("these are notes"));
    assert!(refusal(directory.path()).await.contains("directory"));
    let nowhere = refusal(&directory.path().join("no/such/folder/state.db")).await;
    assert!(nowhere.contains("No such file"), "{nowhere}");
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("state.db");
    Database::open(&path).await.unwrap();
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::raw_sql("PRAGMA user_version = 5").execute(&mut other).await.unwrap();
    let error = Database::open(&path).await.unwrap_err();
    assert!(matches!(error, DatabaseError::SchemaTooNew { found: 5, known: 4, .. }), "{error}");
}

#[tokio::test]
async fn a_database_that_is_locked_for_long_is_unavailable_and_nothing_is_lost() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("state.db");
    let state = Database::open(&path).await.unwrap();
    assert_eq!(state.add(ACME, hash(1), refresh_token("kept")).wait().await, Ok(true));
    let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let why = state.add(ACME, hash(2), refresh_token("late")).wait().await.unwrap_err().to_string();
    assert!(why.contains("locked"), "{why}");
    assert!(state.find(ACME, &hash(1)).wait().await.unwrap().is_some(), "readers do not wait");
    lock.rollback().await.unwrap();
    assert_eq!(state.add(ACME, hash(2), refresh_token("late")).wait().await, Ok(true));
}

#[tokio::test]
async fn a_database_that_was_deleted_takes_no_tokens_that_would_be_lost() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("state.db");
    let state = Database::open(&path).await.unwrap();
    for entry in fs::read_dir(directory.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let why = state.add(ACME, hash(1), refresh_token("lost")).wait().await.unwrap_err().to_string();
    assert!(why.contains("state.db: "), "{why}");
}
