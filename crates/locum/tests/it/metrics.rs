//! `metrics_listen`: a served process that is scraped over HTTP.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;

use crate::installation::Installation;
use crate::isolation::children;
use crate::serving::{Server, mint};

/// A server with a listener for metrics, whose port the system chose.
pub(crate) struct Watched {
    pub(crate) server: Server,
    metrics: String,
}

impl Watched {
    pub(crate) fn start(installation: &Installation) -> Self {
        let config = std::fs::read_to_string(installation.path("locum.toml")).unwrap();
        installation.write("locum.toml", &format!("metrics_listen = \"127.0.0.1:0\"\n{config}"));
        let mut server = Server::start_with(installation, &[("LOCUM_LOG", "info")]);
        let line = server.wait_for("metrics are served on http://");
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { server, metrics: address }
    }

    /// The response of the listener, with its headers.
    fn get(&self, path: &str, accept: &str) -> String {
        let mut stream = TcpStream::connect(&self.metrics).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    pub(crate) fn scrape(&self) -> Scrape {
        let response = self.get("/metrics", "application/openmetrics-text");
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        Scrape(response)
    }

    /// Status and what is waited for.
    fn readiness(&self) -> (u16, Vec<String>) {
        let response = self.get("/readyz", "*/*");
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        let body: Value = serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        let waiting_for = body["waiting_for"].as_array().unwrap().iter();
        (status, waiting_for.map(|it| it["name"].as_str().unwrap().to_owned()).collect())
    }
}

/// One scrape.
pub(crate) struct Scrape(String);

impl Scrape {
    /// The value of this series; `None` if there is none.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(line.parse().unwrap())
    }

    /// The names and labels of all series.
    fn series(&self) -> BTreeSet<String> {
        let lines = self.0.split("\r\n\r\n").nth(1).unwrap().lines();
        let series = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        series.map(|(series, _)| series.to_owned()).collect()
    }
}

fn requests(api_type: &str, outcome: &str) -> String {
    format!("locum_requests_total{{endpoint=\"delegation\",api_type=\"{api_type}\",outcome=\"{outcome}\"}}")
}

#[test]
fn what_was_sent_is_counted() {
    let installation = Installation::new();
    let watched = Watched::start(&installation);
    let token = mint(&installation);
    let before = watched.scrape();
    assert_eq!(before.value(&requests("app", "issued")), Some(0.0));
    assert_eq!(before.value(&requests("app", "invalid_grant")), None);

    for _ in 0..3 {
        assert!(watched.server.exchange(&token).starts_with("HTTP/1.1 200"));
    }
    assert!(watched.server.exchange_for("x.y.z", "&api_type=app").starts_with("HTTP/1.1 400"));
    assert!(watched.server.exchange("x.y.z").starts_with("HTTP/1.1 400"));

    let after = watched.scrape();
    assert_eq!(after.value(&requests("app", "issued")), Some(3.0));
    assert_eq!(after.value(&requests("app", "invalid_grant")), Some(1.0));
    assert_eq!(after.value(&requests("none", "invalid_grant")), Some(1.0));
    for (step, count) in [("authenticate", 5.0), ("admit", 3.0), ("issue", 3.0), ("audit", 5.0)] {
        let series = format!("locum_stage_duration_seconds_count{{stage=\"{step}\"}}");
        assert_eq!(after.value(&series), Some(count), "{step}");
    }
    let calls = "locum_plugin_calls_total{plugin=\"app\",op=\"issue\",outcome=\"answered\"}";
    let per_exchange = after.value(calls).unwrap() / 3.0;
    assert!(per_exchange >= 1.0, "{per_exchange}");
    let durations = "locum_plugin_call_duration_seconds_count{plugin=\"app\",isolation=\"in_process\"}";
    assert_eq!(after.value(durations), after.value(calls));
    // The user's bucket, and that of the address' invalid tokens.
    assert_eq!((before.value("locum_buckets"), after.value("locum_buckets")), (Some(0.0), Some(2.0)));
    assert_eq!(after.value("locum_audit_dropped_total"), Some(0.0));
    assert_eq!(after.value("locum_plugin_restarts_total{plugin=\"app\"}"), Some(0.0));
    assert_eq!(after.value("locum_signing_queue_length"), Some(0.0));
    // The tenants are in files.
    for name in ["lookups_total{outcome=\"absent\"}", "entries", "bytes", "age_seconds", "unusable_tenants"] {
        assert_eq!(after.value(&format!("locum_directory_{name}")), Some(0.0), "{name}");
    }
    watched.server.stop();
}

