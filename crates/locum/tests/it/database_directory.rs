//! Servers whose tenants are in a database: the commands that fill it, and what a running server sees of a change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use locum_testing::PostgresDatabase;
use serde_json::json;

use crate::installation::Installation;
use crate::metrics::{Scrape, Watched};
use crate::serving::{Server, mint, post_form};

/// An installation with an empty database.
pub(crate) struct Node {
    pub(crate) installation: Installation,
    // It ends with the test.
    _postgres: Option<PostgresDatabase>,
}

impl Node {
    /// One with an SQLite file, and one with PostgreSQL where that is installed.
    pub(crate) fn each() -> Vec<Self> {
        let sqlite = Self::with("state = \"state.db\"", None);
        let postgres = PostgresDatabase::create()
            .map(|database| Self::with(&format!("postgres = \"{}\"", database.url()), Some(database)));
        [sqlite].into_iter().chain(postgres).collect()
    }

    /// One whose config says so where the database is.
    pub(crate) fn with(place: &str, postgres: Option<PostgresDatabase>) -> Self {
        let installation = Installation::new();
        let own = fs::read_to_string(installation.path("locum.toml")).unwrap();
        let tenants = "tenants = [\"tenant.yaml\"]";
        let config = format!("directory = \"database\"\nmaster_keys_file = \"master.keys\"\n{place}");
        installation.write("locum.toml", &own.replace(tenants, &config));
        // Tests ask until an answer is another one.
        let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
        let limit =
            "delegation: {rate_limit: {size: 100000, per_minute: 100000, invalid_tokens: {size: 100000}}}";
        installation.write("tenant.yaml", &format!("{limit}\n{tenant}"));
        Self { installation, _postgres: postgres }
    }

    /// The same with a Management API.
    pub(crate) fn managed(self) -> Self {
        let tenant = fs::read_to_string(self.installation.path("tenant.yaml")).unwrap();
        let keys = "management: {keys: [key-of-management-tokens-0123456789]}";
        self.installation.write("tenant.yaml", &format!("{keys}\n{tenant}"));
        self
    }

    /// With tables, a master key and the tenant of its file.
    pub(crate) fn filled(self) -> Self {
        self.run(["state", "init"]);
        let imported = self.run(["state", "import", "tenant.yaml"]);
        assert_eq!(imported, "acme.example.com: 1 clients, 0 users\n");
        self
    }

    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> String {
        let output = self.installation.locum(arguments);
        assert_eq!(output.code, 0, "{}", output.stderr);
        output.stdout
    }

    pub(crate) fn refused<const N: usize>(&self, arguments: [&str; N]) -> String {
        let output = self.installation.locum(arguments);
        assert_eq!(output.code, 3, "{}{}", output.stdout, output.stderr);
        output.stderr
    }
}

pub(crate) fn status(response: &str) -> &str {
    response.split(' ').nth(1).unwrap()
}

