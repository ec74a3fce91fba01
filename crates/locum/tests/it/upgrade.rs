//! Upgrades of plugins while the server answers requests: either everything is replaced or nothing.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use locum_host::Sha256;
use serde_json::{Value, json};

use crate::control::{controlled, send, status};
use crate::installation::{CommandOutput, Installation, not_run};
use crate::isolation::{children, children_that_run};
use crate::serving::{Server, mint};

const APP: &str = "plugins/liblocum_plugin_app.so";

/// An installation whose plugin `app` has a process of its own.
fn in_runner() -> Installation {
    let installation = controlled();
    installation.install_in_runner("app");
    installation
}

fn upgrade(installation: &Installation, file: &str) -> CommandOutput {
    installation.locum(["plugin", "upgrade", "--yes", file])
}

/// Every file below the folder but the logs, with its contents.
fn files(installation: &Installation) -> BTreeMap<String, Vec<u8>> {
    fn collect(folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap().to_owned();
            if path.is_dir() {
                collect(&path, files);
            } else if path.is_file() && !name.ends_with("audit.log") {
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&installation.path(""), &mut found);
    found
}

/// Ends the load when it is dropped, also if an assertion fails before.
struct Load<'a>(&'a AtomicBool);

impl Drop for Load<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn ten_upgrades_under_load_refuse_no_request() {
    let installation = in_runner();
    let versions = [
        installation.version_of("app", "first.so", &[]),
        installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]),
    ];
    let server = Server::start(&installation);
    let token = mint(&installation);
    let (stop, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let refused: Vec<String> = std::thread::scope(|scope| {
        let load = || {
            while !stop.load(Ordering::Relaxed) {
                let response = server.exchange(&token);
                if !response.starts_with("HTTP/1.1 200") {
                    return Some(response);
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
            None
        };
        let running = Load(&stop);
        let connections: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        for number in 1..=10 {
            let before = answered.load(Ordering::Relaxed);
            let file = &versions[number % 2];
            let upgraded = upgrade(&installation, file);
            assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
            let expected = ["0.1.0", "0.2.0"][number % 2];
            assert!(upgraded.stdout.contains(&format!("to {expected}")), "{}", upgraded.stdout);
            assert_eq!(status(&installation)["version"], expected);
            assert_eq!(fs::read(installation.path(APP)).unwrap(), fs::read(installation.path(file)).unwrap());
            // Requests are answered between two upgrades.
            let started = Instant::now();
            while answered.load(Ordering::Relaxed) < before + 20 {
                assert!(started.elapsed() < Duration::from_secs(60));
                std::thread::yield_now();
            }
        }
        drop(running);
        connections.into_iter().filter_map(|connection| connection.join().unwrap()).collect()
    });
    assert_eq!(refused, [""; 0]);
    let started = Instant::now();
    while children_that_run(&children(server.child.id())).len() > 1 {
        assert!(started.elapsed() < Duration::from_secs(10), "old processes still run");
        std::thread::yield_now();
    }
    server.stop();
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    assert_eq!(events.matches("\"code\":\"upgrade\"").count(), 10);
    assert_eq!(events.matches("\"code\":\"sd\"").count(), answered.load(Ordering::Relaxed));
    // The lock pins the last file alone, at the level of the first pin.
    let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
    assert!(lock.contains("isolation = \"runner\"") && !lock.contains("next_sha256"), "{lock}");
    assert!(lock.contains(&Sha256::of(&fs::read(installation.path(APP)).unwrap()).to_string()), "{lock}");
    assert_eq!(installation.locum(["check"]).code, 0);
}

#[test]
fn an_upgrade_shows_what_changes_and_keeps_pauses() {
    let installation = in_runner();
    let server = Server::start(&installation);
    let token = mint(&installation);
    let advice = ("It cannot be revoked", "It can not be revokd");
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0"), advice]);
    assert_eq!(installation.locum(["plugin", "pause", "app"]).code, 0);
    let upgraded = upgrade(&installation, &second);
    assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
    for line in
        ["- version \"0.1.0\"", "+ version \"0.2.0\"", "- app: revocation_advice", "+ app: revocation_advice"]
    {
        assert!(upgraded.stdout.contains(line), "{}", upgraded.stdout);
    }
    assert!(!upgraded.stdout.contains("settings_schema"), "{}", upgraded.stdout);
    assert!(server.exchange(&token).starts_with("HTTP/1.1 503"));
    assert_eq!(status(&installation)["pauses"], json!([{"by": "operator"}]));
    assert_eq!(installation.locum(["plugin", "resume", "app"]).code, 0);
    assert!(server.exchange(&token).starts_with("HTTP/1.1 200"));
    let again = upgrade(&installation, &second);
    assert_eq!((again.code, again.stdout.as_str()), (0, "app 0.2.0: these bytes run already\n"));
    let unconfirmed = installation.locum(["plugin", "upgrade", APP]);
    assert_eq!(unconfirmed.code, 0);
    let first = installation.version_of("app", "first.so", &[]);
    let unconfirmed = installation.locum(["plugin", "upgrade", &first]);
    assert_eq!(unconfirmed.code, 2);
    assert!(unconfirmed.stderr.contains("--yes to upgrade"), "{}", unconfirmed.stderr);
}

#[test]
fn an_upgrade_changes_of_a_pin_only_hash_and_version() {
    for allowed in [false, true] {
        let installation = in_runner();
        if allowed {
            let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
            installation.write("plugins.lock", &(lock + "allow_signing_bytes = true\n"));
        }
        let _server = Server::start(&installation);
        let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
        let hash = |file: &str| Sha256::of(&fs::read(installation.path(file)).unwrap()).to_string();
        let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
        let expected = lock.replace(&hash(APP), &hash(&second)).replace("0.1.0", "0.2.0");
        assert_eq!(upgrade(&installation, &second).code, 0);
        assert_eq!(fs::read_to_string(installation.path("plugins.lock")).unwrap(), expected);
    }
}

/// A new version that cannot take the place of the old one.
struct Unusable {
    why: &'static str,
    plugin: &'static str,
    /// How the file differs from the old one: texts and what they are replaced by.
    replacements: &'static [(&'static str, &'static str)],
    /// What the command and the log say.
    said: &'static str,
}

const UNUSABLE: [Unusable; 7] = [
    Unusable {
        why: "an add-on's settings are refused",
        plugin: "app",
        replacements: &[("0.1.0", "0.2.0"), ("lifetime_in_seconds", "lifetime_in_sekonds")],
        said: "lifetime_in_seconds",
    },
    Unusable {
        why: "the constructor ends the process",
        plugin: "hostile",
        replacements: &[("LOCUM-TEST-CONSTRUCTOR|nothing||", "LOCUM-TEST-CONSTRUCTOR|abort||..")],
        said: "SIGABRT",
    },
    Unusable {
        why: "configuring ends the process",
        plugin: "hostile",
        replacements: &[("LOCUM-TEST-CONFIGURE|nothing||", "LOCUM-TEST-CONFIGURE|segv||...")],
        said: "SIGSEGV",
    },
    Unusable {
        why: "configuring makes a forbidden call",
        plugin: "hostile",
        replacements: &[("LOCUM-TEST-CONFIGURE|nothing||", "LOCUM-TEST-CONFIGURE|socket||.")],
        said: "`socket`",
    },
    Unusable {
        why: "configuring hangs",
        plugin: "hostile",
        replacements: &[("LOCUM-TEST-CONFIGURE|nothing||", "LOCUM-TEST-CONFIGURE|loop||...")],
        said: "abandoned after 6000 ms",
    },
    Unusable {
        why: "the code states another manifest than the file",
        plugin: "app",
        replacements: &[("\"version\": \"0.1.0\"", "\"version\": \"0.2.0\"")],
        said: "manifest-mismatch",
    },
    Unusable {
        why: "an api_type in use is dropped",
        plugin: "misbehaving",
        replacements: &[("answers_too_much", "answers_too_many")],
        said: "`answers_too_much`",
    },
];

#[test]
fn an_upgrade_that_fails_changes_nothing() {
    let installation = in_runner();
    installation.install_in_runner("hostile");
    installation.install_in_runner("misbehaving");
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("{config}[limits]\nreload_deadline_ms = 6000\n"));
    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    let target = |name: &str, add_on: &str| {
        format!(
            "  - client_id: {name}\n    client_secret: {name}-secret-0123456789-0123456789\n    addons: {{{add_on}}}\n"
        )
    };
    let hostile = target("hostile", "hostile: {attempt: nothing, when: issue}");
    installation.write("tenant.yaml", &(tenant + &hostile + &target("other", "answers_too_much: {}")));
    let mut server = Server::start(&installation);
    let token = mint(&installation);
    for Unusable { why, plugin, replacements, said } in UNUSABLE {
        let file = installation.version_of(plugin, "new.so", replacements);
        let before = files(&installation);
        let refused = upgrade(&installation, &file);
        assert_eq!(refused.code, 1, "{why}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains(said), "{why}: {}", refused.stderr);
        assert_eq!(files(&installation), before, "{why}");
        let line = server.wait_for("not upgraded");
        assert!(line.contains(plugin) && line.contains(said), "{why}: {line}");
        assert!(server.exchange(&token).starts_with("HTTP/1.1 200"), "{why}");
        let response = server.exchange_for(&token, "&target=hostile&api_type=hostile");
        assert!(response.starts_with("HTTP/1.1 200"), "{why}: {response}");
    }
    // The same service upgrades to a version that works.
    let file = installation.version_of("hostile", "new.so", &[("0.1.0", "0.2.0")]);
    let upgraded = upgrade(&installation, &file);
    assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
    assert!(server.exchange_for(&token, "&target=hostile&api_type=hostile").starts_with("HTTP/1.1 200"));
    server.stop();
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    assert_eq!(events.matches("\"code\":\"upgrade_refused\"").count(), UNUSABLE.len(), "{events}");
}

/// The command may run as root: it must not write where only the server says.
#[test]
fn a_config_with_another_plugins_directory_is_refused() {
    let installation = in_runner();
    let _server = Server::start(&installation);
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
    fs::create_dir(installation.path("others")).unwrap();
    std::os::unix::fs::symlink("plugins", installation.path("linked")).unwrap();
    installation.write("others.toml", &config.replace("\"plugins\"", "\"others\""));
    installation.write("linked.toml", &config.replace("\"plugins\"", "\"linked\""));
    let before = files(&installation);
    let upgrade = |config| installation.locum(["plugin", "upgrade", "--yes", &second, "--config", config]);
    let refused = upgrade("others.toml");
    assert_eq!(refused.code, 3);
    assert!(refused.stderr.contains("not in the `plugins_dir` of this config"), "{}", refused.stderr);
    assert_eq!(files(&installation), before);
    assert_eq!(upgrade("linked.toml").code, 0);
    assert_eq!(status(&installation)["version"], "0.2.0");
}

#[test]
fn a_file_with_another_name_is_another_plugin() {
    let installation = in_runner();
    let server = Server::start(&installation);
    let renamed = [("app0.1.0", "apq0.1.0"), ("\"name\": \"app\"", "\"name\": \"apq\"")];
    let other = installation.version_of("app", "new.so", &renamed);
    let before = files(&installation);
    let refused = upgrade(&installation, &other);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("no plugin with this name is loaded; loaded are: app"),
        "{}",
        refused.stderr
    );
    // The server refuses it too, whoever asks.
    let staged = installation.path("plugins/.liblocum_plugin_app.so.1.upgrade");
    fs::copy(installation.path(&other), &staged).unwrap();
    let sha256 = Sha256::of(&fs::read(&staged).unwrap());
    let request = json!({"request": "upgrade", "plugin": "app", "staged": staged, "sha256": sha256});
    let answer = send(&installation, format!("{request}\n").as_bytes());
    assert!(answer.contains("the plugin `apq`, not `app`") || answer.contains("manifest"), "{answer}");
    assert_eq!(files(&installation), before);
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_reload_waits_for_an_upgrade() {
    let installation = in_runner();
    installation.install_in_runner("hostile");
    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    let hostile = "    addons: {hostile: {attempt: nothing, when: issue}}\n";
    installation.write("tenant.yaml", &(tenant + hostile));
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("{config}[limits]\nreload_deadline_ms = 2000\n"));
    let hangs = [("LOCUM-TEST-CONFIGURE|nothing||", "LOCUM-TEST-CONFIGURE|loop||...")];
    let hangs = installation.version_of("hostile", "new.so", &hangs);
    let mut server = Server::start(&installation);
    let mut command = installation.command();
    command.args(["plugin", "upgrade", "--yes", &hangs]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut upgrade = command.spawn().unwrap();
    server.wait_for("upgrade started");
    server.signal("-HUP");
    assert_eq!(upgrade.wait().unwrap().code(), Some(1));
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| !line.contains(" reloaded")) {
        lines.push(server.wait_for("\n"));
    }
    let place = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    assert!(place("not upgraded") < place("reload started"), "{lines:?}");
}

#[test]
fn what_the_operator_has_changed_meanwhile_is_not_undone() {
    let installation = in_runner();
    let server = Server::start(&installation);
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
    let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
    let refused = |said: &str| {
        let before = files(&installation);
        let refused = upgrade(&installation, &second);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains(said), "{}", refused.stderr);
        assert_eq!(files(&installation), before);
    };
    for changed in [
        lock.replace("\"runner\"", "\"in_process\""),
        format!("{lock}isolate = \"tenant\"\n"),
        format!("{lock}allow_signing_bytes = true\n"),
    ] {
        installation.write("plugins.lock", &changed);
        refused("what the pin says besides the SHA-256 has changed");
    }
    installation.write("plugins.lock", "");
    refused("is not pinned any more");
    installation.write("plugins.lock", &lock);
    fs::rename(installation.path(APP), installation.path("old.so")).unwrap();
    fs::copy(installation.path(&second), installation.path(APP)).unwrap();
    refused("has changed since it was loaded");
    fs::rename(installation.path("old.so"), installation.path(APP)).unwrap();
    // A tenant file that cannot be used.
    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    installation.write("tenant.yaml", &tenant.replace("client_secret", "client_secrets"));
    refused("tenant.yaml");
    installation.write("tenant.yaml", &tenant);
    assert_eq!(upgrade(&installation, &second).code, 0);
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_lock_that_cannot_be_written_stops_an_upgrade() {
    let installation = in_runner();
    let server = Server::start(&installation);
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
    // Where the draft of the lock would be.
    fs::create_dir(installation.path("plugins.lock.new")).unwrap();
    installation.write("plugins.lock.new/file", "");
    let before = files(&installation);
    let refused = upgrade(&installation, &second);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("plugins.lock: it cannot be written"), "{}", refused.stderr);
    assert_eq!(files(&installation), before);
    assert_eq!(status(&installation)["version"], "0.1.0");
    fs::remove_dir_all(installation.path("plugins.lock.new")).unwrap();
    assert_eq!(upgrade(&installation, &second).code, 0);
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

/// A server of a user who may write only one of the two directories; the command runs as root.
#[test]
fn a_server_that_may_not_replace_both_files_replaces_neither() {
    for (writable, said) in [
        ("plugins", "plugins.lock: it cannot be written"),
        (".", "liblocum_plugin_app.so: cannot be replaced"),
    ] {
        let installation = in_runner();
        let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
        installation.write(
            "locum.toml",
            &config.replace("control.sock", "run/control.sock").replace("audit.log", "run/audit.log"),
        );
        fs::create_dir(installation.path("run")).unwrap();
        let run = |program: &str, arguments: &[&str]| {
            Command::new(program)
                .args(arguments)
                .current_dir(installation.path(""))
                .status()
                .unwrap()
                .success()
        };
        assert!(run("chmod", &["-R", "a+rX", "."]));
        let unprivileged = ["--reuid", "65534", "--regid", "65534", "--clear-groups"];
        if !run("chown", &["65534", "run", writable])
            || !run("setpriv", &[&unprivileged[..], &["true"]].concat())
        {
            return not_run(
                "upgrades of a server without privileges: this machine does not let the test start one",
            );
        }
        let mut command = Command::new("setpriv");
        command.args(unprivileged).args(["--bounding-set=-all", "--no-new-privs"]);
        command.arg(env!("CARGO_BIN_EXE_locum")).arg("serve").current_dir(installation.path(""));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let server = Server::of(command);
        let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
        let before = files(&installation);
        let refused = upgrade(&installation, &second);
        assert_eq!(refused.code, 1, "{writable}: {}", refused.stderr);
        assert!(refused.stderr.contains(said), "{writable}: {}", refused.stderr);
        assert_eq!(files(&installation), before, "{writable}");
        assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
        assert!(run("chown", &["65534", "plugins", "."]));
        let upgraded = upgrade(&installation, &second);
        assert_eq!(upgraded.code, 0, "{writable}: {}", upgraded.stderr);
        assert_eq!(status(&installation)["version"], "0.2.0");
    }
}

#[test]
fn a_plugin_in_the_servers_process_needs_a_restart() {
    let installation = controlled();
    let mut server = Server::start(&installation);
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
    let before = files(&installation);
    let refused = upgrade(&installation, &second);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("runs in the server's process"), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("by a rename, pin it with --in-process and restart the server"),
        "{}",
        refused.stderr
    );
    assert_eq!(files(&installation), before);
    // The server refuses it too, whoever asks, and deletes the staged file.
    let staged = installation.path("plugins/.liblocum_plugin_app.so.1.upgrade");
    fs::copy(installation.path(&second), &staged).unwrap();
    let sha256 = Sha256::of(&fs::read(&staged).unwrap()).to_string();
    let request = |staged: &Path| {
        let request = json!({"request": "upgrade", "plugin": "app", "staged": staged, "sha256": sha256});
        serde_json::from_str::<Value>(&send(&installation, format!("{request}\n").as_bytes())).unwrap()
    };
    let refused = request(&staged);
    assert!(refused["refused"].as_str().unwrap().contains("which never unloads code"), "{refused}");
    assert_eq!(files(&installation), before);
    server.wait_for("not upgraded");
}

