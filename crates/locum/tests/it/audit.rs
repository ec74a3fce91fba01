//! The audit log and the log of `locum serve`: what they say, and that no failure of theirs costs a request, a reload or
//! the exit code.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::installation::{Installation, not_run};
use crate::serving::{Server, mint};

const REQUESTS: usize = 1000;

/// An installation whose rate limit is no limit, with this table `audit`.
fn installation(audit: &str) -> Installation {
    let installation = Installation::new();
    append(
        &installation.path("tenant.yaml"),
        "delegation:\n  rate_limit: {size: 100000, per_minute: 100000}\n",
    );
    append(&installation.path("locum.toml"), &format!("[audit]\n{audit}\n"));
    installation
}

fn append(path: &Path, text: &str) {
    File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Sends so many delegations and checks that each is answered with this status.
fn delegate(server: &Server, installation: &Installation, requests: usize, status: u16) {
    let token = mint(installation);
    let expected = format!("HTTP/1.1 {status} ");
    let batch = || {
        for _ in 0..requests / 4 {
            let response = server.exchange(&token);
            assert!(response.starts_with(&expected), "{response}");
            assert_eq!(response.contains("id_token"), status == 200, "{response}");
        }
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(batch);
        }
    });
}

/// Stops the server, which must end with exit code 0 in bounded time.
fn stop(server: &mut Server) {
    server.signal("-TERM");
    assert!(ended(server), "it was killed, or ended with an error");
}

fn ended(server: &mut Server) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        if let Some(status) = server.child.try_wait().unwrap() {
            return status.success();
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn events(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn codes(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["code"].as_str().unwrap()).collect()
}

/// A pipe that is full already, whose writers wait.
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut filler = Command::new("dd");
    // It opens the pipe once more, so that only its own writes do not wait.
    filler.args(["if=/dev/zero", "of=/dev/stdout", "bs=4096", "count=1000", "oflag=nonblock"]);
    filler.stdout(writer.try_clone().unwrap()).stderr(Stdio::null()).status().unwrap();
    (reader, writer)
}

