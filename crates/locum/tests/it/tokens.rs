//! `locum token`.

use serde_json::Value;

use crate::house::House;

fn mint(house: &House, client: &str) -> crate::house::Ran {
    house.locum([
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
fn a_minted_token_says_what_was_asked() {
    let house = House::new();
    let token = mint(&house, "spa");
    assert_eq!(token.code, 0, "{}", token.stderr);
    let shown = house.locum(["token", "inspect", "--format", "json", token.stdout.trim()]);
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
fn a_client_that_is_not_there_gets_no_token() {
    let refused = mint(&House::new(), "nobody");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("no client `nobody`"), "{}", refused.stderr);
}

#[test]
fn what_is_no_token_is_not_shown() {
    let house = House::new();
    for token in ["abc", "a.b", "a.b.c", "e30.!.x"] {
        assert_eq!(house.locum(["token", "inspect", token]).code, 2, "{token}");
    }
}
