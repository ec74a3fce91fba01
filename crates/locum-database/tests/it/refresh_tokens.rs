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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_is_added_while_its_family_is_revoked_is_revoked_too() {
    for place in Place::each() {
        let (one, two) = (place.open().await, place.open().await);
        for round in 0..40 {
            let family = format!("family {round}");
            let [used, successor, added] =
                [0, 80, 160].map(|first| RefreshTokenHash::from_bytes([first + round; 32]));
            assert_eq!(one.add(ACME, used, refresh_token(&family)).wait().await, Ok(true));
            let rotate = {
                let (state, token) = (one.clone(), refresh_token(&family));
                async move { state.rotate(ACME, &used, (successor, token), NOW, 0).wait().await.unwrap() }
            };
            let add = {
                let (state, token) = (one.clone(), refresh_token(&family));
                async move { state.add(ACME, added, token).wait().await.unwrap() }
            };
            let revoke = {
                let (state, family) = (two.clone(), family.clone());
                async move { state.revoke_family(ACME, &family, NOW).wait().await.unwrap() }
            };
            let (rotate, add, revoke) = (tokio::spawn(rotate), tokio::spawn(add), tokio::spawn(revoke));
            let (rotated, was_added) = (rotate.await.unwrap(), add.await.unwrap());
            revoke.await.unwrap();
            for (hash, stored) in [(used, true), (successor, rotated == Rotation::Done), (added, was_added)] {
                let token = one.find(ACME, &hash).wait().await.unwrap();
                assert_eq!(token.map(|token| token.revoked_at), stored.then_some(Some(NOW)), "{round}");
            }
        }
    }
}
