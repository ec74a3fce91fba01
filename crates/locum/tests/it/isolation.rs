//! The level at which plugins run: chosen when they are pinned, and what a server survives at the level `runner`.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use serde_json::{Value, json};

use crate::installation::{Installation, not_run};
use crate::serving::{Server, mint};

const APP: &str = "plugins/liblocum_plugin_app.so";

fn lock(installation: &Installation) -> String {
    fs::read_to_string(installation.path("plugins.lock")).unwrap()
}

fn isolation_in_list(installation: &Installation) -> Value {
    let listed = installation.locum(["plugin", "list", "--format", "json"]);
    serde_json::from_str::<Value>(&listed.stdout).unwrap()[0]["isolation"].clone()
}

#[test]
fn a_file_is_pinned_for_the_runner_unless_the_command_says_otherwise() {
    let installation = Installation::new();
    for (arguments, level) in [
        (&["plugin", "pin", "--yes", APP][..], "runner"),
        (&["plugin", "pin", "--yes", "--in-process", APP], "in_process"),
        (&["plugin", "pin", "--yes", APP], "runner"),
    ] {
        let output = installation.command().args(arguments).output().unwrap();
        assert!(
            String::from_utf8(output.stdout).unwrap().trim_end().ends_with(&format!("isolation {level}"))
        );
        assert!(lock(&installation).contains(&format!("isolation = \"{level}\"")));
        assert_eq!(isolation_in_list(&installation), level);
    }
}

