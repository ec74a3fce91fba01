//! Invalid plugin files: `check` and `serve` name the file and the remedy, and exit with 4.

use std::fs;

use locum_host::Sha256;
use serde_json::Value;

use crate::installation::Installation;

/// Replaces the plugin's bytes and returns the error of `serve`, or of `plugin pin` if that refuses the file already.
fn refused_when(tamper: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let installation = Installation::new();
    let bytes = fs::read(installation.plugin()).unwrap();
    fs::remove_file(installation.path("plugins.lock")).unwrap();
    fs::write(installation.plugin(), tamper(bytes)).unwrap();
    // Pinned again, so that `serve` checks the file's contents and not its hash.
    let pin =
        installation.locum(["plugin", "pin", "--yes", "--in-process", "plugins/liblocum_plugin_app.so"]);
    let serve = installation.locum(["serve"]);
    assert_eq!(serve.code, 4, "{}", serve.stderr);
    if pin.code == 0 { serve.stderr } else { pin.stderr }
}

#[test]
fn check_finds_no_problem_in_a_valid_installation() {
    let checked = Installation::new().locum(["check"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (0, "plugins: 1, tenants: 1, problems: 0\nreach: acme.example.com: spa by every client\n"),
        "{}",
        checked.stderr
    );
}

#[test]
fn an_unpinned_file_is_refused_with_the_command_that_pins_it() {
    let installation = Installation::new();
    fs::remove_file(installation.path("plugins.lock")).unwrap();
    let (checked, served) = (installation.locum(["check"]), installation.locum(["serve"]));
    assert_eq!((checked.code, served.code), (4, 4));
    for refused in [checked.stdout, served.stderr] {
        assert!(refused.contains("liblocum_plugin_app.so"), "{refused}");
        assert!(refused.contains("locum plugin pin"), "{refused}");
    }
}

#[test]
fn every_plugin_that_cannot_be_loaded_is_named_in_one_run_with_the_problems_of_the_tenants() {
    let installation = Installation::new();
    installation.write("plugins/a.so", "not a library\n");
    installation.write("plugins/b.so", "not a library either\n");
    installation.write("tenant.yaml", "domain: acme.example.com\nclient: []\n");
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 4);
    let named = |text: &str| checked.stdout.lines().filter(|line| line.contains(text)).count();
    assert_eq!((named("a.so: "), named("b.so: "), named("(not-pinned)")), (1, 1, 2), "{}", checked.stdout);
    assert_eq!((named("tenant.yaml:2:1: "), named("problem: ")), (1, 3), "{}", checked.stdout);
    assert_eq!(installation.locum(["serve"]).stderr.matches("not-pinned").count(), 2);
}

#[test]
fn a_file_that_changed_after_pinning_is_refused_with_both_hashes() {
    let installation = Installation::new();
    let mut bytes = fs::read(installation.plugin()).unwrap();
    bytes.extend_from_slice(b"\0");
    fs::write(installation.plugin(), bytes).unwrap();
    let refused = installation.locum(["serve"]);
    assert_eq!(refused.code, 4);
    assert_eq!(
        refused.stderr.matches("sha256").count() + refused.stderr.matches("found ").count(),
        2,
        "{}",
        refused.stderr
    );
}

#[test]
fn a_truncated_file_is_refused_before_its_code_runs() {
    let refused = refused_when(|bytes| bytes[..bytes.len() / 2].to_vec());
    assert!(refused.contains("liblocum_plugin_app.so"), "{refused}");
}

#[test]
fn a_file_for_another_machine_is_refused() {
    let refused = refused_when(|mut bytes| {
        // e_machine of an ELF header; 0xf3 is RISC-V.
        bytes[18] = 0xf3;
        bytes
    });
    assert!(refused.contains("machine"), "{refused}");
}

#[test]
fn a_text_file_is_refused() {
    let refused = refused_when(|_| b"not a library\n".to_vec());
    assert!(refused.contains("liblocum_plugin_app.so"), "{refused}");
}

