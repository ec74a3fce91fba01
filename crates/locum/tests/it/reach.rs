//! `locum check` and `locum who-can` say which clients can reach which.

use serde_json::{Value, json};

use crate::installation::Installation;

/// `shop` may reach `api`, `api` may reach `vault`, and everybody `open`.
fn installed(chains: &str) -> Installation {
    let installation = Installation::new();
    let secret = "client_secret: 0123456789-0123456789-0123456789";
    installation.write(
        "tenant.yaml",
        &format!(
            "domain: acme.example.com
delegation: {{{chains}}}
clients:
  - {{client_id: shop, {secret}, allowed_clients: [shop]}}
  - {{client_id: api, {secret}, allowed_clients: [shop]}}
  - {{client_id: vault, {secret}, allowed_clients: [api]}}
  - {{client_id: open, {secret}}}
"
        ),
    );
    installation
}

#[test]
fn check_prints_who_can_reach_whom() {
    for (chains, vault) in [
        ("", "vault by api, vault"),
        ("chains: refused", "vault by api, vault"),
        ("chains: open", "vault by api, vault; through api by shop"),
    ] {
        let checked = installed(chains).locum(["check"]);
        assert_eq!(checked.code, 0, "{}", checked.stdout);
        let reach: Vec<&str> =
            checked.stdout.lines().filter_map(|line| line.strip_prefix("reach: ")).collect();
        let lines = ["open by every client", "shop by shop", "api by api, shop", vault];
        assert_eq!(reach, lines.map(|line| format!("acme.example.com: {line}")), "{chains}");
    }
}

#[test]
fn who_can_names_each_caller_its_chain_and_what_it_can_ask_for() {
    let installation = installed("chains: open");
    let listed = installation.locum(["who-can", "vault"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let rows: Vec<Vec<&str>> = listed.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    let domain = "acme.example.com";
    assert_eq!(rows[0], ["tenant", "client", "through", "api_types"]);
    assert_eq!(
        rows[1..],
        [[domain, "shop", "api", "app"], [domain, "api", "-", "app"], [domain, "vault", "-", "app"]]
    );

    let listed = installation.locum(["who-can", "vault", "--format", "json"]);
    let json: Value = serde_json::from_str(&listed.stdout).unwrap();
    let shop = json!({"tenant": domain, "client": "shop", "through": ["api"], "api_types": ["app"]});
    assert_eq!(json[0], shop);

    let listed = installed("").locum(["who-can", "vault"]);
    assert!(!listed.stdout.contains("shop"), "{}", listed.stdout);
}

#[test]
fn who_can_refuses_an_unknown_client_and_a_file_with_errors() {
    let installation = installed("");
    let unknown = installation.locum(["who-can", "volt"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("no tenant has a client with the id `volt`"), "{}", unknown.stderr);
    installation.write("tenant.yaml", "domain: acme.example.com\nclients: 7\n");
    assert_eq!(installation.locum(["who-can", "vault"]).code, 3);
}
