//! `/tokeninfo` and `/userinfo`: whose profile is told, how much of it, and by which tokens.

use locum_engine::model::User;
use locum_engine::ports::{Endpoint, Outcome};
use locum_engine::{AuditCode, ProfileRequest, ProfileResponse};
use locum_testing::{
    ACME, GLOBEX, NOW, TestEngine, TestSetup, blocked_user, bucket_rule, caller, claims_for, finished, hs256,
    id_token, object, rs256, summary, tenant_at,
};
use serde_json::{Value, json};

/// An engine whose tenant allows both endpoints, with more stored about Alice.
fn engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.acme.tenant.delegation.profile_endpoints = true;
        let alice = setup.acme.users.get_mut("auth0|alice").unwrap();
        alice.profile.extend(object(json!({
            "created_at": "2015-03-01T00:00:00.000Z", "user_metadata": {"colour": "red"}, "locale": "de",
            "identities": [{
                "user_id": "alice", "provider": "auth0", "connection": "users", "isSocial": false,
                "access_token": "hunter2",
            }, "odd"],
        })));
        change(setup);
    })
}

fn ask(test: &TestEngine, request: ProfileRequest) -> (Result<Value, String>, ProfileResponse) {
    let endpoint = request.endpoint();
    let tenant = tenant_at(&*test.directory, ACME);
    drop(test.observer.take());
    let response = finished(test.engine.read_profile(tenant, request, &caller()));
    let observed = test.observer.take().requests;
    let outcome = match &response.outcome {
        Ok(profile) => {
            assert_eq!(observed, [(endpoint, 0, Outcome::ProfileRead)]);
            assert!(test.sink.take_events().is_empty(), "an answer has no event");
            Ok(Value::Object(profile.clone()))
        }
        Err(refusal) => {
            assert_eq!(observed, [(endpoint, 0, Outcome::Refused(refusal.kind()))]);
            let event = test.sink.take_only_event();
            assert_eq!(event.code, AuditCode::ProfileFailure);
            assert_eq!(event.refusal.unwrap().status, refusal.status());
            Err(summary(refusal))
        }
    };
    (outcome, response)
}

fn by_id_token(test: &TestEngine, token: &str) -> Result<Value, String> {
    let parameters = object(json!({ "id_token": token }));
    ask(test, ProfileRequest::by_id_token((&parameters).into()).unwrap()).0
}

fn by_app_token(test: &TestEngine, token: &str) -> Result<Value, String> {
    let nothing = object(json!({}));
    ask(test, ProfileRequest::by_access_token((&nothing).into(), Some(token)).unwrap()).0
}

/// A token for `caller` with these claims.
fn token(changes: Value) -> String {
    let mut claims = claims_for("caller");
    claims.as_object_mut().unwrap().extend(object(changes));
    hs256(&claims)
}

fn invalid(why: &str) -> Result<Value, String> {
    Err(format!("401 invalid_token {why}"))
}

#[test]
fn an_id_token_gives_the_profile_without_what_is_private() {
    let test = engine(|_| {});
    let expected = json!({
        "name": "Alice of acme.example.com", "nickname": "al", "locale": "de", "email": "alice@acme.example.com",
        "email_verified": true, "created_at": "2015-03-01T00:00:00.000Z", "user_metadata": {"colour": "red"},
        "user_id": "auth0|alice", "clientID": "caller",
        "identities": [
            {"user_id": "alice", "provider": "auth0", "connection": "users", "isSocial": false}, {},
        ],
    });
    assert_eq!(by_id_token(&test, &id_token("caller")), Ok(expected));
    // Of a user who is not stored, it is what the token says.
    let claims = json!({"sub": "auth0|nobody", "name": "No Body", "favourite_food": "fig"});
    let expected = json!({"name": "No Body", "user_id": "auth0|nobody", "clientID": "caller"});
    assert_eq!(by_id_token(&test, &token(claims)), Ok(expected));
}

#[test]
fn the_tenant_can_make_each_attribute_private() {
    let test = engine(|setup| {
        let names = ["locale", "user_metadata", "identities", "created_at"];
        setup.acme.tenant.delegation.private_attributes = names.map(|name| name.parse().unwrap()).into();
    });
    let profile = by_id_token(&test, &id_token("caller")).unwrap();
    let names: Vec<&String> = profile.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 6, "{names:?}");
}

#[test]
fn an_app_token_gives_what_its_scope_says() {
    let test = engine(|_| {});
    let of = |changes: Value| by_app_token(&test, &token(changes)).unwrap();
    let email = json!({"email": "alice@acme.example.com", "email_verified": true, "sub": "auth0|alice"});
    assert_eq!(of(json!({"scope": "openid email"})), email);
    assert_eq!(of(json!({"scope": "openid"})), json!({"sub": "auth0|alice"}));
    let profile = of(json!({"scope": "openid profile"}));
    assert_eq!(profile["name"], "Alice of acme.example.com");
    assert_eq!((&profile["user_id"], &profile["clientID"]), (&json!("auth0|alice"), &json!("caller")));
    assert!(profile["identities"][0].get("access_token").is_none());
    assert!(profile.get("email").is_none() && profile.get("favourite_food").is_none());
    // Without a scope, as `/delegation` issues them, it is what the token says itself.
    let own = of(json!({"name": "Al", "favourite_food": "fig"}));
    let expected =
        json!({"name": "Al", "sub": "auth0|alice", "user_id": "auth0|alice", "clientID": "caller"});
    assert_eq!(own, expected);
}