#[test]
fn only_a_staged_file_with_the_hash_that_was_shown_is_loaded() {
    let installation = in_runner();
    let _server = Server::start(&installation);
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
    let bytes = fs::read(installation.path(&second)).unwrap();
    let before = files(&installation);
    let request = |staged: &str, sha256: Sha256| {
        let request = json!({"request": "upgrade", "plugin": "app", "staged": installation.path(staged), "sha256": sha256});
        let answer: Value =
            serde_json::from_str(&send(&installation, format!("{request}\n").as_bytes())).unwrap();
        answer["refused"].as_str().unwrap_or_default().to_owned()
    };
    for not_staged in
        ["second.so", "plugins/../second.so", "locum.toml", APP, "plugins/.x.upgrade/y", ".app.1.upgrade"]
    {
        let refused = request(not_staged, Sha256::of(&bytes));
        assert!(refused.contains("not a staged file of this plugin"), "{not_staged}: {refused}");
        assert_eq!(files(&installation), before, "{not_staged}");
    }
    let staged = "plugins/.liblocum_plugin_app.so.1.upgrade";
    let missing = request(staged, Sha256::of(&bytes));
    assert!(missing.contains("(not-found)"), "{missing}");
    fs::write(installation.path(staged), &bytes).unwrap();
    let changed = request(staged, Sha256::of(b"another"));
    assert!(changed.contains("(pin-mismatch)"), "{changed}");
    assert_eq!(files(&installation), before);
    std::os::unix::fs::symlink(installation.path(&second), installation.path(staged)).unwrap();
    let link = request(staged, Sha256::of(&bytes));
    assert!(link.contains("(symbolic-link)"), "{link}");
    fs::write(installation.path(staged), &bytes).unwrap();
    assert_eq!(request(staged, Sha256::of(&bytes)), "");
    assert_eq!(status(&installation)["version"], "0.2.0");
}

