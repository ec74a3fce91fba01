//! Servers that count requests together in a real Redis server, which may be away.

use std::fs;
use std::time::Duration;

use locum_testing::RedisServer;

use crate::installation::Installation;
use crate::metrics::Watched;
use crate::serving::{Server, mint};

/// An installation whose requests are counted there.
fn installation(config: &str) -> Installation {
    let installation = Installation::new();
    let own = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("{config}\n{own}"));
    installation
}

fn status(response: &str) -> u16 {
    response.split(' ').nth(1).unwrap().parse().unwrap()
}

fn remaining(response: &str) -> Option<u32> {
    let line = response.lines().find_map(|line| line.strip_prefix("x-ratelimit-remaining: "))?;
    line.trim().parse().ok()
}

#[test]
fn two_servers_count_the_requests_of_a_user_together() {
    let folder = tempfile::tempdir().unwrap();
    let Some(redis) = RedisServer::start(folder.path()) else { return };
    let installation = installation(&format!("redis = \"{}\"", redis.url()));
    let servers = [Server::start(&installation), Server::start(&installation)];
    let token = mint(&installation);
    for request in 0..10 {
        let response = servers[request % 2].exchange(&token);
        assert_eq!(status(&response), 200, "{response}");
        assert_eq!(remaining(&response), Some(9 - u32::try_from(request).unwrap()));
    }
    for server in &servers {
        assert_eq!(status(&server.exchange(&token)), 429);
    }
}

#[test]
fn while_redis_is_away_requests_are_served_uncounted_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut redis) = RedisServer::start(folder.path()) else { return };
    let installation = installation("redis_file = \"redis.url\"");
    installation.write("redis.url", &format!("{}\n", redis.url()));
    let mut watched = Watched::start(&installation);
    let token = mint(&installation);
    assert_eq!(remaining(&watched.server.exchange(&token)), Some(9));
    assert_eq!(watched.scrape().value("locum_buckets_unavailable_total"), Some(0.0));
    redis.stop();
    let uncounted = watched.server.exchange(&token);
    assert_eq!((status(&uncounted), remaining(&uncounted)), (200, None));
    watched.server.wait_for("Redis does not count requests");
    assert!(watched.scrape().value("locum_buckets_unavailable_total") > Some(0.0));
    redis.restart();
    // A server that did not answer is asked again after a second.
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(status(&watched.server.exchange(&token)), 200);
    watched.server.wait_for("Redis counts requests again");
    assert!(remaining(&watched.server.exchange(&token)).is_some());
}

#[test]
fn while_redis_is_away_each_server_limits_guesses_by_itself() {
    let installation = installation("redis = \"redis://127.0.0.1:1\"");
    let server = Server::start(&installation);
    let statuses: Vec<u16> = (0..61).map(|_| status(&server.exchange("a.b.c"))).collect();
    assert!(statuses[..60].iter().all(|status| *status == 400), "{statuses:?}");
    assert_eq!(statuses[60], 429);
}

#[test]
fn a_redis_server_that_cannot_be_used_is_refused_without_showing_its_password() {
    for (config, why) in [
        ("redis = \"redis://:hunter2@db:6379\"", "name it with `redis_file`"),
        ("redis = \"http://db:6379\"", "redis: expected the URL of a Redis server"),
        ("redis = \"redis://db\"\nredis_file = \"redis.url\"", "not both"),
        ("redis_file = \"none.url\"", "none.url: "),
        ("redis_file = \"bad.url\"", "redis_file: expected the URL of a Redis server"),
    ] {
        let installation = installation(config);
        installation.write("bad.url", "http://:hunter2@db:6379");
        for command in ["check", "serve"] {
            let refused = installation.locum([command]);
            assert!(
                refused.stderr.contains(why) && !refused.stderr.contains("hunter2"),
                "{}",
                refused.stderr
            );
        }
    }
}