#[test]
fn an_oidc_conformant_client_has_standard_claims_only_and_no_tokeninfo() {
    let test = engine(|setup| setup.client("caller").oidc_conformant = true);
    let profile = by_app_token(&test, &token(json!({"scope": "openid profile"}))).unwrap();
    let expected =
        json!({"name": "Alice of acme.example.com", "nickname": "al", "locale": "de", "sub": "auth0|alice"});
    assert_eq!(profile, expected);
    assert_eq!(
        by_id_token(&test, &id_token("caller")),
        Err("403 unauthorized_client an OIDC-conformant client cannot use /tokeninfo".to_owned())
    );
}

#[test]
fn a_token_that_is_not_valid_tells_nothing() {
    let test = engine(|setup| {
        setup.acme.users.insert("auth0|blocked".to_owned(), blocked_user());
        setup.acme.users.insert("auth0|bob".to_owned(), User::default());
    });
    let good = id_token("caller");
    let flipped = format!("{}A", good.trim_end_matches(|c: char| c != '.'));
    for (token, why) in [
        ("opaque", "id_token is malformed"),
        (&flipped, "id_token has a bad signature"),
        (&token(json!({"exp": NOW})), "id_token has expired"),
        (&token(json!({"aud": "nobody"})), "id_token was issued to an unknown client"),
        (&token(json!({"aud": ["caller", "api"]})), "id_token is not for one client"),
        (
            &token(json!({"iss": format!("https://{GLOBEX}/")})),
            "the issuer of the id_token is not trusted here",
        ),
        (&rs256(ACME, &claims_for("caller")), "id_token has the wrong algorithm"),
    ] {
        assert_eq!(by_id_token(&test, token), invalid(why), "{why}");
        let app = by_app_token(&test, token);
        if why != "id_token has the wrong algorithm" {
            assert_eq!(app, invalid("the access token is not a valid app token of this tenant"), "{why}");
        }
    }
    let blocked = token(json!({"sub": "auth0|blocked"}));
    let is_blocked = Err("401 unauthorized user is blocked".to_owned());
    assert_eq!(by_id_token(&test, &blocked), is_blocked);
    assert_eq!(by_app_token(&test, &blocked), is_blocked);
}

#[test]
fn a_tenant_that_does_not_allow_it_tells_nothing() {
    let test = engine(|setup| setup.acme.tenant.delegation.profile_endpoints = false);
    let refused = Err("404 not_found the tenant does not allow this endpoint".to_owned());
    assert_eq!(by_id_token(&test, &id_token("caller")), refused);
    assert_eq!(by_app_token(&test, &id_token("caller")), refused);
}

#[test]
fn each_endpoint_has_the_limit_that_it_had_at_auth0() {
    let test = engine(|_| {});
    let request = |token: &str| {
        let parameters = object(json!({ "id_token": token }));
        ProfileRequest::by_id_token((&parameters).into()).unwrap()
    };
    let (_, response) = ask(&test, request(&id_token("caller")));
    let rate = response.rate.unwrap();
    assert_eq!((rate.limit, rate.remaining), (800, 799));
    // Auth0 counted each request to /tokeninfo, whatever its token was.
    let (refused, response) = ask(&test, request("opaque"));
    assert!(refused.is_err());
    assert_eq!(response.rate.unwrap().remaining, 798);
    for _ in 0..10 {
        assert!(by_app_token(&test, &id_token("caller")).is_ok());
    }
    let limited = Err("429 too_many_requests rate limit of this endpoint exceeded".to_owned());
    assert_eq!(by_app_token(&test, &id_token("caller")), limited);
    assert!(by_app_token(&test, &token(json!({"sub": "auth0|bob"}))).is_ok(), "another user");
    test.clock.advance(12);
    assert!(by_app_token(&test, &id_token("caller")).is_ok(), "five in a minute");
}

#[test]
fn invalid_tokens_are_limited_at_each_address() {
    let test = engine(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 1));
    assert!(by_id_token(&test, "opaque").is_err());
    assert!(by_app_token(&test, "opaque").is_err());
    let limited = by_id_token(&test, &id_token("caller")).unwrap_err();
    assert!(limited.starts_with("429 too_many_requests too many invalid tokens"), "{limited}");
}

#[test]
fn a_store_that_is_away_is_said() {
    for port in ["client", "user"] {
        let test = engine(|_| {});
        test.calls.fail_all_of(port);
        for refused in [by_id_token(&test, &id_token("caller")), by_app_token(&test, &id_token("caller"))] {
            assert!(refused.unwrap_err().starts_with("503 temporarily_unavailable"), "{port}");
        }
    }
}

#[test]
fn an_unread_request_is_recorded_once() {
    let test = engine(|_| {});
    let tenant = tenant_at(&*test.directory, ACME).unwrap();
    let refusal = ProfileRequest::by_id_token(Default::default()).unwrap_err();
    let response =
        test.engine.refuse_unread_profile(Endpoint::TokenInfo, refusal, tenant.as_deref(), &caller());
    assert_eq!(response.outcome.unwrap_err().status(), 400);
    let event = test.sink.take_only_event();
    assert_eq!((event.code.as_str(), event.tenant.as_deref()), ("locum_fprofile", Some(ACME)));
}
