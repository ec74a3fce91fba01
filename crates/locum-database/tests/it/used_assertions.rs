//! Used assertions in a file.

use locum_database::SqliteState;
use locum_engine::ports::UsedAssertions;
use locum_testing::{ACME, NOW, check_used_assertion_store};
use tempfile::tempdir;

#[tokio::test]
async fn the_store_in_sqlite_does_what_every_store_must() {
    let directory = tempdir().unwrap();
    let state = SqliteState::open(&directory.path().join("state.db")).await.unwrap();
    check_used_assertion_store(&state).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_processes_one_uses_an_assertion_and_both_remember_it() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("state.db");
    let (one, two) = (SqliteState::open(&path).await.unwrap(), SqliteState::open(&path).await.unwrap());
    let is_first = async |state: SqliteState, id: String| {
        state.use_once(ACME, "worker", &id, NOW + 60, NOW).wait().await.unwrap()
    };
    for round in 0..20 {
        let id = format!("round {round}");
        let first = tokio::spawn(is_first(one.clone(), id.clone()));
        let second = tokio::spawn(is_first(two.clone(), id.clone()));
        assert_ne!(first.await.unwrap(), second.await.unwrap(), "{id}");
        let after_a_restart = SqliteState::open(&path).await.unwrap();
        assert!(!is_first(after_a_restart, id).await);
    }
}