#[test]
fn the_audit_file_has_start_pins_requests_reload_and_stop() {
    let installation = installation("file = \"audit.jsonl\"");
    let path = installation.path("audit.jsonl");
    let mut server = Server::start(&installation);
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
    assert!(server.exchange("not-a-token").starts_with("HTTP/1.1 400"));
    server.signal("-HUP");
    server.wait_for("reloaded");
    stop(&mut server);
    let head = server.wait_for("audit log stopped");

    let events = events(&path);
    assert_eq!(codes(&events), ["start", "pin_set", "sd", "fd", "reload", "stop"]);
    let inspected =
        installation.locum(["plugin", "inspect", "--format", "json", "plugins/liblocum_plugin_app.so"]);
    let inspected: Value = serde_json::from_str(&inspected.stdout).unwrap();
    assert_eq!(events[1]["plugins"][0]["sha256"], inspected["sha256"]);
    assert_eq!(events[1]["plugins"][0]["name"], "app");
    assert_eq!(events[2]["user_id"], "auth0|alice");
    assert_eq!(events[3]["error"], "invalid_grant");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let verified = installation.locum(["audit", "verify", "audit.jsonl"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
    let logged = verified.stdout.trim().rsplit(' ').next().unwrap();
    assert!(head.contains(logged), "{head} / {logged}");
    assert_eq!(installation.locum(["audit", "verify", "audit.jsonl", "--head", logged]).code, 0);
}

#[test]
fn a_verification_names_the_first_line_that_breaks_the_chain() {
    let installation = installation("file = \"audit.jsonl\"");
    let path = installation.path("audit.jsonl");
    let mut server = Server::start(&installation);
    delegate(&server, &installation, 8, 200);
    stop(&mut server);
    let good = fs::read_to_string(&path).unwrap();
    let head = installation.locum(["audit", "verify", "audit.jsonl"]).stdout;
    let head = head.trim().rsplit(' ').next().unwrap();

    fs::write(&path, good.replacen("auth0|alice", "auth0|alicf", 1)).unwrap();
    let refused = installation.locum(["audit", "verify", "audit.jsonl"]);
    assert_eq!(refused.code, 1);
    assert!(refused.stdout.starts_with("audit.jsonl:4: the chain breaks here: expected seq 4 with prev "));

    let all_but_the_last = good.lines().take(good.lines().count() - 1).map(|line| format!("{line}\n"));
    fs::write(&path, all_but_the_last.collect::<String>()).unwrap();
    assert_eq!(installation.locum(["audit", "verify", "audit.jsonl"]).code, 0);
    let refused = installation.locum(["audit", "verify", "audit.jsonl", "--head", head]);
    assert_eq!(refused.code, 1);
    assert!(refused.stdout.contains("the chain was cut off or written anew"), "{}", refused.stdout);

    assert_eq!(installation.locum(["audit", "verify", "missing.jsonl"]).code, 3);
    assert_eq!(installation.locum(["audit", "verify", "audit.jsonl", "--head", "12"]).code, 2);
}

#[test]
fn a_log_that_nobody_reads_costs_nothing() {
    let installation = installation("file = \"audit.jsonl\"");
    let (_reader, writer) = full_pipe();
    let mut server = Server::start_with_log(&installation, writer);
    delegate(&server, &installation, REQUESTS, 200);
    server.signal("-HUP");
    let path = installation.path("audit.jsonl");
    wait_for_code(&path, "reload");
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
    stop(&mut server);
    assert_eq!(events(&path).iter().filter(|event| event["code"] == "sd").count(), REQUESTS + 1);
}

#[test]
fn an_audit_log_on_a_pipe_that_nobody_reads_costs_nothing_and_its_losses_are_counted() {
    // 8 KiB hold about 16 of the events.
    let installation = installation("buffer_bytes = 8192");
    let (reader, writer) = full_pipe();
    let mut server = Server::start_with_log(&installation, writer);
    delegate(&server, &installation, REQUESTS, 200);

    let lines = BufReader::new(reader).lines().map(Result::unwrap);
    let mut events =
        lines.filter_map(|line| serde_json::from_str::<Value>(line.trim_start_matches('\0')).ok());
    let mut served = 0;
    let recovered = events.find(|event| {
        served += usize::from(event["code"] == "sd");
        event["code"] == "recovered"
    });
    let lost = usize::try_from(recovered.unwrap()["lost"].as_u64().unwrap()).unwrap();
    assert_eq!(served + lost, REQUESTS);
    assert!(lost > 0);
    stop(&mut server);
}

#[test]
fn a_log_whose_reader_died_costs_nothing() {
    let installation = installation("when_unavailable = \"open\"");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut server = Server::start_with_log(&installation, writer);
    delegate(&server, &installation, REQUESTS, 200);
    stop(&mut server);
}

#[test]
fn a_log_on_a_full_disk_costs_nothing_and_changes_no_exit_code() {
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let installation = installation("when_unavailable = \"open\"");
    let mut server = Server::start_with_log(&installation, full());
    delegate(&server, &installation, REQUESTS, 200);
    stop(&mut server);

    installation.write("locum.toml", "plugins_dir = \"plugins\"\ntenants = []\nunknown = 1\n");
    let refused = installation.command().arg("serve").stderr(full()).stdout(Stdio::null()).status().unwrap();
    assert_eq!(refused.code(), Some(3));
}

#[test]
fn an_audit_file_on_a_full_file_system_costs_nothing_and_its_losses_are_counted() {
    let disk = FullDisk::new();
    let file = disk.file("audit.jsonl");
    let installation = installation(&format!("file = {:?}\nbuffer_bytes = 100000", file));
    let mut server = Server::start(&installation);
    delegate(&server, &installation, REQUESTS, 200);
    server.wait_for("the audit log cannot be written");
    server.signal("-HUP");
    server.wait_for("reloaded");
    if disk.make_room() {
        let recovered = server.wait_for("the audit log is written again");
        stop(&mut server);
        let events = events(&file);
        let served = events.iter().filter(|event| event["code"] == "sd").count();
        let lost: u64 = events.iter().filter_map(|event| event["lost"].as_u64()).sum();
        // The lifecycle's own events may be among the lost.
        assert!(
            (REQUESTS..REQUESTS + 3).contains(&(served + usize::try_from(lost).unwrap())),
            "{served} {lost}"
        );
        assert!(recovered.contains(&format!("lost={lost}")), "{recovered}");
        let file = file.to_str().unwrap();
        assert_eq!(installation.locum(["audit", "verify", file]).code, 0);
    } else {
        stop(&mut server);
        server.wait_for("events were lost");
    }
}

#[test]
fn a_closed_audit_log_on_a_full_disk_refuses_without_a_credential() {
    let installation = installation("file = \"/dev/full\"\nwhen_unavailable = \"closed\"");
    let mut server = Server::start(&installation);
    delegate(&server, &installation, 20, 503);
    stop(&mut server);
}

#[test]
fn a_closed_audit_log_that_can_be_written_serves() {
    let installation = installation("file = \"audit.jsonl\"\nwhen_unavailable = \"closed\"");
    let mut server = Server::start(&installation);
    delegate(&server, &installation, 20, 200);
    // Not one event is in memory only.
    server.signal("-KILL");
    assert!(!ended(&mut server));
    let events = events(&installation.path("audit.jsonl"));
    assert_eq!(events.iter().filter(|event| event["code"] == "sd").count(), 20);
}

#[test]
fn a_moved_audit_file_is_continued_by_a_new_one_after_sighup() {
    let installation = installation("file = \"audit.jsonl\"");
    let path = installation.path("audit.jsonl");
    let mut server = Server::start(&installation);
    delegate(&server, &installation, 8, 200);
    fs::rename(&path, installation.path("audit.jsonl.1")).unwrap();
    server.signal("-HUP");
    server.wait_for("reloaded");
    delegate(&server, &installation, 8, 200);
    stop(&mut server);
    let count =
        |name: &str| events(&installation.path(name)).iter().filter(|event| event["code"] == "sd").count();
    // The last events before the signal may be written after it.
    let (old, new) = (count("audit.jsonl.1"), count("audit.jsonl"));
    assert!(old > 0 && new >= 8 && old + new == 16, "{old} {new}");
    assert_eq!(installation.locum(["audit", "verify", "audit.jsonl.1", "audit.jsonl"]).code, 0);
    assert_eq!(installation.locum(["audit", "verify", "audit.jsonl", "audit.jsonl.1"]).code, 1);
}

#[test]
fn the_log_filter_does_not_filter_the_audit_log() {
    let installation = installation("file = \"audit.jsonl\"");
    let mut command = installation.command();
    command.arg("serve").env("LOCUM_LOG", "off").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Server::of(command);
    delegate(&server, &installation, 4, 200);
    stop(&mut server);
    assert_eq!(codes(&events(&installation.path("audit.jsonl"))).len(), 7);
}

#[test]
fn the_head_of_the_chain_goes_to_the_log_at_intervals() {
    let installation = installation("file = \"audit.jsonl\"\nhead_interval_s = 1");
    let mut server = Server::start(&installation);
    let logged = server.wait_for("audit log head=");
    let head = logged.trim().rsplit("head=").next().unwrap().to_owned();
    delegate(&server, &installation, 4, 200);
    stop(&mut server);
    let verified = installation.locum(["audit", "verify", "audit.jsonl", "--head", &head]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}

#[test]
fn an_audit_log_that_cannot_be_opened_stops_the_start() {
    let missing = installation("file = \"missing/audit.jsonl\"");
    let refused = missing.locum(["serve"]);
    assert_eq!(refused.code, 5);
    assert!(refused.stderr.contains("missing/audit.jsonl: cannot open the audit file"), "{}", refused.stderr);
    let both = installation("file = \"audit.jsonl\"\nsocket = \"audit.sock\"");
    assert_eq!(both.locum(["check"]).code, 3);
    let neither_word = installation("when_unavailable = \"ajar\"");
    assert_eq!(neither_word.locum(["check"]).code, 3);
}

fn wait_for_code(path: &Path, code: &str) {
    let started = Instant::now();
    while !fs::read_to_string(path).unwrap().contains(&format!("\"code\":\"{code}\"")) {
        assert!(started.elapsed() < Duration::from_secs(20), "no event {code}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A file system with no room: a small tmpfs for who may mount one, `/dev/full` for others.
struct FullDisk {
    folder: TempDir,
    is_mounted: bool,
}

impl FullDisk {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder.path()).stderr(Stdio::null());
        let is_mounted = mount.status().is_ok_and(|status| status.success());
        if is_mounted {
            let mut filler = File::create(folder.path().join("filler")).unwrap();
            while filler.write(&[0; 4096]).is_ok() {}
        } else {
            not_run("an audit file on a disk that has room again: no file system can be mounted here");
        }
        Self { folder, is_mounted }
    }

    fn file(&self, name: &str) -> PathBuf {
        if self.is_mounted { self.folder.path().join(name) } else { PathBuf::from("/dev/full") }
    }

    /// False if this disk is full for ever.
    fn make_room(&self) -> bool {
        if self.is_mounted {
            fs::remove_file(self.folder.path().join("filler")).unwrap();
        }
        self.is_mounted
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        if self.is_mounted {
            let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
        }
    }
}