#[test]
fn the_process_is_measured() {
    let watched = Watched::start(&Installation::new());
    let scrape = watched.scrape();
    let value = |name: &str| scrape.value(name).unwrap_or_else(|| panic!("{name} is missing\n{}", scrape.0));
    assert!(value("process_cpu_seconds_total") > 0.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
    assert!(value("process_open_fds") > 3.0 && value("process_open_fds") < value("process_max_fds"));
    assert!(value("process_threads") > 2.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    // The clock of the boot is exact to a second or two.
    assert!((value("process_start_time_seconds") - now).abs() < 600.0);
    watched.server.stop();
}

/// A request that names a client, an api_type, a target and a host that nobody knows, and one for an unknown path.
fn hostile(n: u32) -> String {
    let body = format!(
        "client_id=client{n}&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer\
         &id_token=a{n}.b.c&api_type=kind{n}&target=target{n}&scope=scope{n}&device=device{n}"
    );
    format!(
        "POST /delegation HTTP/1.1\r\nhost: host{n}.example.com\r\nuser-agent: agent{n}\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}\
         GET /path{n}?{n} HTTP/1.1\r\nhost: host{n}.example.com\r\n\r\n",
        body.len()
    )
}

/// Sends these requests on one connection, and expects that each is refused.
fn send_hostile(server: &Server, requests: std::ops::Range<u32>) {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let count = requests.len();
    let sent: String = requests.map(hostile).collect();
    let mut reading = stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut answers = String::new();
        reading.read_to_string(&mut answers).unwrap();
        answers
    });
    stream.write_all(sent.as_bytes()).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let answers = reader.join().unwrap();
    assert_eq!(answers.matches("HTTP/1.1 403").count(), count);
    assert_eq!(answers.matches("HTTP/1.1 404").count(), count);
}

#[test]
fn hostile_requests_add_no_series() {
    let installation = Installation::new();
    let watched = Watched::start(&installation);
    let token = mint(&installation);
    send_hostile(&watched.server, 0..1);
    assert!(watched.server.exchange_for(&token, "&api_type=kind0").starts_with("HTTP/1.1 400"));
    let before = watched.scrape().series();

    for first in (1..10_001).step_by(100) {
        send_hostile(&watched.server, first..first + 100);
    }
    for n in 1..5 {
        // A known client and user: the request is refused when the target is known.
        let refused = watched.server.exchange_for(&token, &format!("&api_type=kind{n}&device=d{n}"));
        assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
    }

    let after = watched.scrape();
    assert_eq!(after.value(&requests("other", "unknown_client")), Some(10_001.0));
    assert_eq!(after.value(&requests("other", "invalid_request")), Some(5.0));
    assert_eq!(after.series(), before);
    for text in ["kind", "client1", "host1", "path1", "device", "agent", "alice", "spa"] {
        assert!(!after.series().iter().any(|series| series.contains(text)), "{text}");
    }
    watched.server.stop();
}

#[test]
fn the_older_format_has_the_same_values() {
    let watched = Watched::start(&Installation::new());
    let open_metrics = watched.scrape();
    let older = Scrape(watched.get("/metrics", "text/plain"));
    assert!(
        open_metrics.0.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open_metrics.0.ends_with("# EOF\n") && !older.0.contains("# EOF"));
    assert!(older.0.contains("content-type: text/plain; version=0.0.4; charset=utf-8"));
    assert!(older.0.contains("# TYPE locum_requests_total counter\n"));
    assert!(open_metrics.0.contains("# TYPE locum_requests counter\n"));
    assert_eq!(older.series(), open_metrics.series());
    watched.server.stop();
}

