//! Used assertions.

use locum_database::Database;
use locum_engine::ports::UsedAssertions;
use locum_testing::{ACME, NOW, check_used_assertion_store};

use crate::places::Place;

#[tokio::test]
async fn it_does_what_every_store_must() {
    for place in Place::each() {
        check_used_assertion_store(&place.open().await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_nodes_one_uses_an_assertion_and_both_remember_it() {
    for place in Place::each() {
        let (one, two) = (place.open().await, place.open().await);
        let is_first = async |state: Database, id: String| {
            state.use_once(ACME, "worker", &id, NOW + 60, NOW).wait().await.unwrap()
        };
        for round in 0..20 {
            let id = format!("round {round}");
            let first = tokio::spawn(is_first(one.clone(), id.clone()));
            let second = tokio::spawn(is_first(two.clone(), id.clone()));
            assert_ne!(first.await.unwrap(), second.await.unwrap(), "{id}");
            let after_a_restart = place.open().await;
            assert!(!is_first(after_a_restart, id).await);
        }
    }
}
