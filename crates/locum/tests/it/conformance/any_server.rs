//! `locum conformance URL --profile token-exchange` against the server of an operator, with its default limits.

use serde_json::{Value, json};

use super::{SHOP_SECRET, installation, server};
use crate::installation::{CommandOutput, Installation, command_output};

const TENANT: &str = r#"domain: login.shop.example
default: true
signing_keys:
  - kid: "2026-05"
    private_key: ${file:keys/signing.pem}
clients:
  - client_id: shop
    client_secret: ${env:SHOP_SECRET}
  - client_id: api
    client_secret: ${file:keys/api-secret.txt}
    resources: ["https://api.shop.example/"]
"#;

/// Tokens of a user who is new for each case, as the documentation has it.
fn settings(address: &str) -> String {
    let locum = env!("CARGO_BIN_EXE_locum");
    let mint = format!("{locum} token mint --tenant tenant.yaml --client shop --claim scope=openid");
    format!(
        r#"issuer: https://login.shop.example/
token_endpoint: http://{address}/oauth/token
client: {{ client_id: shop, client_secret: "${{env:SHOP_SECRET}}" }}
audience: api
resource: https://api.shop.example/
scope: openid
refused_scope: email
subject_token:
  type: urn:ietf:params:oauth:token-type:id_token
  command: [sh, -c, '{mint} --user "auth0|conformance-$$"']
actor_token:
  type: urn:ietf:params:oauth:token-type:id_token
  command: [sh, -c, '{mint} --user "auth0|support"']
"#
    )
}

fn conformance(installation: &Installation, words: &[&str]) -> CommandOutput {
    let mut command = installation.command();
    command.env("SHOP_SECRET", SHOP_SECRET).args(["conformance"]).args(words);
    command_output(command.output().unwrap())
}

#[test]
fn a_token_endpoint_is_tested_without_a_tenant_file() {
    let installation = installation(TENANT);
    let server = server(&installation);
    installation.write("settings.yaml", &settings(&server.address));
    let url = format!("http://{}", server.address);
    let words = ["--profile", "token-exchange", "--settings", "settings.yaml"];
    let output = conformance(
        &installation,
        &[&[url.as_str()], &words[..], &["--report-dir", "out", "--format", "json"]].concat(),
    );
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{}", output.stdout);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let endpoint = format!("{url}/oauth/token");
    assert_eq!(
        report["implementation"],
        json!({"kind": "token-endpoint", "token_endpoint": endpoint, "client_id": "shop"})
    );
    let profile = &report["profiles"][0];
    assert!(profile["passed"].as_array().unwrap().len() > 60, "{profile:#}");
    // The tenant bounds lifetimes by 36000 s, and id_tokens of `token mint` are shorter.
    let warned: Vec<&Value> =
        profile["warned"].as_array().unwrap().iter().map(|listed| &listed["case"]).collect();
    assert_eq!(warned, ["tx.answer.lifetime"]);
    for listed in profile["not_run"].as_array().unwrap() {
        let reason = listed["reason"].as_str().unwrap();
        assert!(reason.starts_with("needs "), "{reason}");
    }
    assert!(installation.path("out/report.html").is_file() && installation.path("out/junit.xml").is_file());

    let table = conformance(&installation, &[&[url.as_str()], &words[..], &["--only", "tx.answer"]].concat());
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(table.stdout.contains("\nwarning: tx.answer.lifetime\n  expiry: expected"), "{}", table.stdout);
}

#[test]
fn what_the_profile_cannot_use_is_refused_with_the_remedy() {
    let installation = installation(TENANT);
    installation.write("settings.yaml", &settings("127.0.0.1:9"));
    installation.write("typo.yaml", &settings("127.0.0.1:9").replace("audience:", "audiense:"));
    let url = "http://127.0.0.1:9";
    let profile = ["--profile", "token-exchange"];
    for (words, code, why) in [
        (&[url][..], 2, "--settings"),
        (&["plugin.so", "--settings", "settings.yaml"], 2, "write its URL"),
        (&[url, "--settings", "none.yaml"], 3, "none.yaml:1:1: cannot read the settings"),
        (&[url, "--settings", "typo.yaml"], 3, "typo.yaml:4:1: unknown field `audiense`"),
        (&[url, "--settings", "settings.yaml", "--only", "tx.none"], 3, "no case has the id `tx.none`"),
        (&[url, "--settings", "settings.yaml", "--tenant", "tenant.yaml"], 2, "cannot be used with"),
        (&[url, "--settings", "settings.yaml", "--mutation-score"], 2, "cannot be used with"),
    ] {
        let refused = conformance(&installation, &[words, &profile].concat());
        assert_eq!(refused.code, code, "{words:?}: {}{}", refused.stdout, refused.stderr);
        assert!(refused.stderr.contains(why), "{words:?}: {}", refused.stderr);
    }
    let stopped = conformance(&installation, &[&[url, "--settings", "settings.yaml"][..], &profile].concat());
    assert_eq!(stopped.code, 1, "{}{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stdout.contains("FAILED tx.exchange"), "{}", stopped.stdout);
}
