//! A copy while the database is in use.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use locum_database::Database;
use locum_engine::ports::{RefreshTokenHash, RefreshTokens};
use locum_testing::{ACME, refresh_token};
use tempfile::tempdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_has_everything_that_was_added_before_it() {
    let directory = tempdir().unwrap();
    let state = Database::open(&directory.path().join("state.db")).await.unwrap();
    let written = state.clone();
    let add = move |number: u8| {
        let state = written.clone();
        async move {
            let hash = RefreshTokenHash::from_bytes([number; 32]);
            state.add(ACME, hash, refresh_token(&number.to_string())).wait().await.unwrap()
        }
    };
    for number in 0..50 {
        assert!(add(number).await);
    }
    let writer = tokio::spawn(async move {
        for number in 50..150 {
            assert!(add(number).await);
        }
    });
    let copy = directory.path().join("copy of 'state'.db");
    state.copy_to(&copy).await.unwrap();
    writer.await.unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let copied = Database::open(&copy).await.unwrap();
    for number in 0..50 {
        let hash = RefreshTokenHash::from_bytes([number; 32]);
        assert!(copied.find(ACME, &hash).wait().await.unwrap().is_some(), "{number}");
    }
}

#[tokio::test]
async fn a_copy_replaces_no_file_and_leaves_none_that_is_incomplete() {
    let directory = tempdir().unwrap();
    let state = Database::open(&directory.path().join("state.db")).await.unwrap();
    let existing = directory.path().join("existing");
    fs::write(&existing, "precious").unwrap();
    let refused = state.copy_to(&existing).await.unwrap_err().to_string();
    assert!(refused.contains("existing: ") && refused.contains("exists"), "{refused}");
    assert_eq!(fs::read_to_string(&existing).unwrap(), "precious");
    let nowhere = directory.path().join("no/such/folder/copy.db");
    assert!(state.copy_to(&nowhere).await.is_err());
}