/// The lock of an interrupted upgrade.
fn interrupt(installation: &Installation, new: &str) {
    let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
    let next = Sha256::of(&fs::read(installation.path(new)).unwrap());
    installation
        .write("plugins.lock", &lock.replace("name = ", &format!("next_sha256 = \"{next}\"\nname = ")));
}

#[test]
fn a_start_after_an_interrupted_upgrade_serves_the_file_that_is_there() {
    for (renamed, version) in [(false, "0.1.0"), (true, "0.2.0")] {
        let installation = in_runner();
        let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
        interrupt(&installation, &second);
        installation.write("plugins/.liblocum_plugin_app.so.77.upgrade", "half a file");
        if renamed {
            fs::rename(installation.path(&second), installation.path(APP)).unwrap();
        }
        let listed = installation.locum(["plugin", "list", "--format", "json"]).stdout;
        assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()[0]["pinned"], "yes");
        assert_eq!(installation.locum(["check"]).code, 0);
        let mut server = Server::start(&installation);
        server.wait_for("an upgrade of liblocum_plugin_app.so was interrupted");
        assert_eq!(status(&installation)["version"], version);
        let lock = fs::read_to_string(installation.path("plugins.lock")).unwrap();
        let sha256 = Sha256::of(&fs::read(installation.path(APP)).unwrap());
        assert!(
            lock.contains(&format!("\nsha256 = \"{sha256}\"\n")) && !lock.contains("next_sha256"),
            "{lock}"
        );
        assert!(lock.contains(&format!("version = \"{version}\"")), "{lock}");
        assert!(!installation.path("plugins/.liblocum_plugin_app.so.77.upgrade").exists());
    }
}

