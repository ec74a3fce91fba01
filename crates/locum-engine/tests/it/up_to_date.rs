//! A refresh token at a directory that does not know yet what others have changed: each use waits until it does.

use std::sync::Arc;

use locum_engine::REFRESH_TOKEN;
use locum_engine::model::RefreshTokenRules;
use locum_store::{TenantData, TenantSet};
use locum_testing::{
    ACME, ScriptedIssuers, TestEngine, blocked_user, client_of, exchange_with, good, good_with, object,
    refresh_token, tenant, token_type,
};
use serde_json::json;

const STEADY: RefreshTokenRules =
    RefreshTokenRules { rotates: false, leeway_seconds: 0, lifetime_seconds: Some(1000), idle_seconds: None };

/// [`ACME`], changed.
fn acme(change: impl FnOnce(&mut TenantData)) -> TenantData {
    let mut data = tenant(ACME);
    data.tenant.signing_keys.clear();
    client_of(&mut data, "caller").refresh_tokens = Some(STEADY);
    change(&mut data);
    data
}

/// An engine, a refresh token of `caller` for Alice, and a change that its directory does not know yet.
fn behind(change: impl FnOnce(&mut TenantData)) -> (TestEngine, String) {
    let test = TestEngine::with(|setup| {
        setup.acme = acme(|_| {});
        setup.globex.tenant.signing_keys.clear();
    });
    let token = test.store_refresh_token(refresh_token("family"));
    let issuers = ScriptedIssuers::with_script(Arc::clone(&test.script));
    test.directory.is_behind(TenantSet::prepare(vec![acme(change)], &issuers).unwrap());
    (test, token)
}

/// What each way to use the token is answered.
fn uses() -> [fn(&TestEngine, &str) -> String; 3] {
    [
        |test, token| {
            let refresh = json!({"grant_type": REFRESH_TOKEN, "client_id": "caller", "refresh_token": token});
            test.exchange(object(refresh)).summary()
        },
        |test, token| {
            let exchange = json!({"subject_token": token, "subject_token_type": token_type(REFRESH_TOKEN)});
            test.exchange(exchange_with(exchange)).summary()
        },
        |test, token| test.delegate(good_with(json!({"id_token": "", "refresh_token": token}))).summary(),
    ]
}

#[test]
fn a_use_is_refused_by_what_was_changed_elsewhere_before_it() {
    type Change = fn(&mut TenantData);
    let changes: [(Change, [&str; 3]); 4] = [
        (
            |data| {
                data.users.insert("auth0|alice".to_owned(), blocked_user());
            },
            [
                "400 invalid_grant user is blocked",
                "400 invalid_grant user is blocked",
                "401 unauthorized user is blocked",
            ],
        ),
        (
            |data| data.clients.retain(|client| client.id != "caller"),
            [
                "401 invalid_client invalid client",
                "401 invalid_client invalid client",
                "403 unauthorized_client invalid client",
            ],
        ),
        (
            |data| client_of(data, "caller").is_first_party = false,
            [
                "400 unauthorized_client third-party clients cannot delegate",
                "400 unauthorized_client third-party clients cannot delegate",
                "403 unauthorized_client third-party clients cannot delegate",
            ],
        ),
        (
            |data| data.tenant.delegation.enabled = false,
            [
                "404 not_found delegation is not available here",
                "404 not_found delegation is not available here",
                "404 not_found delegation is not available here",
            ],
        ),
    ];
    for (change, refusals) in changes {
        for (ask, refusal) in uses().into_iter().zip(refusals) {
            let (test, token) = behind(change);
            // Another token is answered from what is known.
            assert_eq!(test.delegate(good()).summary(), "issued");
            assert_eq!(ask(&test, &token), refusal);
        }
    }
}

#[test]
fn a_change_that_concerns_others_refuses_nothing() {
    for ask in uses() {
        let (test, token) = behind(|data| {
            data.users.insert("auth0|bob".to_owned(), blocked_user());
            data.clients.retain(|client| client.id != "storage");
        });
        assert_eq!(ask(&test, &token), "issued");
    }
}

#[test]
fn while_the_changes_cannot_be_read_a_refresh_token_is_503_and_others_are_not() {
    for ask in uses() {
        let (test, token) = behind(|_| {});
        test.calls.fail_all_of("catch_up");
        assert_eq!(ask(&test, &token), "503 temporarily_unavailable try again later");
        assert_eq!(test.delegate(good()).summary(), "issued");
        test.calls.fail_all_of("nothing");
        assert_eq!(ask(&test, &token), "issued");
    }
}

#[test]
fn a_revocation_waits_for_nothing() {
    let (test, token) = behind(|_| {});
    test.calls.fail_all_of("catch_up");
    assert_eq!(test.revoke(json!({"client_id": "caller", "token": token})).0, Ok(()));
}
