//! Files that are no regular files, too large, or writable by others.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::installation::{Installation, not_run};
use crate::serving::{Server, mint};

/// Replaces a file by a pipe that nobody writes to: opening it to read would wait forever.
fn make_pipe(installation: &Installation, name: &str) {
    let path = installation.path(name);
    if path.exists() {
        fs::remove_file(&path).unwrap();
    }
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
}

fn set_mode(installation: &Installation, name: &str, mode: u32) {
    fs::set_permissions(installation.path(name), Permissions::from_mode(mode)).unwrap();
}

fn with_key_file(installation: &Installation) {
    let tenant = fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    let tenant = tenant.replace("spa-secret-0123456789-0123456789", "${file:secret.txt}");
    installation.write("tenant.yaml", &tenant);
    installation.write("secret.txt", "spa-secret-0123456789-0123456789\n");
    assert_eq!(installation.locum(["check"]).code, 0);
}

#[test]
fn a_pipe_a_device_a_directory_and_a_large_file_are_refused_at_once() {
    let not_a_file = "it is not a regular file";
    for name in ["locum.toml", "tenant.yaml", "secret.txt"] {
        let installation = Installation::new();
        with_key_file(&installation);
        let refused = |why: &str| {
            let refused = installation.locum(["serve"]);
            assert_eq!(refused.code, 3, "{}", refused.stderr);
            assert!(refused.stderr.contains(name) && refused.stderr.contains(why), "{}", refused.stderr);
        };
        make_pipe(&installation, name);
        refused(not_a_file);
        let path = installation.path(name);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        refused(not_a_file);
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        refused(not_a_file);
        fs::remove_file(&path).unwrap();
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        refused("it is larger than ");
    }
}

#[test]
fn a_pipe_as_a_key_file_does_not_stop_later_reloads() {
    let installation = Installation::new();
    with_key_file(&installation);
    let mut server = Server::start(&installation);
    make_pipe(&installation, "secret.txt");
    server.signal("-HUP");
    server.wait_for("reload started");
    assert!(server.wait_for("not reloaded").contains("it is not a regular file"));
    fs::remove_file(installation.path("secret.txt")).unwrap();
    installation.write("secret.txt", "another-secret-0123456789-0123456789\n");
    server.signal("-HUP");
    server.wait_for(" reloaded ");
    assert!(server.exchange(&mint(&installation)).starts_with("HTTP/1.1 200"));
}

#[test]
fn files_that_others_can_change_are_warned_about_and_refused_if_the_config_is_strict() {
    for name in [
        "locum.toml",
        "tenant.yaml",
        "secret.txt",
        "plugins.lock",
        "plugins",
        "plugins/liblocum_plugin_app.so",
    ] {
        let installation = Installation::new();
        with_key_file(&installation);
        let own_mode = if name == "plugins" { 0o755 } else { 0o644 };
        for mode in [own_mode | 0o020, own_mode | 0o002] {
            set_mode(&installation, name, mode);
            let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
            let warned = installation.locum(["check"]);
            assert_eq!(warned.code, 0, "{}", warned.stdout);
            let named =
                |line: &&str| line.contains(&format!("{name}: every user ")) && line.contains("chmod go-w");
            let lines: Vec<&str> = warned.stdout.lines().filter(named).collect();
            assert!(lines.len() == 1 && lines[0].starts_with("warning: "), "{}", warned.stdout);

            installation.write("locum.toml", &format!("strict_permissions = true\n{config}"));
            let refused = installation.locum(["check"]);
            assert_eq!(refused.code, 3, "{}", refused.stdout);
            assert!(refused.stdout.lines().any(|line| line.starts_with("problem: ") && named(&line)));
            let refused = installation.locum(["serve"]);
            assert_eq!(refused.code, 3, "{}", refused.stderr);
            assert!(refused.stderr.lines().any(|line| named(&line)), "{}", refused.stderr);

            set_mode(&installation, name, own_mode);
            let corrected = installation.locum(["check"]).stdout;
            assert!(corrected.starts_with("plugins: 1, tenants: 1, problems: 0\nreach: "), "{corrected}");
            installation.write("locum.toml", &config);
        }
    }
}

#[test]
fn a_reload_of_files_that_others_can_change_is_refused_if_the_config_is_strict() {
    let installation = Installation::new();
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    installation.write("locum.toml", &format!("strict_permissions = true\n{config}"));
    let mut server = Server::start(&installation);
    set_mode(&installation, "tenant.yaml", 0o666);
    server.signal("-HUP");
    assert!(server.wait_for("not reloaded").contains("every user can change it"));
    set_mode(&installation, "tenant.yaml", 0o644);
    server.signal("-HUP");
    server.wait_for(" reloaded ");
}

#[test]
fn the_server_writes_no_core_file_and_cannot_be_attached_to() {
    let installation = Installation::new();
    let server = Server::start(&installation);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    // The kernel gives the files of a process that is not dumpable to root, whoever runs it.
    let own = Command::new("setpriv").args(["--reuid=65534", "--clear-groups", "true"]).status();
    if own.is_ok_and(|status| status.success()) {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--clear-groups", env!("CARGO_BIN_EXE_locum"), "token", "inspect"]);
        let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        let environment = format!("/proc/{}/environ", child.id());
        let owner = || std::os::unix::fs::MetadataExt::uid(&fs::metadata(&environment).unwrap());
        let is_ours = || fs::read_link(format!("/proc/{}/exe", child.id())).unwrap().ends_with("locum");
        let started = Instant::now();
        while !(is_ours() && owner() == 0) && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (is_ours, owner) = (is_ours(), owner());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((is_ours, owner), (true, 0), "the process is dumpable");
    } else {
        not_run("whether another program can attach to `locum`: setpriv cannot change the user here");
    }
}