#[test]
fn two_plugins_for_one_api_type_are_refused_by_naming_both() {
    let installation = Installation::new();
    fs::copy(installation.plugin(), installation.path("plugins/second.so")).unwrap();
    assert_eq!(installation.locum(["plugin", "pin", "--yes", "--in-process", "plugins/second.so"]).code, 0);
    let refused = installation.locum(["serve"]);
    assert_eq!(refused.code, 4);
    assert!(
        refused.stderr.contains("liblocum_plugin_app.so") && refused.stderr.contains("second.so"),
        "{}",
        refused.stderr
    );
}

#[test]
fn list_shows_which_files_are_pinned_and_which_changed() {
    let installation = Installation::new();
    let pinned = |installation: &Installation| {
        let listed = installation.locum(["plugin", "list", "plugins", "--format", "json"]);
        assert_eq!(listed.code, 0);
        serde_json::from_str::<Value>(&listed.stdout).unwrap()[0]["pinned"].clone()
    };
    assert_eq!(pinned(&installation), "yes");
    let mut bytes = fs::read(installation.plugin()).unwrap();
    bytes.extend_from_slice(b"\0");
    fs::write(installation.plugin(), bytes).unwrap();
    assert_eq!(pinned(&installation), "changed");
    fs::remove_file(installation.path("plugins.lock")).unwrap();
    assert_eq!(pinned(&installation), "no");
}

#[test]
fn list_names_the_problem_of_a_file_that_cannot_be_loaded() {
    let installation = Installation::new();
    installation.write("plugins/notes.so", "not a library\n");
    let listed = installation.locum(["plugin", "list"]);
    assert_eq!(listed.code, 0);
    let line = listed.stdout.lines().find(|line| line.starts_with("notes.so")).unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>().join(" "),
        "notes.so - - - - - the file is not an ELF file"
    );
}

#[test]
fn inspect_shows_the_manifest() {
    let installation = Installation::new();
    let shown = installation.locum(["plugin", "inspect", "plugins/liblocum_plugin_app.so"]);
    assert_eq!(shown.code, 0);
    assert!(
        shown.stdout.contains("api_type app\n  lifetime    1 to 2592000 s, default 36000 s"),
        "{}",
        shown.stdout
    );
}

#[test]
fn inspect_shows_what_an_operator_agrees_to() {
    let installation = Installation::new();
    for (plugin, expected) in [
        ("aws", "contract  2, requires signs_with\nlibraries "),
        ("aws", "https://sts.*.amazonaws.com, where `*` is any one label"),
        ("aws", "the origin of the URL in the setting `endpoint`"),
        ("azure_blob", "the parameter `blobName` may replace the setting `blobName`"),
        ("firebase", "private_key: held by the host, and withheld from the plugin"),
        ("firebase", "secret: given to the plugin, and withheld from its messages and log lines"),
        ("wams", "masterkey (required), "),
        ("aws", "  expiry skew none\n"),
        ("aws", "  keeps       none\n"),
        (
            "linkable",
            "  expiry skew up to 30 s later than granted, because the clock of the upstream may be ahead\n",
        ),
        ("linkable", "  keeps       values between requests, in the server's memory, for each add-on\n"),
    ] {
        installation.install(plugin);
        let kind = if plugin == "linkable" { "test" } else { "plugin" };
        let file = format!("plugins/liblocum_{kind}_{plugin}.so");
        let inspected = installation.locum(["plugin", "inspect", &file]);
        assert!(inspected.stdout.contains(expected), "{plugin}: {}", inspected.stdout);
    }
}