#[test]
fn a_third_file_is_refused_after_an_interrupted_upgrade() {
    let installation = in_runner();
    let second = installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]);
    interrupt(&installation, &second);
    let third = installation.version_of("app", "third.so", &[("0.1.0", "0.3.0")]);
    fs::rename(installation.path(&third), installation.path(APP)).unwrap();
    let before = files(&installation);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // In use, so that a server that is not refused before does not go on either.
    let address = listener.local_addr().unwrap().to_string();
    let refused = installation.locum(["serve", "--listen", &address]);
    assert_eq!(refused.code, 4);
    assert!(refused.stderr.contains("pin-mismatch"), "{}", refused.stderr);
    assert_eq!(files(&installation), before);
}

/// Whenever the server is killed, a later one starts with a file that the lock pins.
#[test]
fn a_server_that_is_killed_during_an_upgrade_starts_again() {
    let installation = in_runner();
    let versions = [
        installation.version_of("app", "first.so", &[]),
        installation.version_of("app", "second.so", &[("0.1.0", "0.2.0")]),
    ];
    for round in 0..6 {
        let mut server = Server::start(&installation);
        let running = status(&installation)["version"] == "0.2.0";
        let lock = installation.path("plugins.lock");
        let mut command = installation.command();
        command.args(["plugin", "upgrade", "--yes", &versions[usize::from(!running)]]);
        let mut upgrade = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // As soon as the lock changes in even rounds, as soon as the file does in odd ones.
        let watched = if round % 2 == 0 { lock.clone() } else { installation.path(APP) };
        let before = fs::read(&watched).unwrap();
        while fs::read(&watched).unwrap() == before && upgrade.try_wait().unwrap().is_none() {}
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        upgrade.wait().unwrap();
        assert_eq!(installation.locum(["check"]).code, 0, "round {round}");
        let server = Server::start(&installation);
        assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"), "round {round}");
        let lock = fs::read_to_string(lock).unwrap();
        let sha256 = Sha256::of(&fs::read(installation.path(APP)).unwrap());
        assert!(
            lock.contains(&format!("\nsha256 = \"{sha256}\"\n")) && !lock.contains("next_sha256"),
            "{lock}"
        );
    }
}