#[test]
fn an_entry_without_a_level_runs_in_the_runner() {
    let installation = Installation::new();
    installation.write("plugins.lock", &lock(&installation).replace("isolation = \"in_process\"\n", ""));
    assert_eq!(isolation_in_list(&installation), "runner");
    let server = Server::start(&installation);
    assert_eq!(plugins_of(&server)[0]["isolation"], "runner");
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_plugin_has_a_process_for_each_tenant_if_it_is_pinned_so() {
    let installation = Installation::new();
    for (arguments, level, scope) in [
        (
            &["plugin", "pin", "--yes", "--isolate", "tenant", APP][..],
            "runner, one for each tenant",
            "tenant",
        ),
        (&["plugin", "pin", "--yes", APP], "runner", "plugin"),
    ] {
        let output = installation.command().args(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.trim_end().ends_with(&format!("isolation {level}")), "{said}");
        assert_eq!(lock(&installation).contains("isolate = \"tenant\""), scope == "tenant");
        assert!(installation.locum(["plugin", "list"]).stdout.contains(level));
        let listed = installation.locum(["plugin", "list", "--format", "json"]).stdout;
        let listed: Value = serde_json::from_str(&listed).unwrap();
        assert_eq!((&listed[0]["isolation"], &listed[0]["isolate"]), (&json!("runner"), &json!(scope)));
        let server = Server::start(&installation);
        let shown = plugins_of(&server);
        assert_eq!((&shown[0]["isolate"], &shown[0]["processes"]), (&json!(scope), &json!(1)));
        assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn a_process_for_each_tenant_is_refused_in_the_servers_process() {
    let installation = Installation::new();
    let before = lock(&installation);
    let refused = installation.locum(["plugin", "pin", "--yes", "--in-process", "--isolate", "tenant", APP]);
    assert_eq!(refused.code, 2);
    assert_eq!(lock(&installation), before);
    installation.write("plugins.lock", &(before + "isolate = \"tenant\"\n"));
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 4);
    assert!((checked.stdout + &checked.stderr).contains("need `isolation = \"runner\"`"));
}

#[test]
fn an_unknown_level_in_the_lock_file_is_refused() {
    let installation = Installation::new();
    installation.write("plugins.lock", &lock(&installation).replace("in_process", "anywhere"));
    let refused = installation.locum(["check"]);
    assert_eq!(refused.code, 4);
    assert!(refused.stdout.contains("anywhere") || refused.stderr.contains("anywhere"));
}

/// Runs the program where one system call has this error.
fn output_without(system_call: i64, error: i32, mut command: Command) -> Output {
    let rules = BTreeMap::from([(system_call, vec![])]);
    let error = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, error, TargetArch::x86_64).unwrap();
    let filter = BpfProgram::try_from(filter).unwrap();
    let filtered = std::thread::spawn(move || {
        seccompiler::apply_filter(&filter).unwrap();
        command.output().unwrap()
    });
    filtered.join().unwrap()
}

#[test]
fn both_levels_are_refused_where_the_sandbox_lacks_a_part() {
    let installation = Installation::new();
    let conformance = |level: &str| {
        let mut command = installation.command();
        command.args(["conformance", "--isolation", level, "--only", "an-unknown-scope-is-ignored", APP]);
        command
    };
    for (system_call, error, part) in [
        (libc::SYS_seccomp, libc::ENOSYS, "the seccomp filter"),
        (libc::SYS_close_range, libc::EPERM, "closing inherited descriptors"),
        (libc::SYS_pidfd_open, libc::ENOSYS, "a process descriptor"),
    ] {
        for level in ["both", "runner"] {
            let output = output_without(system_call, error, conformance(level));
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{said}");
            assert!(said.contains(part) && said.contains("--isolation in-process"), "{said}");
        }
    }
    // In this process nothing of that is needed, and landlock is needed nowhere.
    for (system_call, level) in
        [(libc::SYS_seccomp, "in-process"), (libc::SYS_landlock_create_ruleset, "both")]
    {
        let output = output_without(system_call, libc::ENOSYS, conformance(level));
        assert_ne!(output.status.code(), Some(3), "{output:?}");
    }
}

/// The plugins that `/readyz` shows.
fn plugins_of(server: &Server) -> Value {
    let body = server.readiness();
    assert_eq!(body["status"], "ok");
    body["plugins"].clone()
}

#[test]
fn readyz_shows_the_level_of_each_plugin() {
    let installation = Installation::new();
    let server = Server::start(&installation);
    assert_eq!(plugins_of(&server), json!([{"name": "app", "isolation": "in_process", "available": true}]));
    drop(server);
    installation.install_in_runner("app");
    let shown = plugins_of(&Server::start(&installation));
    assert_eq!((&shown[0]["isolation"], &shown[0]["available"]), (&json!("runner"), &json!(true)));
    assert!(shown[0]["landlock"].is_boolean() && shown[0]["no_new_code"].is_boolean(), "{shown}");
}

#[test]
fn a_strict_sandbox_is_refused_only_where_the_kernel_lacks_a_part_of_it() {
    let installation = Installation::new();
    installation.install_in_runner("app");
    let shown = plugins_of(&Server::start(&installation));
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("strict_sandbox = true\n{config}"));
    let checked = installation.locum(["check"]);
    let complete = shown[0]["landlock"] == true && shown[0]["no_new_code"] == true;
    assert_eq!(checked.code, if complete { 0 } else { 4 }, "{}", checked.stdout);
    installation.write("locum.toml", &format!("strict_sandbox = 1\n{config}"));
    let refused = installation.locum(["check"]);
    assert_eq!(refused.code, 3);
    assert!((refused.stdout + &refused.stderr).contains("strict_sandbox: expected true or false"));
}

#[test]
fn the_process_of_a_plugin_ends_with_the_server_even_if_that_is_killed() {
    let installation = Installation::new();
    installation.install_in_runner("app");
    let mut server = Server::start(&installation);
    let runners = children(server.child.id());
    assert_eq!(runners.len(), 1, "{runners:?}");
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let started = Instant::now();
    while !children_that_run(&runners).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::yield_now();
    }
}

