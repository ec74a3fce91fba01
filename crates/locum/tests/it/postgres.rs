//! Servers that keep refresh tokens in one PostgreSQL database, which may be away; and the commands for it.

use std::fs;

use locum_testing::{PostgresDatabase, PostgresServer};
use serde_json::json;

use crate::installation::Installation;
use crate::refresh_tokens::{installation, issued, refresh, successor};
use crate::serving::Server;

/// An installation with this in place of the SQLite file.
fn installation_with(config: &str) -> Installation {
    let installation = installation("rotation_type: rotating, expiration_type: expiring");
    let own = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &own.replace("state = \"state.db\"", config));
    installation
}

#[test]
fn a_token_of_one_server_is_replaced_at_another_and_its_reuse_ends_the_family_at_both() {
    let Some(database) = PostgresDatabase::create() else { return };
    let nodes = [(); 2].map(|()| {
        let node = installation_with("postgres_file = \"postgres.url\"\nmigrate = true");
        node.write("postgres.url", &format!("{}\n", database.url()));
        node
    });
    let [one, other] = nodes.each_ref().map(Server::start);
    let first = issued(&nodes[0], &one);
    let second = successor(refresh(&other, &first));
    let third = successor(refresh(&one, &second));
    let (status, body) = refresh(&other, &second);
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    for server in [&one, &other] {
        assert_eq!(refresh(server, &third).0, 400, "its family ended");
    }
    assert_eq!(database.ask("SELECT count(*), count(revoked_at) FROM refresh_tokens"), "3|3");
    let minted = nodes[1].locum([
        "token",
        "mint-refresh",
        "--tenant",
        "tenant.yaml",
        "--client",
        "spa",
        "--user",
        "auth0|alice",
    ]);
    assert_eq!(minted.code, 0, "{}", minted.stderr);
    successor(refresh(&one, minted.stdout.trim()));
}

#[test]
fn tables_are_made_by_the_command_or_where_the_config_allows_it() {
    let Some(database) = PostgresDatabase::create() else { return };
    let installation = installation_with(&format!("postgres = \"{}\"", database.url()));
    for refused in [installation.locum(["serve"]), installation.locum(["state", "check"])] {
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        assert!(refused.stderr.contains("the schema has version 0"), "{}", refused.stderr);
        assert!(refused.stderr.contains("run `locum state migrate`"), "{}", refused.stderr);
    }
    for _ in 0..2 {
        let migrated = installation.locum(["state", "migrate"]);
        assert_eq!(migrated.code, 0, "{}", migrated.stderr);
        assert!(migrated.stdout.ends_with(": the schema has version 4\n"), "{}", migrated.stdout);
    }
    let server = Server::start(&installation);
    issued(&installation, &server);
    let checked = installation.locum(["state", "check"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    let lines: Vec<&str> = checked.stdout.lines().collect();
    assert!(
        lines[0].starts_with("postgres:///test_") && lines[1].starts_with("server: PostgreSQL "),
        "{lines:?}"
    );
    assert_eq!(
        lines[2..],
        ["schema: 4", "tenants: 0", "clients: 0", "users: 0", "refresh_tokens: 1", "used_assertions: 0"]
    );
    let backup = installation.locum(["state", "backup", "copy.db"]);
    assert_eq!((backup.code, backup.stderr.contains("use pg_dump")), (3, true), "{}", backup.stderr);
    assert!(!installation.path("copy.db").exists());
}

#[test]
fn while_postgres_is_away_a_refresh_is_503_and_its_token_works_afterwards() {
    let Some(mut postgres) = PostgresServer::start() else { return };
    let installation = installation_with(&format!("postgres = \"{}\"\nmigrate = true", postgres.url()));
    let server = Server::start(&installation);
    let first = issued(&installation, &server);
    postgres.stop();
    let (status, body) = refresh(&server, &first);
    assert_eq!((status, &body["error"]), (503, &json!("temporarily_unavailable")));
    assert!(!body.to_string().contains("postgres"), "{body}");
    let started = installation_with(&format!("postgres = \"{}\"", postgres.url())).locum(["serve"]);
    assert_eq!(started.code, 5, "{}", started.stderr);
    assert!(started.stderr.contains("locum: postgres:///postgres?"), "{}", started.stderr);
    postgres.start_again();
    let second = successor(refresh(&server, &first));
    postgres.restart();
    successor(refresh(&server, &second));
    server.stop();
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    let failures: Vec<&str> = events.lines().filter(|line| line.contains("\"code\":\"fertft\"")).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("postgres:///postgres?"), "{}", failures[0]);
}

#[test]
fn a_postgres_server_that_cannot_be_used_is_refused_without_showing_its_password() {
    for (config, why) in [
        ("postgres = \"postgres://locum:hunter2@db/locum\"", "name it with `postgres_file`"),
        ("postgres = \"mysql://db/locum\"", "postgres: the URL of PostgreSQL must begin with postgres://"),
        (
            "postgres = \"postgres://db\"\npostgres_file = \"bad.url\"",
            "set `postgres` or `postgres_file`, not both",
        ),
        ("postgres = \"postgres://db\"\nstate = \"state.db\"", "set `state` or `postgres`, not both"),
        ("state = \"state.db\"\nmigrate = true", "migrate: it is for `postgres`"),
        ("postgres_file = \"none.url\"", "none.url: "),
        (
            "postgres_file = \"bad.url\"",
            "postgres_file: the URL of PostgreSQL has an unknown parameter `mode`",
        ),
    ] {
        let installation = installation_with(config);
        installation.write("bad.url", "postgres://locum:hunter2@db/locum?mode=1");
        for command in ["check", "serve"] {
            let refused = installation.locum([command]);
            assert_eq!(refused.code, 3, "{}", refused.stderr);
            assert!(
                refused.stderr.contains(why) && !refused.stderr.contains("hunter2"),
                "{}",
                refused.stderr
            );
        }
    }
    let installation = installation_with("postgres_file = \"postgres.url\"");
    installation.write("postgres.url", "postgres://locum:hunter2@127.0.0.1:1/locum");
    assert_eq!(installation.locum(["check"]).code, 0, "a check connects to no server");
    let refused = installation.locum(["serve"]);
    assert_eq!((refused.code, refused.stderr.contains("hunter2")), (5, false), "{}", refused.stderr);
    assert!(refused.stderr.contains("postgres://locum@127.0.0.1:1/locum: "), "{}", refused.stderr);
}
