//! Clients that authenticate by assertions (`private_key_jwt`): each is verified, is for this server, and is used once.

use locum_engine::model::{Chains, ClientAuthentication};
use locum_engine::{ClientCredential, RevocationRequest};
use locum_testing::{
    ACME, GLOBEX, NOW, TestEngine, TestSetup, bucket_rule, exchange_with, good_with, hs256, jwk_set, object,
    refresh_token, rs256,
};
use serde_json::{Value, json};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An engine whose client `caller` authenticates by assertions under the key of [`ACME`].
fn engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.acme.tenant.delegation.rate = bucket_rule(1_000_000, 60);
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(1000, 60);
        setup.client("caller").authentication = ClientAuthentication::PrivateKey(jwk_set(ACME));
        change(setup);
    })
}

/// The claims of an assertion that is accepted, with these changes; a `null` takes a claim out.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": "caller", "sub": "caller", "aud": format!("https://{ACME}/"), "iat": NOW, "exp": NOW + 60, "jti": "first",
    });
    let claims_of_assertion = claims.as_object_mut().unwrap();
    claims_of_assertion.extend(object(changes));
    claims_of_assertion.retain(|_, value| !value.is_null());
    claims
}

fn presented(assertion: &str) -> Value {
    json!({"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE})
}

/// What becomes of an exchange with an assertion of these claims.
fn exchanged(test: &TestEngine, changes: Value) -> String {
    test.exchange(exchange_with(presented(&rs256(ACME, &claims(changes))))).summary()
}

fn refused(why: &str) -> String {
    format!("401 invalid_client client_assertion {why}")
}

#[test]
fn an_assertion_is_accepted_once() {
    let test = engine(|_| {});
    assert_eq!(exchanged(&test, json!({})), "issued");
    let again = refused("was used before; make a new one for each request");
    assert_eq!(exchanged(&test, json!({})), again);
    assert_eq!(exchanged(&test, json!({"jti": "second"})), "issued");
    test.clock.advance(59);
    assert_eq!(exchanged(&test, json!({})), again);
    test.clock.advance(1);
    assert_eq!(exchanged(&test, json!({})), refused("has expired"));
}

#[test]
fn each_claim_must_be_what_it_is_for() {
    let test = engine(|_| {});
    let other_client = refused("has an iss or sub that is not the client_id");
    let other_audience = refused("has an aud that is neither the issuer nor the URL of the token endpoint");
    let bad_id = refused("has a jti that is empty or longer than 256 bytes");
    let issuer = format!("https://{ACME}/");
    let endpoint = format!("https://{ACME}/oauth/token");
    let under_a_path = format!("https://{ACME}/locum/oauth/token");
    for (number, changes) in [
        json!({"aud": endpoint}),
        json!({"aud": under_a_path}),
        json!({"aud": [issuer]}),
        json!({"aud": [issuer, endpoint]}),
        json!({"exp": NOW + 1}),
        json!({"exp": NOW + 3660}),
        json!({"iat": null}),
        json!({"iat": NOW + 60, "nbf": NOW + 60}),
        json!({"jti": "j".repeat(256)}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut changes = changes;
        if changes.get("jti").is_none() {
            changes["jti"] = json!(format!("accepted {number}"));
        }
        assert_eq!(exchanged(&test, changes.clone()), "issued", "{changes}");
    }
    for (changes, why) in [
        (json!({"iss": "api"}), &other_client),
        (json!({"sub": "api"}), &other_client),
        (json!({"iss": null}), &refused("has no iss claim")),
        (json!({"aud": null}), &refused("has no aud claim")),
        (json!({"aud": 7}), &refused("has a aud claim of the wrong type")),
        (json!({"aud": [issuer, 7]}), &refused("has a aud claim of the wrong type")),
        (json!({"aud": []}), &other_audience),
        (json!({"aud": ACME}), &other_audience),
        (json!({"aud": format!("https://{ACME}")}), &other_audience),
        (json!({"aud": format!("https://{GLOBEX}/")}), &other_audience),
        (json!({"aud": [issuer, "https://other.example/"]}), &other_audience),
        (json!({"aud": format!("http://{ACME}/oauth/token")}), &other_audience),
        (json!({"aud": format!("https://{ACME}.evil.example/oauth/token")}), &other_audience),
        (json!({"aud": format!("https://{ACME}/oauth/token/")}), &other_audience),
        (json!({"exp": null}), &refused("has no exp claim")),
        (json!({"exp": NOW}), &refused("has expired")),
        (json!({"exp": NOW + 3661}), &refused("is valid for more than an hour")),
        (json!({"nbf": NOW + 61}), &refused("is not valid yet")),
        (json!({"iat": NOW + 61}), &refused("is not valid yet")),
        (json!({"jti": null}), &refused("has no jti claim")),
        (json!({"jti": ""}), &bad_id),
        (json!({"jti": "j".repeat(257)}), &bad_id),
    ] {
        assert_eq!(exchanged(&test, changes.clone()), *why, "{changes}");
    }
}

#[test]
fn only_the_clients_own_key_signs_for_it() {
    let test = engine(|_| {});
    let exchanged = |assertion: &str| test.exchange(exchange_with(presented(assertion))).summary();
    assert_eq!(exchanged(&hs256(&claims(json!({})))), refused("has the wrong algorithm"));
    assert_eq!(exchanged(&rs256(GLOBEX, &claims(json!({})))), refused("is signed with an unknown key"));
    let good = rs256(ACME, &claims(json!({})));
    let (message, _) = good.rsplit_once('.').unwrap();
    assert_eq!(exchanged(&format!("{message}.c2ln")), refused("has a bad signature"));
    assert_eq!(exchanged("a.b"), refused("is malformed"));
    // Nothing of this used it.
    assert_eq!(exchanged(&good), "issued");
}

#[test]
fn a_client_with_keys_authenticates_by_nothing_else_and_one_with_a_secret_not_by_keys() {
    let test = engine(|_| {});
    let summary = |changes: Value| test.exchange(exchange_with(changes)).summary();
    let must = "401 invalid_client the client must authenticate by a client_assertion (private_key_jwt)";
    assert_eq!(summary(json!({})), must);
    assert_eq!(summary(json!({"client_secret": "s3cret"})), must);
    let public = engine(|setup| setup.client("caller").authentication = ClientAuthentication::None);
    assert_eq!(
        exchanged(&public, json!({})),
        "401 invalid_client this client does not authenticate; send neither a secret nor an assertion"
    );
    let unusable = engine(|setup| {
        setup.client("caller").authentication = ClientAuthentication::PrivateKey("no keys".to_owned());
    });
    assert_eq!(exchanged(&unusable, json!({})), refused("has the wrong algorithm"));
}

#[test]
fn wrong_assertions_are_limited_as_wrong_secrets_are() {
    let test = engine(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 1));
    for _ in 0..2 {
        assert_eq!(
            exchanged(&test, json!({"aud": "https://other.example/"})),
            refused("has an aud that is neither the issuer nor the URL of the token endpoint")
        );
    }
    assert!(exchanged(&test, json!({})).starts_with("429 too_many_requests too many wrong secrets"));
    test.clock.advance(59);
    assert_eq!(
        exchanged(&test, json!({"exp": NOW + 120})),
        "429 too_many_requests too many wrong secrets for this client from this address; wait before the next request"
    );
    test.clock.advance(1);
    assert_eq!(exchanged(&test, json!({"exp": NOW + 120})), "issued");
}

#[test]
fn without_the_store_nobody_is_accepted_and_nothing_is_counted_as_wrong() {
    let test = engine(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(1, 1));
    test.calls.fail_all_of("used_assertions");
    for _ in 0..2 {
        let refused = exchanged(&test, json!({}));
        assert!(refused.starts_with("503 temporarily_unavailable"), "{refused}");
    }
    // What is wrong is refused before the store is asked.
    let before = test.calls.made().len();
    assert!(exchanged(&test, json!({"exp": NOW})).starts_with("401"));
    assert!(!test.calls.made()[before..].contains(&"used_assertions"));
}

#[test]
fn who_authenticated_by_an_assertion_may_what_others_may_who_authenticated() {
    let test = engine(|setup| {
        setup.acme.tenant.delegation.chains = Chains::Authenticated;
        setup.client("caller").refresh_tokens = Some(Default::default());
    });
    let mut chained = locum_testing::claims_for("caller");
    chained["azp"] = json!("api");
    let mut parameters = presented(&rs256(ACME, &claims(json!({}))));
    parameters["subject_token"] = json!(hs256(&chained));
    assert_eq!(test.exchange(exchange_with(parameters)).summary(), "issued");
    let token = test.store_refresh_token(refresh_token("family"));
    let mut refresh = presented(&rs256(ACME, &claims(json!({"jti": "refresh"}))));
    refresh["grant_type"] = json!("refresh_token");
    refresh["refresh_token"] = json!(token);
    refresh["client_id"] = json!("caller");
    assert_eq!(test.exchange(object(refresh)).summary(), "issued");
    // `/delegation` authenticates nobody.
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
}

#[test]
fn the_assertion_names_the_client_if_no_parameter_does() {
    let test = engine(|_| {});
    let mut parameters = exchange_with(presented(&rs256(ACME, &claims(json!({})))));
    parameters.remove("client_id");
    assert_eq!(test.exchange(parameters).summary(), "issued");
    let mut other = presented(&rs256(ACME, &claims(json!({"jti": "other"}))));
    other["client_id"] = json!("api");
    let refusal = test.exchange(exchange_with(other)).summary();
    assert_eq!(
        refusal,
        "401 invalid_client this client does not authenticate; send neither a secret nor an assertion"
    );
}

#[test]
fn debug_shows_no_assertion() {
    let mut parameters = presented("a.b.c");
    parameters["client_id"] = json!("caller");
    parameters["token"] = json!("t0ken");
    let request = RevocationRequest::parse((&object(parameters)).into(), None).unwrap();
    assert!(!format!("{request:?}").contains("a.b.c"));
    assert_eq!(format!("{:?}", request.client_credential.unwrap()), "Assertion(…)");
    assert_eq!(format!("{:?}", ClientCredential::Secret("s3cret".into())), "Secret(…)");
}
