//! Refresh tokens in memory, and the rules in a tenant file.

use locum_engine::model::RefreshTokenRules;
use locum_store::MemoryRefreshTokens;
use locum_testing::{check_refresh_token_store, finished};

use crate::tenant_file::{only_spa, read_text};

#[test]
fn the_store_in_memory_does_what_every_store_must() {
    let store = MemoryRefreshTokens::default();
    assert!(store.is_empty());
    finished(check_refresh_token_store(&store));
    assert_eq!(store.len(), 15);
}

#[test]
fn a_client_whose_grant_types_name_it_has_refresh_tokens() {
    let rules = |lines: &str| {
        let text = format!("domain: acme.example.com\nclients:\n  - client_id: spa\n{lines}");
        read_text(&text).map(|file| only_spa(file).refresh_tokens)
    };
    let with = |object: &str| {
        rules(&format!("    grant_types: [refresh_token]\n    refresh_token: {{{object}}}\n"))
            .map(Option::unwrap)
    };
    let default = RefreshTokenRules::default();
    assert_eq!(rules(""), Ok(None));
    assert_eq!(
        rules("    refresh_token: {rotation_type: rotating}\n"),
        Ok(None),
        "each exported client has it"
    );
    assert_eq!(rules("    grant_types: [implicit, refresh_token]\n"), Ok(Some(default)));
    let endless = RefreshTokenRules { lifetime_seconds: None, idle_seconds: None, ..default };
    for (object, expected) in [
        ("rotation_type: non-rotating, expiration_type: expiring, policies: []", default),
        (
            "rotation_type: rotating, expiration_type: expiring, leeway: 15, token_lifetime: 900, idle_token_lifetime: 60",
            RefreshTokenRules {
                rotates: true,
                leeway_seconds: 15,
                lifetime_seconds: Some(900),
                idle_seconds: Some(60),
            },
        ),
        ("expiration_type: non-expiring, token_lifetime: 900, idle_token_lifetime: 60", endless),
        ("infinite_token_lifetime: true, infinite_idle_token_lifetime: true, token_lifetime: 900", endless),
        ("infinite_idle_token_lifetime: true", RefreshTokenRules { idle_seconds: None, ..default }),
    ] {
        assert_eq!(with(object), Ok(expected), "{object}");
    }
    for (object, refusal) in [
        ("token_lifetime: 0", "write at least 1 second (at /clients/0/refresh_token/token_lifetime)"),
        (
            "idle_token_lifetime: 0",
            "write at least 1 second (at /clients/0/refresh_token/idle_token_lifetime)",
        ),
        ("rotation_type: sometimes", "write one of rotating, non-rotating"),
        ("lifetime: 5", "unknown field `lifetime`"),
    ] {
        let refused = with(object).unwrap_err();
        assert!(refused.contains(refusal), "{object}: {refused}");
    }
}
