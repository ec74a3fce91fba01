//! `locum conformance URL --tenant FILE` against the server and the tenant file of an operator.

mod any_server;
mod variants;
mod written;

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::installation::{CommandOutput, Installation, ROOT, command_output};
use crate::serving::Server;

/// A tenant whose names, secrets and settings are not those of the suite.
const TENANT: &str = r#"domain: login.shop.example
signing_keys:
  - kid: "2026-05"
    private_key: ${file:keys/signing.pem}
clients:
  - client_id: partner
    client_secret: partner-secret-0123456789-0123456789
    is_first_party: false
  - client_id: shop
    client_secret: ${env:SHOP_SECRET}
    callbacks: ["https://shop.example/callback"]
  - client_id: new-app
    oidc_conformant: true
    jwt_configuration: { alg: RS256 }
  - client_id: api
    client_secret: ${file:keys/api-secret.txt}
    allowed_clients: [shop]
    addons:
      firebase:
        client_email: robot@shop-prod.iam.gserviceaccount.com
        private_key: ${file:keys/firebase.pem}
      azure_blob:
        accountName: shopfiles
        storageAccessKey: c2hvcC1rZXktMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=
        containerName: invoices
        container_read: true
        container_list: true
users:
  - { user_id: "auth0|alice", email: someone@shop.example, blocked: true }
"#;

const SHOP_SECRET: &str = "shop-secret-of-the-environment-0123456789";

fn installation(tenant: &str) -> Installation {
    let installation = Installation::new();
    fs::create_dir(installation.path("keys")).unwrap();
    for (name, key) in [("signing.pem", "tenant-rsa.pem"), ("firebase.pem", "layer.pem")] {
        fs::copy(format!("{ROOT}/fixtures/keys/{key}"), installation.path(&format!("keys/{name}"))).unwrap();
    }
    installation.write("keys/api-secret.txt", "api-secret-0123456789-0123456789-01234567\n");
    installation.write("tenant.yaml", tenant);
    installation
}

/// The same with the plugins of the tenant's add-ons.
fn installation_with_add_ons(tenant: &str) -> Installation {
    let installation = installation(tenant);
    installation.install("firebase");
    installation.install("azure_blob");
    installation
}

fn server(installation: &Installation) -> Server {
    Server::start_with(installation, &[("SHOP_SECRET", SHOP_SECRET)])
}

/// Tests the server at an address with `tenant.yaml`, and these further words.
fn conformance(installation: &Installation, address: &str, words: &[&str]) -> CommandOutput {
    let mut command = installation.command();
    command.env("SHOP_SECRET", SHOP_SECRET);
    command.args(["conformance", &format!("http://{address}"), "--tenant", "tenant.yaml"]).args(words);
    command_output(command.output().unwrap())
}

/// The report of a run as JSON, which must not fail.
fn passing_report(installation: &Installation, words: &[&str]) -> Value {
    let server = server(installation);
    let output = conformance(installation, &server.address, &[words, &["--format", "json"]].concat());
    assert_eq!(output.stderr, "");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(report["failures"], json!([]), "{words:?}");
    assert_eq!(output.code, 0, "{}", output.stderr);
    report
}

fn passed(report: &Value) -> u64 {
    report["counts"]["passed"].as_u64().unwrap()
}

