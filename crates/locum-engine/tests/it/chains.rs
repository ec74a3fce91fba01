//! Chains and sessions: a token that was issued at the request of one client is not for another to exchange, and a session
//! ends.

use locum_engine::model::Chains;
use serde_json::{Value, json};

use locum_testing::{NOW, Reply, TestEngine, TestSetup, claims_for, good_with, hs256};

const CHAIN: &str = "400 invalid_grant id_token was issued at the request of another client (azp); sign the user in for \
                     this client";
const OVER: &str = "400 invalid_grant the session is over; sign the user in again";

fn with_policy(chains: Chains, session_seconds: Option<u64>) -> TestEngine {
    TestEngine::with(|setup: &mut TestSetup| {
        setup.acme.tenant.delegation.chains = chains;
        setup.acme.tenant.delegation.session_seconds = session_seconds;
        setup.issuers.manifest("app").lifetime.minimum_seconds = 1;
    })
}

/// A request of `caller` with its usual token, changed so.
fn presented(test: &TestEngine, changes: Value) -> Reply {
    let mut claims = claims_for("caller");
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    test.delegate(good_with(json!({"id_token": hs256(&claims), "api_type": "app"})))
}

#[test]
fn a_token_issued_at_the_request_of_another_client_is_refused_unless_chains_are_open() {
    for (chains, expected) in
        [(Chains::Authenticated, CHAIN), (Chains::Refused, CHAIN), (Chains::Open, "issued")]
    {
        let test = with_policy(chains, None);
        // Another client of the tenant, one that was deleted, and a name that differs in case.
        for azp in ["api", "deleted", "Caller", ""] {
            assert_eq!(presented(&test, json!({"azp": azp})).summary(), expected, "{chains:?} {azp}");
        }
        assert_eq!(presented(&test, json!({"azp": "caller"})).summary(), "issued", "{chains:?}");
        assert_eq!(presented(&test, json!({})).summary(), "issued", "{chains:?}");
    }
}

#[test]
fn chains_are_refused_if_the_tenant_states_nothing() {
    let test = TestEngine::new();
    let reply = presented(&test, json!({"azp": "api"}));
    assert_eq!(reply.summary(), CHAIN);
    // The user is known, so the request is counted.
    assert!(reply.response.rate.is_some());
    assert!(test.script.grants().is_empty());
}

#[test]
fn an_open_chain_still_needs_the_audience() {
    let test = with_policy(Chains::Open, None);
    let another = "400 invalid_grant id_token was issued to another client";
    assert_eq!(presented(&test, json!({"aud": "api", "azp": "caller"})).summary(), another);
}

#[test]
fn a_session_ends_so_many_seconds_after_the_earlier_of_auth_time_and_iat() {
    let test = with_policy(Chains::Open, Some(1000));
    for (claims, expected) in [
        (json!({"iat": NOW - 999}), "issued"),
        (json!({"iat": NOW - 1000}), OVER),
        (json!({"iat": NOW - 10, "auth_time": NOW - 999}), "issued"),
        (json!({"iat": NOW - 10, "auth_time": NOW - 1000}), OVER),
        (json!({"iat": NOW - 1000, "auth_time": NOW}), OVER),
        (json!({"iat": NOW - 10, "auth_time": i64::MIN}), OVER),
    ] {
        assert_eq!(presented(&test, claims.clone()).summary(), expected, "{claims}");
    }
    let unlimited = with_policy(Chains::Open, None);
    assert_eq!(presented(&unlimited, json!({"auth_time": 0})).summary(), "issued");
}

#[test]
fn no_credential_outlives_the_session() {
    let test = with_policy(Chains::Open, Some(1000));
    assert_eq!(presented(&test, json!({"auth_time": NOW - 100})).summary(), "issued");
    assert_eq!(test.script.last_grant().lifetime_seconds, 900);
    // The issuer's minimum is longer than what is left.
    let test = TestEngine::with(|setup| {
        setup.acme.tenant.delegation.session_seconds = Some(1000);
        setup.issuers.manifest("app").lifetime.minimum_seconds = 901;
    });
    assert_eq!(
        presented(&test, json!({"auth_time": NOW - 100})).summary(),
        "400 invalid_grant the session ends too soon for this api_type; sign the user in again"
    );
    assert_eq!(presented(&test, json!({"auth_time": NOW - 99})).summary(), "issued");
}

#[test]
fn an_app_token_carries_the_sign_in_of_its_session_and_nothing_else_does() {
    let test = with_policy(Chains::Open, Some(1000));
    for (claims, signed_in_at) in [(json!({}), NOW - 10), (json!({"auth_time": NOW - 50}), NOW - 50)] {
        assert_eq!(presented(&test, claims).summary(), "issued");
        assert_eq!(Value::Object(test.script.last_grant().claims), json!({"auth_time": signed_in_at}));
    }
    let storage = json!({"target": "storage", "api_type": "aws"});
    assert_eq!(test.delegate(good_with(storage)).summary(), "issued");
    assert!(test.script.last_grant().claims.is_empty());
    let unlimited = with_policy(Chains::Open, None);
    assert_eq!(presented(&unlimited, json!({"auth_time": NOW - 50})).summary(), "issued");
    assert!(unlimited.script.last_grant().claims.is_empty());
}
