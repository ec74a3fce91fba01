//! A Redis server that answers, but does not take what is written; and keys that somebody else has written.

use std::time::Duration;

use locum_engine::BucketDecision;
use locum_redis::RedisBuckets;
use locum_testing::RedisServer;

use crate::buckets::{AFTER_A_PAUSE, node, take};

#[tokio::test]
async fn a_server_that_takes_no_writes_counts_nothing_until_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = RedisServer::start(folder.path()) else { return };
    let node = node(&server);
    for (fault, end, said) in [
        ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE", "read only replica"),
        ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0", "OOM"),
        ("SAVE", "CONFIG SET stop-writes-on-bgsave-error no", "MISCONF"),
    ] {
        until(&node, |taken| taken.is_ok()).await;
        if fault == "SAVE" {
            // It cannot put its file in the place of a folder. At its start it would end because of that.
            std::fs::create_dir(folder.path().join("dump.rdb")).unwrap();
            // By default it saves by itself, and refuses writes where that has failed.
            assert_eq!(server.ask("CONFIG SET save \"3600 1\""), "+OK\r\n");
            server.ask("BGSAVE");
            while !server.ask("INFO persistence").contains("rdb_last_bgsave_status:err") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } else {
            assert_eq!(server.ask(fault), "+OK\r\n");
        }
        let refused = |taken: &Result<_, String>| taken.as_ref().is_err_and(|why| why.contains(said));
        until(&node, refused).await;
        assert_eq!(server.ask(end), "+OK\r\n");
    }
    until(&node, |taken| taken.as_ref().is_ok_and(|decision| decision.conforms)).await;
}

/// Takes until the answer is so. On a busy machine one may be late, or find an old connection broken.
async fn until(node: &RedisBuckets, is_so: impl Fn(&Result<BucketDecision, String>) -> bool) {
    for attempt in 0.. {
        let taken = take(node).await;
        if is_so(&taken) {
            return;
        }
        assert!(attempt < 5, "{taken:?}");
        tokio::time::sleep(AFTER_A_PAUSE).await;
    }
}

#[tokio::test]
async fn a_server_that_ends_in_the_middle_of_a_request_is_unavailable_until_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = RedisServer::start(folder.path()) else { return };
    let node = node(&server);
    assert_eq!(take(&node).await.unwrap().remaining, 9);
    server.signal("-STOP");
    let in_flight = {
        let node = std::sync::Arc::clone(&node);
        tokio::spawn(async move { take(&node).await })
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    server.stop();
    in_flight.await.unwrap().unwrap_err();
    server.start_again();
    tokio::time::sleep(AFTER_A_PAUSE).await;
    assert_eq!(take(&node).await.unwrap().remaining, 9, "its data is gone, and the bucket full");
}

#[tokio::test]
async fn a_key_that_somebody_else_has_written_is_a_full_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = RedisServer::start(folder.path()) else { return };
    let node = node(&server);
    assert_eq!(take(&node).await.unwrap().remaining, 9);
    assert_eq!(take(&node).await.unwrap().remaining, 8);
    let keys = server.ask("KEYS *");
    let key = keys.lines().nth(2).unwrap();
    for nonsense in ["SET KEY abc", "SET KEY nan", "SET KEY -7", "LPUSH KEY abc", "HSET KEY abc 1"] {
        server.ask(&format!("DEL {key}"));
        server.ask(&nonsense.replace("KEY", key));
        assert_eq!(take(&node).await.unwrap().remaining, 9, "{nonsense}");
        assert_eq!(take(&node).await.unwrap().remaining, 8, "{nonsense}");
    }
}