/// Waits until a server answers so.
pub(crate) fn soon(mut answers: impl FnMut() -> bool) {
    let start = Instant::now();
    while !answers() {
        assert!(start.elapsed() < Duration::from_secs(20), "it does not answer so");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_serves_what_was_imported_and_what_is_changed_while_it_runs() {
    for node in Node::each().into_iter().map(Node::filled) {
        let installation = &node.installation;
        let server = Server::start(installation);
        let token = mint(installation);
        assert_eq!(status(&server.exchange(&token)), "200", "{}", server.exchange(&token));
        let directory = &server.readiness()["directory"];
        assert_eq!((&directory["tenants"], &directory["usable"]), (&1.into(), &true.into()));

        let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
        installation.write("other.yaml", &tenant.replace("spa-secret", "new-secret"));
        let refused = node.refused(["state", "import", "other.yaml"]);
        assert!(refused.contains("there is a tenant acme.example.com already"), "{refused}");
        assert_eq!(status(&server.exchange(&token)), "200");
        node.run(["state", "import", "--replace", "other.yaml"]);
        // The old token is signed by a secret that the client has no more.
        soon(|| status(&server.exchange(&token)) == "400");
        server.stop();
    }
}

#[test]
fn an_export_holds_what_was_imported_and_is_for_its_owner_alone() {
    for node in Node::each().into_iter().map(Node::filled) {
        node.run(["state", "export", "acme.example.com", "exported.yaml"]);
        let path = node.installation.path("exported.yaml");
        let exported = fs::read_to_string(&path).unwrap();
        assert!(exported.contains("spa-secret-0123456789-0123456789"), "{exported}");
        for file in ["exported.yaml", "master.keys"] {
            let mode = fs::metadata(node.installation.path(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
        let exists = node.refused(["state", "export", "acme.example.com", "exported.yaml"]);
        assert!(exists.contains("exported.yaml: File exists"), "{exists}");
        let unknown = node.refused(["state", "export", "nobody.example", "nobody.yaml"]);
        assert!(
            unknown.contains("there is no tenant nobody.example; there are: acme.example.com"),
            "{unknown}"
        );
        node.run(["state", "import", "--replace", "exported.yaml"]);
        node.run(["state", "export", "acme.example.com", "again.yaml"]);
        assert_eq!(fs::read_to_string(node.installation.path("again.yaml")).unwrap(), exported);
    }
}

#[test]
fn the_master_key_is_rotated_under_a_server_and_the_old_one_is_then_of_no_use() {
    for node in Node::each().into_iter().map(Node::filled) {
        let installation = &node.installation;
        let mut server = Server::start(installation);
        let token = mint(installation);
        let old = fs::read_to_string(installation.path("master.keys")).unwrap();
        let new = node.run(["state", "new-master-key"]);
        let id = new.split_once(':').unwrap().0;
        installation.write("master.keys", &format!("{new}{old}"));
        server.signal("-HUP");
        server.wait_for("reloaded");
        let rotated = node.run(["state", "rotate-master-key"]);
        assert_eq!(rotated, format!("sealed 1 of 2 rows anew, by the key `{id}`\n"));
        installation.write("master.keys", &new);
        server.signal("-HUP");
        server.wait_for("reloaded");
        assert_eq!(status(&server.exchange(&token)), "200");
        server.stop();

        installation.write("master.keys", &old);
        let output = installation.locum(["state", "rotate-master-key"]);
        assert_eq!(output.code, 1, "{}", output.stderr);
        assert!(output.stdout.contains("problem: acme.example.com: the client spa: "), "{}", output.stdout);
        assert!(output.stdout.contains(id), "{}", output.stdout);
    }
}

#[test]
fn what_the_management_api_changes_is_served_at_once_and_by_other_servers_soon() {
    for node in Node::each() {
        let node = node.managed().filled();
        let installation = &node.installation;
        let (one, other) = (Server::start(installation), Server::start(installation));
        let token = mint(installation);
        let management = node.run(["token", "mint-management", "--tenant", "tenant.yaml"]);
        for server in [&one, &other] {
            assert_eq!(status(&server.exchange(&token)), "200");
            assert_eq!(status(&server.manage("no token", "GET", "/clients", "")), "401");
        }
        let changed = one.manage(&management, "PATCH", "/users/auth0%7Calice", r#"{"blocked":true}"#);
        assert_eq!(status(&changed), "404", "{changed}");
        // Nobody is a blocked user yet.
        let user = r#"{"user_id":"auth0|alice","email":"alice@example.com","blocked":true}"#;
        let created = one.manage(&management, "POST", "/users", user);
        assert_eq!(status(&created), "201", "{created}");
        for server in [&one, &other] {
            soon(|| status(&server.exchange(&token)) != "200");
        }
        let freed = other.manage(&management, "PATCH", "/users/auth0%7Calice", r#"{"blocked":false}"#);
        assert_eq!(status(&freed), "200", "{freed}");
        for server in [&one, &other] {
            soon(|| status(&server.exchange(&token)) == "200");
        }
        let deleted = other.manage(&management, "DELETE", "/clients/spa", "");
        assert_eq!(status(&deleted), "204", "{deleted}");
        for server in [&one, &other] {
            soon(|| status(&server.exchange(&token)) != "200");
        }
    }
}

#[test]
fn what_the_config_lacks_is_said_before_anything_is_started() {
    let node = Node::each().remove(0);
    let missing = node.refused(["serve"]);
    assert!(missing.contains("master.keys: cannot read the master keys"), "{missing}");
    let config = fs::read_to_string(node.installation.path("locum.toml")).unwrap();
    for (from, to, said) in [
        ("state = \"state.db\"", "", "`database` needs a database"),
        ("master_keys_file = \"master.keys\"", "", "the secrets of tenants in the database are sealed"),
        (
            "directory = \"database\"",
            "directory = \"database\"\ntenants = [\"tenant.yaml\"]",
            "remove the files here",
        ),
        ("directory = \"database\"", "", "name at least one tenant file"),
    ] {
        node.installation.write("locum.toml", &config.replace(from, to));
        for command in ["serve", "check"] {
            let refused = node.refused([command]);
            assert!(refused.contains(said), "{refused}");
        }
    }
    node.installation.write("locum.toml", &config);
    node.installation.write("master.keys", "one:c2hvcnQ=\n");
    let short = node.refused(["serve"]);
    assert!(short.contains("master.keys") && !short.contains("c2hvcnQ"), "{short}");
}

#[test]
fn look_ups_are_measured() {
    for node in Node::each().into_iter().map(Node::filled) {
        let installation = &node.installation;
        let token = mint(installation);
        let watched = Watched::start(installation);
        let counted = |scrape: &Scrape, outcome: &str| {
            let series = format!("locum_directory_lookups_total{{outcome=\"{outcome}\"}}");
            scrape.value(&series).unwrap_or_else(|| panic!("{series} is missing"))
        };
        let before = watched.scrape();
        for outcome in ["from_memory", "read", "absent", "unavailable"] {
            assert_eq!(counted(&before, outcome), 0.0, "{outcome}");
        }
        for _ in 0..3 {
            assert_eq!(status(&watched.server.exchange(&token)), "200");
        }
        let after = watched.scrape();
        // The client is read, and there is no user with this id.
        assert_eq!((counted(&after, "read"), counted(&after, "absent")), (1.0, 1.0));
        assert!(counted(&after, "from_memory") >= 4.0);
        assert_eq!(counted(&after, "unavailable"), 0.0);
        assert_eq!(after.value("locum_directory_entries"), Some(2.0));
        assert!(after.value("locum_directory_bytes") > Some(0.0));
        assert!(after.value("locum_directory_age_seconds") < Some(10.0));
        assert_eq!(after.value("locum_directory_unusable_tenants"), Some(0.0));
        watched.server.stop();
    }
}

/// Redis is away: each server counts names by itself.
#[test]
fn an_address_that_tries_client_ids_is_refused_and_those_that_are_in_memory_are_served() {
    for node in Node::each() {
        let installation = &node.installation;
        let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
        let limit = "invalid_tokens: {size: 100000}";
        assert!(tenant.contains(limit));
        installation.write("tenant.yaml", &tenant.replace(limit, "invalid_tokens: {size: 5, per_minute: 1}"));
        let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
        installation.write("locum.toml", &format!("redis = \"redis://127.0.0.1:1\"\n{config}"));
        let node = node.filled();
        let server = Server::start(&node.installation);
        let token = mint(&node.installation);
        assert_eq!(status(&server.exchange(&token)), "200");
        let tried = |number: usize| {
            let parameters = json!({
                "client_id": format!("nobody{number}"), "id_token": token,
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            });
            post_form(&server, "/delegation", &parameters).0
        };
        assert_eq!((0..7).map(tried).collect::<Vec<_>>(), [403, 403, 403, 403, 403, 429, 429]);
        assert_eq!(status(&server.exchange(&token)), "200");
        server.stop();
    }
}
