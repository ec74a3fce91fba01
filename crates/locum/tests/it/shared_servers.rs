//! What servers share and cannot use: a database or Redis that is away at the start, and master keys that do not fit.

use std::fs;

use locum_testing::PostgresServer;

use crate::database_directory::{Node, soon, status};
use crate::installation::Installation;
use crate::serving::{Server, mint};

#[test]
fn another_master_key_is_refused_at_the_start_and_by_a_server_that_runs() {
    for node in Node::each() {
        let node = node.managed().filled();
        let installation = &node.installation;
        let mut server = Server::start(installation);
        let token = mint(installation);
        assert_eq!(status(&server.exchange(&token)), "200");
        let own = fs::read_to_string(installation.path("master.keys")).unwrap();
        let other = node.run(["state", "new-master-key"]);
        let same_id = format!("{}:{}", own.split_once(':').unwrap().0, other.split_once(':').unwrap().1);
        for wrong in [&other, &same_id] {
            installation.write("master.keys", wrong);
            let refused = node.refused(["serve"]);
            assert!(refused.contains("no tenant in the database can be used: acme.example.com"), "{refused}");
            assert!(!refused.contains(wrong.trim().split_once(':').unwrap().1), "{refused}");
            server.signal("-HUP");
            let log = server.wait_for("not reloaded");
            assert!(log.contains("do not open what is served of acme.example.com"), "{log}");
            assert_eq!(status(&server.exchange(&token)), "200");
        }
        installation.write("master.keys", &format!("{other}{own}"));
        server.signal("-HUP");
        server.wait_for(" reloaded");
        assert_eq!(status(&Server::start(installation).exchange(&token)), "200");
        server.stop();
    }
}

#[test]
fn while_postgres_is_away_nothing_is_changed_and_no_server_with_tenants_in_it_starts() {
    let Some(mut postgres) = PostgresServer::start() else { return };
    let node = Node::with(&format!("postgres = \"{}\"", postgres.url()), None).managed().filled();
    let installation = &node.installation;
    let server = Server::start(installation);
    let token = mint(installation);
    let management = node.run(["token", "mint-management", "--tenant", "tenant.yaml"]);
    let block = |blocked| {
        let body = format!(r#"{{"blocked":{blocked}}}"#);
        server.manage(&management, "PATCH", "/users/auth0%7Calice", &body)
    };
    let user = r#"{"user_id":"auth0|alice"}"#;
    assert_eq!(status(&server.manage(&management, "POST", "/users", user)), "201");
    soon(|| status(&server.exchange(&token)) == "200");

    postgres.stop();
    let refused = block(true);
    assert_eq!(status(&refused), "503", "{refused}");
    assert!(refused.contains("temporarily_unavailable") && !refused.contains("postgres"), "{refused}");
    assert_eq!(status(&server.exchange(&token)), "200", "the user is in memory");
    let started = installation.locum(["serve"]);
    assert_eq!(started.code, 5, "{}", started.stderr);
    assert!(started.stderr.contains("locum: postgres:///postgres?"), "{}", started.stderr);

    postgres.start_again();
    assert_eq!(status(&server.exchange(&token)), "200");
    let read = server.manage(&management, "GET", "/users/auth0%7Calice", "");
    assert!(status(&read) == "200" && !read.contains("blocked"), "{read}");
    assert_eq!(status(&block(true)), "200");
    soon(|| status(&server.exchange(&token)) == "401");
}

#[test]
fn a_server_whose_redis_is_away_at_its_start_serves_uncounted_or_not_at_all() {
    for (when, expected) in [("open", "200"), ("closed", "503")] {
        let installation = Installation::new();
        let own = fs::read_to_string(installation.path("locum.toml")).unwrap();
        installation.write("locum.toml", &format!("redis = \"redis://127.0.0.1:1\"\n{own}"));
        let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
        let rule = format!("delegation: {{rate_limit: {{when_unavailable: {when}}}}}");
        installation.write("tenant.yaml", &format!("{rule}\n{tenant}"));
        let answer = Server::start(&installation).exchange(&mint(&installation));
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(!answer.contains("x-ratelimit-remaining"), "{answer}");
    }
}
