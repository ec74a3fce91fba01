//! `locum token`: minting and decoding.

use serde_json::Value;

use crate::installation::Installation;
use crate::serving::{Server, post_form};

fn mint(installation: &Installation, client: &str) -> crate::installation::CommandOutput {
    installation.locum([
        "token",
        "mint",
        "--tenant",
        "tenant.yaml",
        "--client",
        client,
        "--user",
        "auth0|alice",
        "--claim",
        "email=a@b.c",
        "--claim",
        "admin=false",
        "--lifetime",
        "60",
    ])
}

#[test]
fn a_minted_token_has_the_requested_claims() {
    let installation = Installation::new();
    let token = mint(&installation, "spa");
    assert_eq!(token.code, 0, "{}", token.stderr);
    let shown = installation.locum(["token", "inspect", "--format", "json", token.stdout.trim()]);
    assert_eq!(shown.code, 0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["header"]["alg"], "HS256");
    let claims = &shown["claims"];
    assert_eq!((&claims["sub"], &claims["aud"]), (&"auth0|alice".into(), &"spa".into()));
    assert_eq!((&claims["email"], &claims["admin"]), (&"a@b.c".into(), &false.into()));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    assert_eq!(shown["verified"], false);
}

#[test]
fn minting_for_an_unknown_client_is_refused() {
    let refused = mint(&Installation::new(), "nobody");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("no client `nobody`"), "{}", refused.stderr);
}

#[test]
fn minting_without_a_key_is_refused_with_the_file_and_the_remedy() {
    let installation = Installation::new();
    installation.write("tenant.yaml", "domain: acme.example.com\nclients: [{client_id: spa}]\n");
    let refused = mint(&installation, "spa");
    assert_eq!(refused.code, 3);
    assert!(
        refused.stderr.starts_with("locum: tenant.yaml: client spa: there is no key to sign with; give the"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_malformed_token_is_refused() {
    let installation = Installation::new();
    for token in ["abc", "a.b", "a.b.c", "e30.!.x"] {
        assert_eq!(installation.locum(["token", "inspect", token]).code, 2, "{token}");
    }
}

const MANAGED: &str = "domain: acme.example.com\ndefault: true\nmanagement:\n  keys: [\"${env:LOCUM_MANAGEMENT_KEY}\"]\n\
    clients:\n  - client_id: worker\n    name: Worker\n    client_secret: worker-secret-0123456789-0123456789\n\
    clientGrants:\n  - {client_id: Worker, audience: \"https://acme.example.com/api/v2/\", scope: [\"read:users\"]}\n";
const KEY: (&str, &str) = ("LOCUM_MANAGEMENT_KEY", "a management key of at least thirty-two bytes");

/// Runs `locum token mint-management` with the key in the environment.
fn mint_management(installation: &Installation, arguments: &[&str]) -> (i32, String, String) {
    let mut command = installation.command();
    command.env(KEY.0, KEY.1).args(["token", "mint-management", "--tenant", "tenant.yaml"]).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn claims_of(installation: &Installation, token: &str) -> Value {
    let shown = installation.locum(["token", "inspect", "--format", "json", token.trim()]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    serde_json::from_str::<Value>(&shown.stdout).unwrap()["claims"].clone()
}

#[test]
fn an_operator_mints_a_management_token_without_a_client() {
    let installation = Installation::new();
    installation.write("tenant.yaml", MANAGED);
    let (code, token, log) = mint_management(&installation, &[]);
    assert_eq!((code, log.as_str()), (0, ""));
    let claims = claims_of(&installation, &token);
    assert_eq!((&claims["sub"], &claims["gty"]), (&"operator@locum".into(), &"locum-operator".into()));
    assert_eq!((&claims["aud"], claims.get("scope")), (&"https://acme.example.com/api/v2/".into(), None));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    let (_, token, _) = mint_management(&installation, &["--scope", " read:users  a:b ", "--lifetime", "60"]);
    let claims = claims_of(&installation, &token);
    assert_eq!(claims["scope"], "read:users a:b");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    for arguments in [["--scope", " "], ["--lifetime", "0"]] {
        assert_eq!(mint_management(&installation, &arguments).0, 2, "{arguments:?}");
    }
}

#[test]
fn without_a_management_key_no_token_is_minted() {
    let installation = Installation::new();
    let (code, token, log) = mint_management(&installation, &[]);
    assert_eq!((code, token.as_str()), (3, ""));
    assert_eq!(log, "locum: tenant.yaml: the tenant has no management keys; add one to management.keys\n");
}

#[test]
fn a_server_issues_management_tokens_until_the_client_loses_its_grant() {
    let installation = Installation::new();
    installation.write("tenant.yaml", MANAGED);
    let mut server = Server::start_with(&installation, &[KEY]);
    let ask = |server: &Server, secret: &str| {
        let parameters = serde_json::json!({
            "grant_type": "client_credentials", "client_id": "worker", "client_secret": secret,
            "audience": "https://acme.example.com/api/v2/",
        });
        post_form(server, "/oauth/token", &parameters)
    };
    let secret = "worker-secret-0123456789-0123456789";
    let (status, body) = ask(&server, secret);
    assert_eq!((status, &body["scope"], &body["expires_in"]), (200, &"read:users".into(), &86_400.into()));
    let claims = claims_of(&installation, body["access_token"].as_str().unwrap());
    assert_eq!((&claims["sub"], &claims["azp"]), (&"worker@clients".into(), &"worker".into()));
    assert_eq!(ask(&server, "worker-secret").0, 401);
    installation.write("tenant.yaml", &MANAGED.replace("scope: [\"read:users\"]", "scope: []"));
    server.signal("-HUP");
    server.wait_for(" reloaded");
    let (status, body) = ask(&server, secret);
    assert_eq!((status, &body["error"]), (400, &"unauthorized_client".into()));
}
