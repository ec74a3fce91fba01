//! `locum token`: minting and decoding.

use serde_json::Value;

use crate::installation::Installation;

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
