//! Introspection: what a client may know of a token, and what it may not.

use locum_engine::model::{ClientAuthentication, RefreshTokenRules, SecretDigest};
use locum_engine::ports::{Outcome, RefreshToken, RefreshTokenHash, RefreshTokens};
use locum_engine::{AuditCode, Introspection, IntrospectionRequest};
use locum_testing::{
    ACME, GLOBEX, NOW, TestEngine, TestSetup, blocked_user, bucket_rule, caller, claims_for, finished, hs256,
    object, refresh_token, rs256, summary, tenant_at,
};
use serde_json::{Value, json};

/// An engine whose clients `api`, `caller` and `storage` authenticate by `s3cret`.
fn engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        for id in ["api", "caller", "storage"] {
            setup.client(id).authentication =
                ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
            setup.client(id).refresh_tokens = Some(RefreshTokenRules::default());
        }
        change(setup);
    })
}

fn ask(test: &TestEngine, parameters: Value) -> Result<Introspection, String> {
    let parameters = object(parameters);
    let request = IntrospectionRequest::parse((&parameters).into(), None).unwrap();
    let tenant = tenant_at(&*test.directory, ACME);
    drop(test.observer.take());
    let answer = finished(test.engine.introspect(tenant, request, &caller()));
    let observed = test.observer.take().requests;
    assert_eq!(observed.len(), 1, "{observed:?}");
    match &answer {
        Ok(_) => {
            assert_eq!(observed[0].2, Outcome::Introspected);
            assert!(test.sink.take_events().is_empty(), "an answer has no event");
        }
        Err(refusal) => {
            let event = test.sink.take_only_event();
            assert_eq!(event.code, AuditCode::IntrospectionFailure);
            assert_eq!(event.refusal.unwrap().status, refusal.status());
        }
    }
    answer.map_err(|refusal| summary(&refusal))
}

fn of(test: &TestEngine, client_id: &str, token: &str) -> Introspection {
    ask(test, json!({"client_id": client_id, "client_secret": "s3cret", "token": token})).unwrap()
}

fn about(introspection: Introspection) -> Value {
    match introspection {
        Introspection::Active(about) => Value::Object(about),
        Introspection::Inactive => panic!("it is inactive"),
    }
}

/// An app token for `api` at the request of `caller`.
fn claims() -> Value {
    let mut claims = claims_for("api");
    claims["azp"] = "caller".into();
    claims["scope"] = "openid email".into();
    claims["act"] = json!({"sub": "agent"});
    claims["email"] = "alice@example.com".into();
    claims
}

#[test]
fn a_token_is_told_to_its_audience_and_to_the_client_that_requested_it() {
    let test = engine(|_| {});
    let claims = claims();
    let expected = json!({
        "client_id": "caller", "token_type": "Bearer", "iss": claims["iss"], "sub": "auth0|alice", "aud": "api",
        "exp": claims["exp"], "iat": claims["iat"], "scope": "openid email", "act": {"sub": "agent"},
    });
    for client in ["api", "caller"] {
        assert_eq!(about(of(&test, client, &hs256(&claims))), expected);
        assert_eq!(about(of(&test, client, &rs256(ACME, &claims))), expected);
    }
    assert_eq!(of(&test, "storage", &hs256(&claims)), Introspection::Inactive, "it is neither");
}

#[test]
fn what_is_not_valid_is_inactive_and_nothing_says_why() {
    let test = engine(|setup| {
        setup.acme.users.insert("auth0|mallory".to_owned(), blocked_user());
    });
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        hs256(&claims)
    };
    assert_ne!(of(&test, "api", &with("nothing", json!(1))), Introspection::Inactive);
    for (what, token) in [
        ("expired", with("exp", json!(NOW))),
        ("of another issuer", with("iss", json!("https://globex.example.com/"))),
        ("for a client that does not exist", with("aud", json!("nobody"))),
        ("for several", with("aud", json!(["api", "caller"]))),
        ("of a blocked user", with("sub", json!("auth0|mallory"))),
        ("of another tenant's key", rs256(GLOBEX, &claims())),
        ("of another type", with("sub", json!(7))),
        ("no token", "opaque".to_owned()),
        ("changed", format!("{}x", hs256(&claims()))),
        ("a refresh token that is unknown", format!("lrt_{}", "A".repeat(43))),
        ("very long", "x".repeat(100_000)),
    ] {
        assert_eq!(of(&test, "api", &token), Introspection::Inactive, "{what}");
    }
}

#[test]
fn only_a_client_that_authenticates_may_ask() {
    let test = engine(|setup| {
        setup.client("spa");
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 1);
    });
    let token = hs256(&claims());
    let ask = |client: &str, secret: &str| {
        ask(&test, json!({"client_id": client, "client_secret": secret, "token": token})).unwrap_err()
    };
    assert_eq!(
        ask("spa", ""),
        "401 invalid_client only a client that authenticates can introspect; this one does not"
    );
    assert_eq!(ask("nobody", "s3cret"), "401 invalid_client invalid client");
    assert!(ask("api", "").starts_with("401 invalid_client the client must authenticate"));
    assert_eq!(ask("api", "wrong"), "401 invalid_client invalid client");
    assert_eq!(ask("api", "wrong"), "401 invalid_client invalid client");
    assert!(ask("api", "s3cret").starts_with("429 too_many_requests too many wrong secrets"));
}

#[test]
fn a_refresh_token_is_told_to_its_own_client_and_asking_is_no_use() {
    let test = engine(|_| {});
    let record = RefreshToken { act: Some(json!({"sub": "agent"})), ..refresh_token("family") };
    let token = test.store_refresh_token(record.clone());
    assert_eq!(
        about(of(&test, "caller", &token)),
        json!({
            "iss": "https://acme.example.com/", "client_id": "caller", "sub": "auth0|alice",
            "scope": "openid offline_access", "iat": NOW, "exp": NOW + 100, "act": {"sub": "agent"},
        })
    );
    assert_eq!(of(&test, "api", &token), Introspection::Inactive);
    for invalid in [
        RefreshToken { rotated_at: Some(NOW), ..record.clone() },
        RefreshToken { idle_expires_at: Some(NOW), ..record.clone() },
        RefreshToken { expires_at: Some(NOW), ..record.clone() },
    ] {
        test.store_refresh_token(invalid);
        assert_eq!(of(&test, "caller", &token), Introspection::Inactive);
    }
    let (store, hash) = (test.refresh_tokens.inner(), RefreshTokenHash::of(&token.as_str().into()).unwrap());
    let found = finished(store.find(ACME, &hash).wait()).unwrap().unwrap();
    assert_eq!(found.revoked_at, None, "a replaced token that is asked about ends no family");
    test.store_refresh_token(record);
    finished(store.revoke_family(ACME, "family", NOW).wait()).unwrap();
    assert_eq!(of(&test, "caller", &token), Introspection::Inactive);
}

#[test]
fn a_store_that_is_away_is_not_taken_for_an_inactive_token() {
    let test = engine(|_| {});
    let refresh =
        json!({"client_id": "api", "client_secret": "s3cret", "token": format!("lrt_{}", "A".repeat(43))});
    test.calls.fail_all_of("refresh_tokens.find");
    assert_eq!(ask(&test, refresh).unwrap_err(), "503 temporarily_unavailable try again later");
    test.calls.fail_all_of("user");
    let token = json!({"client_id": "api", "client_secret": "s3cret", "token": hs256(&claims())});
    assert_eq!(ask(&test, token).unwrap_err(), "503 temporarily_unavailable try again later");
}
