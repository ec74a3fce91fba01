//! What every store of buckets does, and what only shared ones do: nodes count together, and Redis may be away.

use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::{BucketKey, BucketSubject, Buckets};
use locum_engine::{BucketDecision, BucketRule};
use locum_redis::{InvalidRedisUrl, RedisBuckets};
use locum_testing::{ACME, RedisServer, check_bucket_store};

/// Longer than a node stops asking a server that did not answer.
pub(crate) const AFTER_A_PAUSE: Duration = Duration::from_millis(1100);

pub(crate) fn node(server: &RedisServer) -> Arc<RedisBuckets> {
    Arc::new(RedisBuckets::new(&server.url()).unwrap())
}

fn alice() -> BucketKey<'static> {
    BucketKey { tenant: ACME, ip: [192, 0, 2, 1].into(), subject: BucketSubject::User("auth0|alice") }
}

pub(crate) async fn take(node: &RedisBuckets) -> Result<BucketDecision, String> {
    let taken = node.try_acquire(alice(), BucketRule::AUTH0_DEFAULT, 0).wait().await;
    taken.map_err(|unavailable| unavailable.to_string())
}

#[tokio::test]
async fn they_count_like_those_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = RedisServer::start(folder.path()) else { return };
    let buckets = RedisBuckets::new(&server.url()).unwrap().by_callers_time();
    check_bucket_store(&buckets, "redis").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_nodes_admit_ten_of_sixty_requests_at_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = RedisServer::start(folder.path()) else { return };
    let nodes = [node(&server), node(&server), node(&server)];
    let requests: Vec<_> = (0..60)
        .map(|at: usize| {
            let node = Arc::clone(&nodes[at % 3]);
            tokio::spawn(async move { take(&node).await })
        })
        .collect();
    let mut decisions = Vec::new();
    for request in requests {
        decisions.push(request.await.unwrap().unwrap());
    }
    let mut left: Vec<u32> =
        decisions.iter().filter(|decision| decision.conforms).map(|decision| decision.remaining).collect();
    left.sort_unstable();
    assert_eq!(left, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_time_is_that_of_redis_and_a_bucket_lives_until_it_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = RedisServer::start(folder.path()) else { return };
    let node = node(&server);
    // The caller's clock stands at 1970.
    let decision = take(&node).await.unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!((now + 55..=now + 65).contains(&decision.reset_unix_seconds), "{decision:?}");
    let key = server.ask("KEYS *");
    let key = key.lines().nth(2).unwrap();
    assert!(key.starts_with("locum:acme.example.com:") && !key.contains("alice"), "{key}");
    let ttl = server.ask(&format!("PTTL {key}"));
    let ttl: u64 = ttl.trim().trim_start_matches(':').parse().unwrap();
    assert!((50_000..=60_000).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn a_restarted_server_is_used_again_with_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = RedisServer::start(folder.path()) else { return };
    let node = node(&server);
    assert!(take(&node).await.unwrap().conforms);
    server.restart();
    // The first request may find the old connection broken.
    let _ = take(&node).await;
    tokio::time::sleep(AFTER_A_PAUSE).await;
    assert_eq!(take(&node).await.map(|decision| decision.conforms), Ok(true));
}

#[tokio::test]
async fn a_server_that_is_away_or_stands_still_delays_three_requests_and_then_one_in_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut server) = RedisServer::start(folder.path()) else { return };
    let node = node(&server);
    assert!(take(&node).await.is_ok());
    server.signal("-STOP");
    for _ in 0..3 {
        assert_eq!(take(&node).await, Err("unavailable: Redis: no answer within 50 ms".to_owned()));
    }
    for _ in 0..100 {
        assert_eq!(take(&node).await, Err("unavailable: Redis did not answer a moment ago".to_owned()));
    }
    server.signal("-CONT");
    tokio::time::sleep(AFTER_A_PAUSE).await;
    assert!(take(&node).await.is_ok());
    server.stop();
    let away = take(&node).await.unwrap_err();
    assert!(away.starts_with("unavailable: Redis: "), "{away}");
}

#[test]
fn another_url_is_refused_without_being_shown() {
    for url in ["", "redis", "http://127.0.0.1/", "redis://", "postgres://user:hunter2@db/"] {
        let refused = RedisBuckets::new(url).err();
        assert_eq!(refused, Some(InvalidRedisUrl), "{url}");
    }
    assert!(!InvalidRedisUrl.to_string().contains("hunter2"));
    assert!(RedisBuckets::new("rediss://name:hunter2@redis.example.com:6380/1").is_ok());
}
