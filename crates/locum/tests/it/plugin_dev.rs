//! `locum plugin dev`: what it prints works when it is pasted, and shows what happens inside.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::installation::{Installation, not_run};
use crate::serving::signal;

/// A running command, and what it has printed so far.
struct Dev {
    child: Child,
    printed: BufReader<ChildStdout>,
}

impl Dev {
    fn start(installation: &Installation, plugin: &str, arguments: &[&str]) -> Self {
        installation.install(plugin);
        let file = format!("plugins/liblocum_plugin_{plugin}.so");
        let mut command = installation.command();
        command.args(["plugin", "dev", &file]).args(arguments).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap());
        Self { child, printed }
    }

    /// The next line that begins with this text.
    fn line(&mut self, start: &str) -> String {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert_ne!(self.printed.read_line(&mut line).unwrap(), 0, "it ended without `{start}`");
        }
        line.trim_end().to_owned()
    }

    /// As Ctrl-C does.
    fn interrupt(mut self) {
        signal(&self.child, "-INT");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

/// What a pasted line prints; `None` without curl.
fn pasted(line: &str) -> Option<Value> {
    if Command::new("curl").arg("--version").output().is_err() {
        not_run("the curl command of `locum plugin dev` (no curl)");
        return None;
    }
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_printed_command_gets_a_credential_and_a_token_with_a_wrong_secret_gets_none() {
    let installation = Installation::new();
    let mut dev = Dev::start(&installation, "wams", &[]);
    assert!(dev.line("wams ").contains(", isolation runner, listening on http://127.0.0.1:"));
    let command = dev.line("curl ");
    if let Some(answer) = pasted(&command) {
        assert!(answer["id_token"].as_str().unwrap().starts_with("ey"), "{answer}");
        dev.line("granted");
        // The id_token is signed with the client's secret; its signature ends before the next parameter.
        let signature = command.find("\",\"target\"").unwrap() - 8;
        let mut wrong = command.clone();
        wrong.replace_range(
            signature..signature + 4,
            if wrong[signature..].starts_with("AAAA") { "BBBB" } else { "AAAA" },
        );
        let refused = pasted(&wrong).unwrap();
        assert_eq!(refused["error"], "invalid_grant", "{refused}");
        assert!(dev.line("refused").contains("400 invalid_grant: "));
    }
    dev.interrupt();
}

#[test]
fn what_the_plugin_asks_upstreams_is_shown() {
    let installation = Installation::new();
    let mut dev = Dev::start(&installation, "aws", &[]);
    let command = dev.line("curl ");
    if let Some(answer) = pasted(&command) {
        assert_eq!(answer["Credentials"]["AccessKeyId"], "ASIAEXAMPLE", "{answer}");
        assert!(dev.line("upstream > POST ").starts_with("upstream > POST https://sts.amazonaws.com/ "));
        assert!(dev.line("upstream < ").starts_with("upstream < 200 "));
    }
    dev.interrupt();
}

#[test]
fn a_real_upstream_is_called_where_its_setting_is_named() {
    let installation = Installation::new();
    // Nobody listens there.
    let mut dev = Dev::start(&installation, "aws", &["--upstream-url", "endpoint=http://127.0.0.1:1"]);
    let command = dev.line("curl ");
    if let Some(answer) = pasted(&command) {
        assert_eq!(answer["error"], "temporarily_unavailable", "{answer}");
        assert!(dev.line("upstream > POST ").starts_with("upstream > POST http://127.0.0.1:1/"));
        assert!(dev.line("refused").contains(" 502 "));
    }
    dev.interrupt();
}

#[test]
fn after_a_change_the_cases_run_and_the_address_stays() {
    let installation = Installation::new();
    let spec = "plugin: wams\ncases: 0\nissuers: { wams: { settings: { masterkey: a-key-of-the-test } } }\n";
    std::fs::create_dir(installation.path("fixtures")).unwrap();
    installation.write("fixtures/plugin.yaml", spec);
    let mut dev = Dev::start(&installation, "wams", &["--watch"]);
    let first = dev.line("wams ");
    installation.write("fixtures/plugin.yaml", &spec.replace("a-key", "another-key"));
    assert!(dev.line("all ").split_whitespace().nth(2) == Some("0"), "no case fails");
    assert_eq!(dev.line("wams "), first);
    installation.write("fixtures/plugin.yaml", "plugin: wams\n");
    // It waits for the next change, and the mistake is no reason to end.
    installation.write("fixtures/plugin.yaml", &format!("{spec}# \n"));
    assert_eq!(dev.line("wams 0.1.0, isolation"), first);
    dev.interrupt();
}

#[test]
fn what_cannot_be_served_is_refused_with_a_reason() {
    let installation = Installation::new();
    let file = "plugins/liblocum_plugin_app.so";
    for (arguments, code, why) in [
        (["plugins", "--no-watch"], 2, "neither a plugin file nor a folder with a Cargo.toml"),
        ([file, "--listen=0.0.0.0:0"], 2, "an address of this machine only"),
        ([file, "--upstream-url=nowhere"], 2, "write SETTING=URL"),
        ([file, "--upstream-url=no_such_setting=https://login.example.com"], 3, "does not name an upstream"),
        (["locum.toml", "--no-watch"], 4, "not-a-shared-object"),
    ] {
        let [plugin, option] = arguments;
        let refused = installation.locum(["plugin", "dev", plugin, option]);
        assert_eq!(refused.code, code, "{arguments:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}
