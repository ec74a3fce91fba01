//! A plugin that tries what it may not do: its process ends and says why, only its own call fails, and nothing outside
//! has changed. Each attempt is made in a call, while an issuer is configured, and in a constructor.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::IssuerFailure;
use locum_host::{LoadErrorCode, PluginSet};
use rustix::process::{Resource, getrlimit};
use serde_json::json;

use crate::harness::{
    ScriptedUpstreams, TestDirectory, configured, hostile, issue, load_in_runner, options, parrot, refused,
    take_log,
};

/// Of calls that end by themselves, on a machine that does much else.
const LONG_DEADLINE: Duration = Duration::from_secs(30);
const DEADLINE: Duration = Duration::from_millis(500);

/// What ends the process, with what the host says about it.
const DEATHS: [(&str, &str); 36] = [
    ("abort", "SIGABRT"),
    ("exit", "it called exit"),
    ("segv", "SIGSEGV"),
    ("overflow_the_stack", "more stack than a thread has"),
    ("allocate", "SIGABRT"),
    ("close_descriptors", "`close`"),
    ("dup2", "`dup2`"),
    ("raise_limits", "`prlimit64`"),
    ("socket", "`socket`"),
    ("connect", "`socket`"),
    ("open", "`open`"),
    ("openat", "`openat`"),
    ("read_file", "`openat`"),
    ("unlink", "`unlink`"),
    ("exec", "`execve`"),
    ("fork", "`fork`"),
    ("clone", "`clone`"),
    ("make_code", "`mprotect`"),
    ("map_code", "`mmap`"),
    ("ptrace", "`ptrace`"),
    ("read_memory", "`process_vm_readv`"),
    ("kill", "`kill`"),
    ("tgkill", "`tgkill`"),
    ("kill_itself", "`tgkill`"),
    ("handle_signals", "`rt_sigaction`"),
    ("undo_filter", "`seccomp`"),
    ("show_memory", "`prctl`"),
    ("io_uring", "`io_uring_setup`"),
    ("memfd", "`memfd_create`"),
    ("sleep", "`nanosleep`"),
    // These do not let the process say what it did: the only call in flight is the guilty one.
    ("thread", "such as starting a thread"),
    ("hide_signals", "such as starting a thread"),
    ("flood_control", "it was killed"),
    ("empty_control_message", "it was killed"),
    ("answer_on_all_lanes", "something that is not an answer"),
    ("announce_a_huge_answer", "something that is not an answer"),
];

/// What a plugin would reach if it could: a file, a listener, and this process.
struct Surroundings {
    directory: TestDirectory,
    canary: PathBuf,
    listener: TcpListener,
    limit: Option<u64>,
}

