//! `locum import auth0`: from an export to a tenant that `locum check` accepts and `locum serve` serves.

use std::fs;

use serde_json::{Value, json};

use crate::installation::{CommandOutput, Installation};

const DOMAIN: &str = "delegation.acme.example";

/// An installation with these clients as an export, and a config that names the tenant file to be.
fn installed(clients: &[Value]) -> Installation {
    let installation = Installation::new();
    installation.install("aws");
    installation.install("wams");
    fs::create_dir_all(installation.path("export/clients")).unwrap();
    for (index, client) in clients.iter().enumerate() {
        installation.write(&format!("export/clients/{index}.json"), &client.to_string());
    }
    installation.write("deploy.json", "{\"AUTH0_DOMAIN\": \"acme.eu.auth0.com\"}");
    installation.write(
        "locum.toml",
        "listen = \"127.0.0.1:0\"\nplugins_dir = \"plugins\"\ntenants = [\"tenant/delegation.acme.example.yaml\"]\n",
    );
    installation
}

fn import(installation: &Installation, format: &str) -> CommandOutput {
    installation.locum([
        "import",
        "auth0",
        "export",
        "--domain",
        DOMAIN,
        "--config",
        "deploy.json",
        "--out",
        "tenant",
        "--format",
        format,
    ])
}

fn shop(addons: Value) -> Value {
    json!({
        "name": "Shop",
        "client_id": "shop",
        "client_secret": "shop-secret-0123456789-0123456789-0123456789",
        "app_type": "spa",
        "token_endpoint_auth_method": "none",
        "addons": addons,
    })
}

fn reports() -> Value {
    json!({
        "name": "Reports",
        "client_id": "reports",
        "client_secret": "reports-secret-0123456789-0123456789-01234567",
        "app_type": "non_interactive",
        "jwt_configuration": {"alg": "RS256"},
        "allowed_clients": ["shop"],
    })
}

#[test]
fn an_import_is_accepted_by_check_and_its_key_signs() {
    let role = "arn:aws:iam::123456789012:role/x";
    let aws = json!({"principal": "arn:aws:iam::123456789012:saml-provider/acme", "role": role});
    let installation = installed(&[shop(json!({"wams": {"masterkey": "m"}, "aws": aws})), reports()]);
    let imported = import(&installation, "text");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.stdout.starts_with("wrote tenant/delegation.acme.example.yaml with 2 clients"));
    assert!(
        imported.stdout.contains(&format!("https://{DOMAIN}/samlp/metadata/shop")),
        "{}",
        imported.stdout
    );
    let checked = installation.locum(["check"]);
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let tenant = "tenant/delegation.acme.example.yaml";
    let minted =
        installation.locum(["token", "mint", "--tenant", tenant, "--client", "reports", "--user", "u"]);
    assert_eq!(minted.code, 0, "{}", minted.stderr);
    assert_eq!(installation.locum(["token", "inspect", minted.stdout.trim()]).code, 0);
}

#[test]
fn an_add_on_that_its_plugin_refuses_when_it_is_configured_is_written_as_null() {
    let aws = json!({"principal": "no ARN", "role": "no ARN"});
    let installation = installed(&[shop(json!({"aws": aws, "wams": {"masterkey": "m"}}))]);
    let imported = import(&installation, "json");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    let report: Value = serde_json::from_str(&imported.stdout).unwrap();
    let client = &report["clients"][0];
    assert_eq!(
        (&client["readiness"], &client["api_types"]),
        (&json!("needs_decision"), &json!(["wams", "app"]))
    );
    let written = fs::read_to_string(installation.path("tenant/delegation.acme.example.yaml")).unwrap();
    assert!(written.contains("aws: null"), "{written}");
    assert_eq!(installation.locum(["check"]).code, 0);
}

#[test]
fn what_is_missing_is_an_input_file_that_cannot_be_used_and_nothing_is_written() {
    let mut client = shop(json!({}));
    client.as_object_mut().unwrap().remove("client_secret");
    let installation = installed(&[client]);
    let refused = import(&installation, "text");
    assert_eq!(refused.code, 3);
    let line = "locum:     \"INCLUDED_PROPS\": { \"clients\": [\"client_secret\"] }";
    assert!(refused.stderr.lines().any(|printed| printed == line), "{}", refused.stderr);
    assert!(!installation.path("tenant").exists());
}

#[test]
fn a_folder_that_is_not_empty_and_a_wrong_domain_are_errors_of_the_command_line() {
    let installation = installed(&[shop(json!({}))]);
    assert_eq!(import(&installation, "text").code, 0);
    let again = import(&installation, "text");
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("tenant is not an empty folder"), "{}", again.stderr);
    let wrong = installation.locum(["import", "auth0", "export", "--domain", "https://x/", "--out", "new"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("--domain https://x/: write the host name"), "{}", wrong.stderr);
}

#[test]
fn without_the_plugin_of_every_target_nothing_is_imported() {
    let installation = installed(&[shop(json!({}))]);
    fs::remove_file(installation.plugin()).unwrap();
    let refused = import(&installation, "text");
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("no plugin serves `app`"), "{}", refused.stderr);
    assert!(!installation.path("tenant").exists());
}

#[test]
fn without_plugins_the_option_is_named() {
    let installation = installed(&[shop(json!({}))]);
    let refused = installation.locum([
        "import",
        "auth0",
        "export",
        "--domain",
        DOMAIN,
        "--out",
        "new",
        "--plugins",
        "absent",
    ]);
    assert_eq!(refused.code, 4);
    assert!(
        refused.stderr.contains("name the directory of your pinned plugins with --plugins"),
        "{}",
        refused.stderr
    );
}

#[test]
fn escape_sequences_of_the_export_do_not_reach_the_terminal() {
    let mut client = shop(json!({"\u{1b}[2J": {}}));
    client["name"] = "\u{1b}]0;title\u{7}\u{202e}Shop".into();
    client["allowed_origins"] = json!(["https://*.\u{1b}[31m"]);
    client["\u{1b}[1m"] = 7.into();
    let installation = installed(&[client]);
    let imported = import(&installation, "text");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.stdout.contains("\\u{1b}]0;title\\u{7}\\u{202e}Shop"), "{}", imported.stdout);
    assert!(!imported.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", imported.stdout);
    fs::remove_dir_all(installation.path("tenant")).unwrap();
    let json = import(&installation, "json").stdout;
    assert!(json.is_ascii() && !json.contains('\u{1b}'), "{json}");
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["clients"][0]["name"], "\u{1b}]0;title\u{7}\u{202e}Shop");
}