/// As a user without privileges, with a /proc that hides all processes which that user may not look into.
#[test]
fn a_user_without_privileges_can_run_plugins_also_where_proc_hides_processes() {
    let installation = Installation::new();
    installation.install_in_runner("app");
    let open = Command::new("chmod").args(["-R", "a+rX"]).arg(installation.path("")).status().unwrap();
    assert!(open.success());
    let unprivileged = "exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --no-new-privs \"$0\" \"$@\"";
    let hidden = format!("mount -t proc -o hidepid=invisible proc /proc && {unprivileged}");
    for (isolated, script) in [(false, unprivileged.to_owned()), (true, hidden)] {
        let program = env!("CARGO_BIN_EXE_locum");
        let run = |argument: &str| {
            let mut command = Command::new(if isolated { "unshare" } else { "sh" });
            if isolated {
                command.args(["--mount", "--pid", "--fork", "sh"]);
            }
            command
                .args(["-c", &script, program, argument])
                .current_dir(installation.path(""))
                .output()
                .unwrap()
        };
        if !run("--version").status.success() {
            not_run("plugins of a user without privileges: this machine does not let the test become one");
            continue;
        }
        let checked = run("check");
        assert!(checked.status.success(), "{checked:?}");
    }
}

/// The processes whose parent is this one.
pub(crate) fn children(parent: u32) -> Vec<u32> {
    let processes =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let processes = processes.filter_map(|name| name.parse::<u32>().ok());
    processes
        .filter(|process| {
            status(*process).is_some_and(|status| status.contains(&format!("PPid:\t{parent}\n")))
        })
        .collect()
}

pub(crate) fn children_that_run(processes: &[u32]) -> Vec<u32> {
    let runs = |process: &u32| status(*process).is_some_and(|status| !status.contains("State:\tZ"));
    processes.iter().copied().filter(runs).collect()
}

fn status(process: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{process}/status")).ok()
}

/// What a plugin does in a call, with the status of the response and what the log says about it.
const DEATHS: [(&str, u16, &str); 5] = [
    ("abort", 500, "SIGABRT"),
    ("overflow_the_stack", 500, "more stack than a thread has"),
    ("allocate", 500, "SIGABRT"),
    ("socket", 500, "`socket`"),
    ("loop", 504, "did not return by its deadline"),
];

#[test]
fn a_server_survives_what_ends_a_plugin_and_audits_each_request_once() {
    let installation = Installation::new();
    installation.install("app");
    installation.install_in_runner("hostile");
    let targets: String = DEATHS
        .iter()
        .chain(&[("write_audit_line", 200, ""), ("nothing", 200, "")])
        .map(|(attempt, ..)| {
            format!("  - client_id: {attempt}\n    client_secret: {attempt}-secret-0123456789-0123456789\n    addons: {{hostile: {{attempt: {attempt}, when: issue}}}}\n")
        })
        .collect();
    installation.write(
        "tenant.yaml",
        &format!("domain: acme.example.com\ndefault: true\ndelegation:\n  rate_limit: {{size: 1000, per_minute: 1000}}\nclients:\n  - client_id: spa\n    client_secret: spa-secret-0123456789-0123456789\n{targets}"),
    );
    installation.write(
        "locum.toml",
        "listen = \"127.0.0.1:0\"\nplugins_dir = \"plugins\"\ntenants = [\"tenant.yaml\"]\n[audit]\nfile = \"audit.log\"\n[limits]\nissue_deadline_ms = 5000\n",
    );
    let mut server = Server::start(&installation);
    let token = mint(&installation);
    let mut requests = 0;
    let mut expect = |server: &Server, target: &str, status: u16| {
        let response = server.exchange_for(&token, &format!("&target={target}&api_type=hostile"));
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {response}");
        requests += 1;
    };
    for (attempt, code, cause) in DEATHS {
        expect(&server, attempt, code);
        let line = server.wait_for("a call ended the plugin's process");
        assert!(
            line.contains(cause) && line.contains("hostile") && line.contains("acme.example.com"),
            "{line}"
        );
        assert!(server.exchange(&token).starts_with("HTTP/1.1 200"), "{attempt}");
        expect(&server, "nothing", 200);
    }
    expect(&server, "write_audit_line", 200);
    server.signal("-TERM");
    assert!(server.child.wait().unwrap().success());
    let events = fs::read_to_string(installation.path("audit.log")).unwrap();
    let of_hostile = events.lines().filter(|line| line.contains("\"api_type\":\"hostile\"")).count();
    assert_eq!(of_hostile, requests, "{events}");
    assert!(!events.contains("\"event\":\"delegation\",\"outcome\":\"issued\",\"seq\":1}"));
}