#[test]
fn a_refused_reload_shows_and_a_good_one_after_it() {
    let installation = Installation::new();
    let mut watched = Watched::start(&installation);
    let value = |watched: &Watched, name: &str| watched.scrape().value(name).unwrap();
    let started = value(&watched, "locum_tenant_reload_timestamp_seconds");
    assert_eq!(value(&watched, "locum_tenant_reload_success"), 1.0);
    let good = std::fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    installation.write("tenant.yaml", &good.replace("client_secret", "client_secrets"));
    watched.server.signal("-HUP");
    watched.server.wait_for("not reloaded");
    assert_eq!(value(&watched, "locum_tenant_reload_success"), 0.0);
    assert_eq!(value(&watched, "locum_tenant_reload_timestamp_seconds"), started);
    installation.write("tenant.yaml", &good);
    watched.server.signal("-HUP");
    watched.server.wait_for("reloaded");
    assert_eq!(value(&watched, "locum_tenant_reload_success"), 1.0);
    assert!(value(&watched, "locum_tenant_reload_timestamp_seconds") >= started);
    watched.server.stop();
}

#[test]
fn the_listener_names_what_the_server_waits_for() {
    let installation = Installation::new();
    let good = std::fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("{good}[audit]\nfile = \"/dev/full\"\n"));
    let mut watched = Watched::start(&installation);
    // The event of the start cannot be written.
    watched.server.wait_for("the audit log cannot be written");
    assert_eq!(watched.readiness(), (503, vec!["audit".to_owned()]));
    assert!(watched.get("/healthz", "*/*").starts_with("HTTP/1.1 200"));
    watched.server.signal("-TERM");
    assert!(watched.server.child.wait().unwrap().success());

    installation.write("locum.toml", &good);
    let watched = Watched::start(&installation);
    assert_eq!(watched.readiness(), (200, vec![]));
    watched.server.stop();
}

#[test]
fn nothing_of_the_other_listener_is_served() {
    let watched = Watched::start(&Installation::new());
    for path in ["/delegation", "/.well-known/jwks.json", "/"] {
        assert!(watched.get(path, "*/*").starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(watched.server.get("/metrics").starts_with("HTTP/1.1 404"));
    watched.server.stop();
}

#[test]
fn two_listeners_with_one_address_are_refused_and_every_address_is_warned_about() {
    let installation = Installation::new();
    let good = std::fs::read_to_string(installation.path("locum.toml")).unwrap();
    let with = |line: &str| installation.write("locum.toml", &format!("{line}\n{good}"));

    let fixed = good.replace("127.0.0.1:0", "127.0.0.1:3999");
    installation.write("locum.toml", &format!("metrics_listen = \"0.0.0.0:3999\"\n{fixed}"));
    for command in ["check", "serve"] {
        let refused = installation.locum([command]);
        assert_eq!(refused.code, 3, "{}", refused.stderr);
        let expected =
            "metrics_listen: metrics need an address or port of their own; 0.0.0.0:3999 is taken by `listen`";
        assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    }

    with("metrics_listen = \"0.0.0.0:9464\"");
    let warned = installation.locum(["check"]);
    assert_eq!(warned.code, 0, "{}", warned.stdout);
    assert!(
        warned.stdout.contains("warning: locum.toml: metrics_listen: 0.0.0.0:9464 is every address"),
        "{}",
        warned.stdout
    );

    with("metrics_listen = \"127.0.0.1:9464\"");
    let silent = installation.locum(["check"]);
    assert_eq!((silent.code, silent.stdout.contains("metrics_listen")), (0, false), "{}", silent.stdout);
}

#[test]
fn an_end_of_a_plugins_own_process_is_counted_and_calls_go_on() {
    let installation = Installation::new();
    installation.install_in_runner("app");
    let mut watched = Watched::start(&installation);
    let restarts = "locum_plugin_restarts_total{plugin=\"app\"}";
    assert_eq!(watched.scrape().value(restarts), Some(0.0));
    for runner in children(watched.server.child.id()) {
        assert!(Command::new("kill").args(["-9", &runner.to_string()]).status().unwrap().success());
    }
    watched.server.wait_for("the plugin's process ended and is started anew");
    // It waits for the next process.
    assert!(watched.server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
    let scrape = watched.scrape();
    assert_eq!(scrape.value(restarts), Some(1.0));
    let calls = "locum_plugin_call_duration_seconds_count{plugin=\"app\",isolation=\"runner\"}";
    assert!(scrape.value(calls) >= Some(1.0), "{}", scrape.0);
    assert_eq!(watched.readiness(), (200, vec![]));
    watched.server.stop();
}