#[test]
fn check_shows_what_issuers_log_while_they_are_configured() {
    let tenant = |key: &str| {
        format!(
            "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: spa-secret-0123456789-0123456789\n    addons:\n      stamp: {{ audience: a, key: {key} }}\n"
        )
    };
    let (short, long) = ("a-key-of-24-bytes-1234567", "a-key-of-32-bytes-or-more-1234567890");
    let logged = "/tenant.yaml:6:14: client spa: stamp logged WARN while it was configured: a key of 32 bytes is better than ";
    for in_runner in [false, true] {
        let installation = Installation::new();
        if in_runner {
            installation.install_in_runner("linkable");
        } else {
            installation.install("linkable");
        }
        installation.write("tenant.yaml", &tenant(short));
        let checked = installation.locum(["check"]);
        assert_eq!(checked.code, 0, "{}", checked.stdout);
        let shown = checked.stdout.lines().filter(|line| line.starts_with("log: ") && line.contains(logged));
        assert_eq!(shown.count(), 1, "{}", checked.stdout);
        assert!(!checked.stdout.contains(short), "{}", checked.stdout);
        let json = installation.locum(["check", "--format", "json"]).stdout;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["logs"].as_array().unwrap().len(), 1, "{json}");

        installation.write("tenant.yaml", &tenant(long));
        let checked = installation.locum(["check"]).stdout;
        assert!(checked.starts_with("plugins: 2, tenants: 1, problems: 0\nreach: "), "{checked}");

        // The settings are refused, after a line is logged.
        installation.write("tenant.yaml", &tenant("\"\""));
        let refused = installation.locum(["check"]);
        assert_eq!(refused.code, 1, "{}", refused.stdout);
        assert!(refused.stdout.contains(logged), "{}", refused.stdout);
    }
}

#[test]
fn inspect_shows_where_a_file_would_run() {
    let installation = Installation::new();
    let file = "plugins/liblocum_plugin_app.so";
    let shown = |expected: &str, pinned: &str, isolation: Value| {
        let text = installation.locum(["plugin", "inspect", file]).stdout;
        assert!(text.contains(expected), "{text}");
        let json = installation.locum(["plugin", "inspect", "--format", "json", file]).stdout;
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["pinned"], &json["isolation"]), (&pinned.into(), &isolation));
    };
    fs::remove_file(installation.path("plugins.lock")).ok();
    shown("isolation runner, once it is pinned", "no", Value::Null);
    assert_eq!(installation.locum(["plugin", "pin", "--yes", "--in-process", file]).code, 0);
    shown("isolation in_process, as pinned in", "yes", "in_process".into());
    assert_eq!(installation.locum(["plugin", "pin", "--yes", "--isolate", "tenant", file]).code, 0);
    shown("isolation runner, one for each tenant, as pinned in", "yes", "runner".into());
    let mut bytes = fs::read(installation.plugin()).unwrap();
    bytes.push(0);
    fs::write(installation.plugin(), bytes).unwrap();
    shown("but the file has changed, and is refused until pinned again", "changed", "runner".into());
}

#[test]
fn inspect_shows_which_libraries_a_plugin_needs_and_how_its_memory_is_protected() {
    let installation = Installation::new();
    let shown = installation.locum(["plugin", "inspect", "plugins/liblocum_plugin_app.so"]).stdout;
    assert!(shown.contains("libc.so.6") && shown.contains("stack not executable"), "{shown}");
    let json =
        installation.locum(["plugin", "inspect", "--format", "json", "plugins/liblocum_plugin_app.so"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(json["elf"]["libraries"].as_array().unwrap().contains(&"libc.so.6".into()), "{json}");
}

#[test]
fn a_file_that_needs_another_library_is_refused_by_inspect_pin_check_and_serve() {
    let installation = Installation::new();
    let mut bytes = fs::read(installation.plugin()).unwrap();
    let name = b"libgcc_s.so.1\0";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[at..at + name.len()].copy_from_slice(b"libmine.so.12\0");
    fs::write(installation.plugin(), &bytes).unwrap();
    // The pin is right: an older version may have written it.
    let pin = "[[plugin]]\nfile = \"liblocum_plugin_app.so\"\nname = \"app\"\nversion = \"1\"\n";
    installation.write("plugins.lock", &format!("{pin}sha256 = \"{}\"\n", Sha256::of(&bytes)));
    let file = "plugins/liblocum_plugin_app.so";
    for refused in [
        installation.locum(["plugin", "inspect", file]),
        installation.locum(["plugin", "pin", "--yes", file]),
        installation.locum(["check"]),
        installation.locum(["serve"]),
    ] {
        assert_eq!(refused.code, 4, "{}", refused.stderr);
        let said = refused.stdout + &refused.stderr;
        assert!(said.contains("`libmine.so.12`"), "{said}");
    }
}

#[test]
fn pinning_without_confirmation_is_refused() {
    let installation = Installation::new();
    let refused = installation.locum(["plugin", "pin", "plugins/liblocum_plugin_app.so"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
}
