//! Refresh tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use locum_database::Database;
use locum_engine::ports::{RefreshTokenHash, RefreshTokens, Rotation};
use locum_testing::{ACME, NOW, check_refresh_token_store, refresh_token};
use tempfile::tempdir;

use crate::places::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_does_what_every_store_must() {
    for place in Place::each() {
        check_refresh_token_store(&place.open().await).await;
    }
}

#[tokio::test]
async fn tokens_survive_a_restart_in_files_that_only_their_owner_reads() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("state.db");
    let hash = RefreshTokenHash::from_bytes([7; 32]);
    let token = refresh_token("family");
    let state = Database::open(&path).await.unwrap();
    assert_eq!(state.add(ACME, hash, token.clone()).wait().await, Ok(true));
    let again = Database::open(&path).await.unwrap();
    assert_eq!(again.find(ACME, &hash).wait().await, Ok(Some(token)), "another process reads it at once");
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_nodes_one_replaces_a_token() {
    for place in Place::each() {
        let (one, two) = (place.open().await, place.open().await);
        for round in 0..20 {
            let family = format!("family {round}");
            let hash = RefreshTokenHash::from_bytes([round; 32]);
            assert_eq!(one.add(ACME, hash, refresh_token(&family)).wait().await, Ok(true));
            let rotate = |state: Database, successor: u8, family: String| async move {
                let successor = (RefreshTokenHash::from_bytes([successor; 32]), refresh_token(&family));
                state.rotate(ACME, &hash, successor, NOW, 0).wait().await.unwrap()
            };
            let first = tokio::spawn(rotate(one.clone(), 100 + round, family.clone()));
            let second = tokio::spawn(rotate(two.clone(), 200 + round, family));
            let outcomes = [first.await.unwrap(), second.await.unwrap()];
            assert!(
                outcomes.contains(&Rotation::Done) && outcomes.contains(&Rotation::Reused),
                "{outcomes:?}"
            );
        }
    }
}