impl Surroundings {
    fn new() -> Self {
        let directory = TestDirectory::new();
        let canary = directory.file("canary", "unchanged");
        let listener = TcpListener::bind("127.0.0.2:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { directory, canary, listener, limit: getrlimit(Resource::As).current }
    }

    /// What this attempt is made on.
    fn target(&self, attempt: &str) -> String {
        match attempt {
            "connect" => self.listener.local_addr().unwrap().port().to_string(),
            "ptrace" | "kill" | "tgkill" | "read_memory" => std::process::id().to_string(),
            "exec" => "/bin/true".to_owned(),
            _ => self.canary.to_str().unwrap().to_owned(),
        }
    }

    #[track_caller]
    fn expect_unchanged(&self, attempt: &str) {
        assert_eq!(fs::read_to_string(&self.canary).unwrap(), "unchanged", "{attempt}");
        let connection = self.listener.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(connection, Err(std::io::ErrorKind::WouldBlock), "{attempt}");
        assert_eq!(getrlimit(Resource::As).current, self.limit, "{attempt}");
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(status.contains("TracerPid:\t0\n"), "{attempt}");
    }

    /// A copy of the hostile plugin whose constructor makes this attempt.
    fn hostile_constructor(&self, attempt: &str) -> PathBuf {
        let mut bytes = fs::read(hostile()).unwrap();
        let marker = b"LOCUM-TEST-CONSTRUCTOR|";
        let at = bytes.windows(marker.len()).position(|window| window == marker).unwrap() + marker.len();
        let text = format!("{attempt}|{}|", self.target(attempt));
        assert!(text.len() < 128 - marker.len(), "{text}");
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        self.directory.file("libhostile.so", bytes)
    }
}

fn load_hostile() -> PluginSet {
    load_in_runner(hostile(), options(Arc::new(ScriptedUpstreams::default()), LONG_DEADLINE)).unwrap()
}

fn load_other() -> PluginSet {
    load_in_runner(parrot(), options(Arc::new(ScriptedUpstreams::default()), LONG_DEADLINE)).unwrap()
}

/// The other plugin answers, and so does the one that died.
async fn expect_service(hostile: &PluginSet, other: &PluginSet, attempt: &str) {
    let answer = r#"{"kind":"issued","credential":{"text":"polly"},"issued_at":1900000000}"#;
    let parrot = configured(other, "parrot_text", json!({"answers": [answer]}));
    assert!(issue(&*parrot).await.is_ok(), "{attempt}");
    let harmless =
        configured(hostile, "hostile", json!({"attempt": "nothing", "when": "issue", "target": ""}));
    assert!(issue(&*harmless).await.is_ok(), "{attempt}");
}

#[tokio::test]
async fn an_attempt_in_a_call_ends_the_process_and_fails_only_that_call() {
    let (surroundings, hostile, other) = (Surroundings::new(), load_hostile(), load_other());
    for (deaths, (attempt, cause)) in (1..).zip(DEATHS) {
        let settings = json!({"attempt": attempt, "target": surroundings.target(attempt), "when": "issue"});
        let issuer = configured(&hostile, "hostile", settings);
        let _ = take_log();
        match issue(&*issuer).await {
            Err(IssuerFailure::ContractBroken(text)) => assert!(text.contains(cause), "{attempt}: {text}"),
            other => panic!("{attempt}: {other:?}"),
        }
        let log = take_log();
        assert!(log.contains("a call ended the plugin's process") && log.contains(cause), "{attempt}: {log}");
        for name in [r#"plugin="hostile""#, r#"tenant="acme.example.com""#, r#"api_type="hostile""#] {
            assert!(log.contains(name), "{attempt}: {log}");
        }
        expect_service(&hostile, &other, attempt).await;
        surroundings.expect_unchanged(attempt);
        let health = hostile.plugins().next().unwrap().health();
        assert_eq!((health.deaths, health.hangs, health.quarantined), (deaths, 0, false), "{attempt}");
    }
    assert_eq!(other.plugins().next().unwrap().health().deaths, 0);
}

#[tokio::test]
async fn an_attempt_while_configuring_is_a_refusal_of_that_configuration() {
    let (surroundings, hostile, other) = (Surroundings::new(), load_hostile(), load_other());
    for (attempt, cause) in DEATHS {
        let settings =
            json!({"attempt": attempt, "target": surroundings.target(attempt), "when": "configure"});
        let failure = refused(&hostile, "hostile", settings);
        assert!(failure.message.contains(cause), "{attempt}: {failure:?}");
        expect_service(&hostile, &other, attempt).await;
        surroundings.expect_unchanged(attempt);
    }
}

#[test]
fn an_attempt_in_a_constructor_is_refused_when_the_plugin_is_loaded() {
    let surroundings = Surroundings::new();
    for (attempt, cause) in DEATHS {
        let cause = match attempt {
            // Nobody reads the lanes before the plugin is asked for its manifest.
            "answer_on_all_lanes" | "announce_a_huge_answer" => "something else than a manifest",
            "flood_control" => "too many messages",
            "empty_control_message" => "ended before it was ready",
            _ => cause,
        };
        let file = surroundings.hostile_constructor(attempt);
        let options = options(Arc::new(ScriptedUpstreams::default()), DEADLINE);
        let error = load_in_runner(&file, options).map(|_| ()).unwrap_err();
        assert_eq!(error.code, LoadErrorCode::RunnerFailed, "{attempt}: {error}");
        assert!(error.cause.contains(cause), "{attempt}: {error}");
        surroundings.expect_unchanged(attempt);
    }
}

#[test]
fn a_constructor_that_does_nothing_is_run() {
    let file = Surroundings::new();
    let file = file.hostile_constructor("nothing");
    load_in_runner(&file, options(Arc::new(ScriptedUpstreams::default()), DEADLINE)).unwrap();
}

#[tokio::test]
async fn a_call_that_does_not_end_is_ended_at_its_deadline() {
    let options = options(Arc::new(ScriptedUpstreams::default()), DEADLINE);
    let (hostile, other) = (load_in_runner(hostile(), options).unwrap(), load_other());
    let issuer = configured(&hostile, "hostile", json!({"attempt": "loop", "when": "issue"}));
    match issue(&*issuer).await {
        Err(IssuerFailure::Hung(milliseconds)) => assert_eq!(u128::from(milliseconds), DEADLINE.as_millis()),
        other => panic!("{other:?}"),
    }
    configured(&hostile, "hostile", json!({"attempt": "nothing", "when": "issue"}));
    let answer = issue(&*configured(&other, "parrot_text", json!({"answers": ["x"]}))).await;
    assert!(matches!(answer, Err(IssuerFailure::ContractBroken(_))), "the other plugin answers nonsense");
    let health = hostile.plugins().next().unwrap().health();
    assert_eq!((health.hangs, health.quarantined), (1, false));
}

#[test]
fn a_configuration_that_does_not_end_is_ended_at_its_deadline() {
    let mut options = options(Arc::new(ScriptedUpstreams::default()), DEADLINE);
    options.configure_deadline = Duration::from_secs(2);
    let set = load_in_runner(hostile(), options).unwrap();
    for _ in 0..2 {
        let failure = refused(&set, "hostile", json!({"attempt": "loop", "when": "configure"}));
        assert!(failure.message.contains("did not answer within 2000 ms"), "{failure:?}");
    }
    configured(&set, "hostile", json!({"attempt": "nothing", "when": "configure"}));
}

#[tokio::test]
async fn what_a_plugin_writes_or_looks_for_is_seen_by_nobody() {
    let (surroundings, hostile) = (Surroundings::new(), load_hostile());
    for (attempt, text) in [
        ("write_audit_line", "write_audit_line: 50"),
        ("write_much", "write_much: 2097152"),
        ("forge_death", "forge_death: 10"),
        ("stat", "stat: -1"),
        ("nothing", "nothing: 0"),
    ] {
        let settings = json!({"attempt": attempt, "target": surroundings.target(attempt), "when": "issue"});
        let issued = issue(&*configured(&hostile, "hostile", settings)).await.unwrap();
        assert_eq!(serde_json::to_value(&issued.credential).unwrap(), json!({"text": text}));
    }
    assert!(!take_log().contains("delegation"));
    let health = hostile.plugins().next().unwrap().health();
    assert_eq!((health.deaths, health.hangs), (0, 0));
}

#[tokio::test]
async fn an_issuer_that_ends_the_process_three_times_is_paused_and_no_other() {
    let (hostile, other) = (load_hostile(), load_other());
    let issuer = configured(&hostile, "hostile", json!({"attempt": "abort", "when": "issue"}));
    for _ in 0..3 {
        assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::ContractBroken(_))));
    }
    assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::Quarantined)));
    assert_eq!(hostile.plugins().next().unwrap().health().deaths, 3);
    expect_service(&hostile, &other, "abort").await;
}
