//! What can happen to a PostgreSQL server while it is in use.

use std::time::{Duration, Instant};

use locum_database::Database;
use locum_engine::ports::{RefreshTokenHash, RefreshTokens, Rotation, UsedAssertions};
use locum_testing::{ACME, NOW, PostgresServer, refresh_token};

use crate::places::connect;

/// Longest time that a request may wait: the limit of a call, and some for a machine that is busy.
const ANSWER_MAX: Duration = Duration::from_secs(4);

fn hash(number: u8) -> RefreshTokenHash {
    RefreshTokenHash::from_bytes([number; 32])
}

async fn add(state: &Database, number: u8) -> Result<bool, String> {
    let added = state.add(ACME, hash(number), refresh_token(&number.to_string())).wait().await;
    added.map_err(|why| why.to_string())
}

async fn is_there(state: &Database, number: u8) -> bool {
    state.find(ACME, &hash(number)).wait().await.unwrap().is_some()
}

/// So many calls at one moment that the pool has several connections.
async fn use_several_connections(state: &Database) {
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let state = state.clone();
            tokio::spawn(async move { is_there(&state, number).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_a_restart_no_request_fails() {
    let Some(mut server) = PostgresServer::start() else { return };
    let state = connect(&server.url()).await;
    assert_eq!(add(&state, 1).await, Ok(true));
    use_several_connections(&state).await;
    let connections = server.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'locum'");
    assert!(connections.parse::<u32>().unwrap() > 3, "{connections}");
    server.restart();
    let calls: Vec<_> = (2..40)
        .map(|number| {
            let state = state.clone();
            tokio::spawn(async move { (is_there(&state, 1).await, add(&state, number).await) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), (true, Ok(true)));
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_unavailable_until_it_is_up() {
    let Some(mut server) = PostgresServer::start() else { return };
    let state = connect(&server.url()).await;
    assert_eq!(add(&state, 1).await, Ok(true));
    server.stop();
    let start = Instant::now();
    let why = add(&state, 2).await.unwrap_err();
    assert!(start.elapsed() < ANSWER_MAX);
    assert!(why.contains("postgres:///postgres?host=") && why.contains("No such file"), "{why}");
    server.start_again();
    assert!(is_there(&state, 1).await && !is_there(&state, 2).await);
    assert_eq!(add(&state, 2).await, Ok(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_does_not_answer_is_unavailable_until_it_does() {
    let Some(server) = PostgresServer::start() else { return };
    let state = connect(&server.url()).await;
    assert_eq!(add(&state, 1).await, Ok(true));
    use_several_connections(&state).await;
    server.signal("-STOP");
    // More than there are connections: none may take a place for good.
    let calls: Vec<_> = (2..42)
        .map(|number| {
            let state = state.clone();
            tokio::spawn(async move { add(&state, number).await })
        })
        .collect();
    for call in calls {
        let start = Instant::now();
        let why = call.await.unwrap().unwrap_err();
        assert!(start.elapsed() < ANSWER_MAX);
        assert!(why.contains("no connection was free in time") || why.contains("no answer within"), "{why}");
    }
    server.signal("-CONT");
    assert!(is_there(&state, 1).await);
    assert_eq!(add(&state, 100).await, Ok(true));
}

#[tokio::test]
async fn a_server_that_only_reads_takes_no_tokens_and_knows_those_it_has() {
    let Some(server) = PostgresServer::start() else { return };
    assert_eq!(add(&connect(&server.url()).await, 1).await, Ok(true));
    server.ask("ALTER DATABASE postgres SET default_transaction_read_only = on");
    let state = connect(&server.url()).await;
    let why = add(&state, 2).await.unwrap_err();
    assert!(why.contains("read-only transaction"), "{why}");
    let why = state.use_once(ACME, "worker", "one", NOW + 60, NOW).wait().await.unwrap_err().to_string();
    assert!(why.contains("read-only transaction"), "{why}");
    assert!(is_there(&state, 1).await && !is_there(&state, 2).await);
    server.ask("BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT");
    assert_eq!(add(&connect(&server.url()).await, 2).await, Ok(true));
}

#[tokio::test]
async fn a_row_that_is_locked_for_long_is_unavailable_and_nothing_is_lost() {
    let Some(server) = PostgresServer::start() else { return };
    let state = connect(&server.url()).await;
    assert_eq!(add(&state, 1).await, Ok(true));
    let mut other = server.session();
    other.send("BEGIN; SELECT 1 FROM refresh_tokens FOR UPDATE;");
    let rotate = || async {
        let successor = (hash(2), refresh_token("1"));
        state.rotate(ACME, &hash(1), successor, NOW, 0).wait().await
    };
    let why = rotate().await.unwrap_err().to_string();
    assert!(why.contains("lock timeout"), "{why}");
    assert!(is_there(&state, 1).await && !is_there(&state, 2).await, "readers do not wait");
    // The rows that a request has locked are swept the next time, and nobody waits for them.
    assert_eq!(state.sweep(NOW + 2000).await.unwrap(), 0);
    other.send("ROLLBACK;");
    assert_eq!(rotate().await, Ok(Rotation::Done));
    assert_eq!(state.sweep(NOW + 2000).await.unwrap(), 2);
}

#[tokio::test]
async fn one_node_at_a_time_sweeps() {
    let Some(server) = PostgresServer::start() else { return };
    let state = connect(&server.url()).await;
    assert_eq!(add(&state, 1).await, Ok(true));
    let mut other = server.session();
    other.send("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('locum sweep', 0));");
    assert_eq!(state.sweep(NOW + 2000).await.unwrap(), 0);
    other.send("ROLLBACK;");
    assert_eq!(state.sweep(NOW + 2000).await.unwrap(), 1);
}
