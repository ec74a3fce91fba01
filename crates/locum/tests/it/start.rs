//! The start of `locum serve`: signals that arrive before it listens, and the filter of its log.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::installation::Installation;
use crate::serving::{Server, signal};

/// An installation whose start takes long enough to send signals: its tenant has many keys to try.
fn slow_installation() -> Installation {
    let installation = Installation::new();
    let mut tenant = std::fs::read_to_string(installation.path("tenant.yaml")).unwrap();
    tenant.push_str("signing_keys:\n");
    for index in 0..400 {
        tenant.push_str(&format!("  - {{kid: k{index}, private_key: '${{file:key.pem}}'}}\n"));
    }
    installation.write("tenant.yaml", &tenant);
    installation.write("key.pem", include_str!("../../../../fixtures/keys/tenant-rsa.pem"));
    installation
}

/// Starts `serve` and returns as soon as it handles SIGHUP and SIGTERM.
fn start(installation: &Installation) -> Child {
    let mut command = installation.command();
    let child = command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let handled = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        let caught = u64::from_str_radix(caught, 16).unwrap();
        let (hangup, terminate) = (1 << 0, 1 << 14);
        caught & hangup != 0 && caught & terminate != 0
    };
    while !handled() {
        sleep(Duration::from_millis(1));
    }
    child
}

#[test]
fn a_sigterm_during_the_start_ends_it_with_0() {
    let installation = slow_installation();
    let child = start(&installation);
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "", "it listened before the signal came");
}

#[test]
fn a_sighup_during_the_start_reloads_after_it() {
    let installation = slow_installation();
    let mut child = start(&installation);
    signal(&child, "-HUP");
    let sent = Instant::now();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("listening on "), "{line}");
    assert!(sent.elapsed() > Duration::from_millis(20), "it listened before the signal came");
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut seen = String::new();
    while !seen.contains(" reloaded ") {
        assert_ne!(log.read_line(&mut seen).unwrap(), 0, "{seen}");
    }
    assert!(seen.contains("reload started"), "{seen}");
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("reload started"), "{rest}");
}

#[test]
fn an_unusable_log_filter_is_named() {
    let installation = Installation::new();
    for (filter, complaint) in [
        ("wran", "LOCUM_LOG is ignored: `wran` is not a level; write "),
        ("audit=inof", "LOCUM_LOG is ignored: it is not a filter; write "),
    ] {
        let mut server = Server::start_with(&installation, &[("LOCUM_LOG", filter)]);
        server.wait_for(complaint);
    }
    let mut server = Server::start_with(&installation, &[("LOCUM_LOG", "warn,audit=info")]);
    server.signal("-TERM");
    server.child.wait().unwrap();
    assert!(!server.rest_of_log().contains("LOCUM_LOG"));
}