/// The reason by case that was not run.
fn not_run(report: &Value) -> BTreeMap<String, String> {
    let profiles = report["profiles"].as_array().unwrap().iter();
    let listed = profiles.flat_map(|profile| profile["not_run"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed.map(|listed| (text(&listed["case"]), text(&listed["reason"]))).collect()
}

const ALL_PLUGINS: [&str; 6] = [
    "--plugins",
    "plugins/liblocum_plugin_app.so",
    "--plugins",
    "plugins/liblocum_plugin_firebase.so",
    "--plugins",
    "plugins/liblocum_plugin_azure_blob.so",
];

#[test]
fn an_operators_own_server_passes_and_what_cannot_be_asked_has_a_reason() {
    let report = passing_report(&installation(TENANT), &[]);
    assert!(passed(&report) >= 99, "{report:#}");
    let clients = json!([{ "api_type": "app", "caller": "shop", "target": "partner" }]);
    assert_eq!(report["implementation"]["clients"], clients);
    let not_run = not_run(&report);
    for (case, reason) in [
        ("one-request-is-refilled-per-minute", "needs a controllable clock"),
        ("a-blocked-stored-user-is-refused", "needs its own tenant"),
        ("an-oidc-conformant-client-is-refused/caller", "needs its own tenant"),
        ("the-settings-can-ask-for-the-longest-lifetime", "needs its own settings"),
        ("addresses-of-one-ipv6-network-share-a-bucket", "needs another client IP address"),
        ("an-unknown-setting-is-refused", "needs the plugin file"),
    ] {
        assert_eq!(not_run.get(case).map(String::as_str), Some(reason), "{case}");
    }
    let without_manifest = &not_run["all-cases-of-an-add-on (firebase)"];
    assert!(without_manifest.contains("name the plugin's file"), "{without_manifest}");
}

#[test]
fn the_add_ons_of_an_operator_pass_with_their_own_settings() {
    let report = passing_report(&installation_with_add_ons(TENANT), &ALL_PLUGINS);
    assert!(passed(&report) >= 200, "{}", passed(&report));
    let of = |api_type: &str, profile: &str| {
        let mut profiles = report["profiles"].as_array().unwrap().iter();
        let profile = profiles.find(|listed| listed["profile"] == profile).unwrap();
        let cases = profile["passed"].as_array().unwrap().iter();
        cases.filter(|case| case.as_str().unwrap().ends_with(&format!("({api_type})"))).count()
    };
    for api_type in ["app", "firebase", "azure_blob"] {
        assert!(of(api_type, "expiry") > 0 && of(api_type, "contract") > 0, "{api_type}");
    }
    let not_run = not_run(&report);
    let reason = &not_run["a-custom-token-has-the-claims-that-firebase-requires (firebase)"];
    assert_eq!(reason, "needs the settings of plugin.yaml; api has its own for firebase");
}

#[test]
fn a_server_with_other_limits_and_a_default_tenant_does_not_fail() {
    let installation = installation(TENANT);
    installation.write("other.yaml", "domain: other.shop.example\ndefault: true\nclients: []\n");
    let config = fs::read_to_string(installation.path("locum.toml")).unwrap();
    let config = config.replace("\"tenant.yaml\"", "\"tenant.yaml\", \"other.yaml\"");
    installation.write("locum.toml", &format!("{config}[limits]\nbody_bytes = 100000\n"));
    let not_run = not_run(&passing_report(&installation, &[]));
    for (case, reason) in [
        ("a-body-above-the-size-limit-is-refused", "needs limits.body_bytes below 70000"),
        ("a-host-without-a-tenant-is-refused", "needs a server without a default tenant"),
    ] {
        assert!(not_run[case].starts_with(reason), "{}", not_run[case]);
    }
}

#[test]
fn runs_that_follow_each_other_do_not_fail_although_the_address_is_refused() {
    // The bucket is not refilled meanwhile, however long the runs take.
    let slowly = "domain: login.shop.example\ndelegation: {rate_limit: {invalid_tokens: {per_minute: 1}}}";
    let installation = installation(&TENANT.replace("domain: login.shop.example", slowly));
    let server = server(&installation);
    let reasons: String = (0..4)
        .map(|_| {
            let output = conformance(&installation, &server.address, &[]);
            assert_eq!(output.code, 0, "{}", output.stdout);
            output.stdout
        })
        .collect();
    assert!(
        reasons.contains("not run: the server refuses this address for too many invalid tokens"),
        "{reasons}"
    );
}

#[test]
fn a_stopped_server_fails() {
    let installation = installation(TENANT);
    let stopped = server(&installation).address.clone();
    let output = conformance(&installation, &stopped, &["--format", "json"]);
    assert_eq!(output.code, 1, "{}", output.stderr);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(passed(&report), 0);
}

#[test]
fn the_tenant_file_is_read_as_the_server_reads_it() {
    let installation = installation(TENANT);
    let (from, to) = ("keys/api-secret.txt", "keys/none.txt");
    installation.write("tenant.yaml", &TENANT.replace(from, to).replace("[shop]", "shop"));
    let path = installation.path("tenant.yaml");
    let path = path.to_str().unwrap();
    let output = installation.locum(["conformance", "http://127.0.0.1:9", "--tenant", path]);
    let checked = installation.locum(["check"]);
    assert_eq!((output.code, checked.code), (3, 3));
    let lines: Vec<&str> = output.stderr.lines().map(|line| line.trim_start_matches("locum: ")).collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (line, text) in lines.iter().zip(["10:", "16:", "17:"]) {
        assert!(line.starts_with(&format!("{path}:{text}")), "{line}");
        assert!(checked.stdout.contains(line), "{line}\n{}", checked.stdout);
    }
}

#[test]
fn clients_can_be_named_and_a_client_that_cannot_be_used_is_refused_with_the_reason() {
    let installation = installation(TENANT);
    let server = server(&installation);
    let run = |words: &[&str]| {
        conformance(
            &installation,
            &server.address,
            &[&["--only", "an-unknown-scope-is-ignored"], words].concat(),
        )
    };
    let named = run(&["--caller", "shop", "--target", "api"]);
    assert_eq!(named.code, 0, "{}", named.stderr);
    assert!(named.stdout.contains("app: caller shop, target api\n"), "{}", named.stdout);
    for (words, code, why) in [
        (&["--caller", "nobody"][..], 3, "has no client nobody; check --caller"),
        (&["--target", "nobody"], 3, "has no client nobody; check --target"),
        (&["--caller", "partner"], 3, "partner cannot be the caller: it is a third-party client"),
        (&["--caller", "new-app"], 3, "new-app cannot be the caller: it is OIDC-conformant"),
        (&["--target", "new-app"], 3, "no client can be a target of app (new-app: it is OIDC-conformant"),
        (&["--caller", "api", "--target", "api"], 3, "no other client can be a target of app for api"),
        (&["--parameter", "colour=red"], 3, "no tested plugin has the parameter colour; check --parameter"),
        (&["--parameter", "colour"], 2, "write --parameter NAME=VALUE"),
        (&["--settings", "settings.json"], 2, "leave out --settings"),
    ] {
        let refused = run(words);
        assert_eq!(refused.code, code, "{words:?}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains(why), "{words:?}: {}", refused.stderr);
    }
}

#[test]
fn a_tenant_that_cannot_be_tested_is_refused_with_what_is_missing() {
    let installation = installation(TENANT);
    for (from, to, why) in [
        ("clients:\n", "delegation: { enabled: false }\nclients:\n", "it has delegation disabled"),
        (
            TENANT.split_once("clients:\n").unwrap().1,
            "  - { client_id: a }\n  - { client_id: b }\n",
            "no client of the tenant can be the caller (a: it has no client_secret",
        ),
    ] {
        installation.write("tenant.yaml", &TENANT.replacen(from, to, 1));
        let output = conformance(&installation, "127.0.0.1:9", &[]);
        assert_eq!(output.code, 3, "{}", output.stderr);
        assert!(
            output.stderr.contains("login.shop.example") && output.stderr.contains(why),
            "{}",
            output.stderr
        );
    }
}
