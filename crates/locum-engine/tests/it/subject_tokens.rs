//! Subject tokens: signature, key, audience, issuer and validity. Each refusal names what is wrong.

use jsonwebtoken::Algorithm;
use locum_abi::configuration::SigningKey;
use locum_engine::limits::JSON_DEPTH_MAX;
use locum_engine::model::ClientKey;
use serde_json::{Value, json};

use locum_testing::{
    ACME, GLOBEX, NOW, TestEngine, claims_for, good_with, hs256, id_token, rs256, signed_text, signing_key,
};

const PUBLIC_KEY: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pub.pem");

fn summary(test: &TestEngine, id_token: &str) -> String {
    let summary = test.delegate(good_with(json!({"id_token": id_token}))).summary();
    summary.strip_prefix("400 invalid_grant id_token ").unwrap_or(&summary).to_owned()
}

/// An engine at which the tenant signs the tokens of the client `caller`.
fn rs256_engine() -> TestEngine {
    TestEngine::with(|setup| setup.client("caller").key = ClientKey::TenantKeys)
}

fn with_header(header: &Value) -> String {
    signed_text(&header.to_string(), &claims_for("caller").to_string(), Algorithm::HS256)
}

#[test]
fn a_good_token_of_each_algorithm_is_accepted() {
    assert_eq!(summary(&TestEngine::new(), &id_token("caller")), "issued");
    assert_eq!(summary(&rs256_engine(), &rs256(ACME, &claims_for("caller"))), "issued");
}

#[test]
fn an_unsigned_token_is_refused_however_alg_none_is_spelt() {
    for test in [TestEngine::new(), rs256_engine()] {
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            let signed = with_header(&json!({"typ": "JWT", "alg": alg}));
            assert_eq!(summary(&test, &signed), "has the wrong algorithm");
            let (unsigned, _) = signed.rsplit_once('.').unwrap();
            assert_eq!(summary(&test, &format!("{unsigned}.")), "has the wrong algorithm");
            assert_eq!(summary(&test, unsigned), "is malformed");
        }
    }
}

#[test]
fn a_public_key_is_not_accepted_as_an_hmac_secret() {
    let test = rs256_engine();
    let message = id_token("caller").rsplit_once('.').unwrap().0.to_owned();
    for secret in [PUBLIC_KEY, PUBLIC_KEY.trim()] {
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        assert_eq!(summary(&test, &format!("{message}.{signature}")), "has the wrong algorithm");
    }
}

#[test]
fn the_client_decides_the_algorithm_and_not_the_token() {
    assert_eq!(summary(&TestEngine::new(), &rs256(ACME, &claims_for("caller"))), "has the wrong algorithm");
    assert_eq!(summary(&rs256_engine(), &id_token("caller")), "has the wrong algorithm");
}

#[test]
fn an_encrypted_token_around_an_unsigned_one_is_refused() {
    let inner = id_token("caller");
    let jwe = with_header(&json!({"alg": "dir", "enc": "A128GCM", "cty": "JWT"}));
    assert_eq!(summary(&TestEngine::new(), &jwe), "has the wrong algorithm");
    assert_eq!(summary(&TestEngine::new(), &format!("{inner}.e30.e30")), "is malformed");
}

#[test]
fn a_kid_is_only_compared_with_the_names_of_keys() {
    let test = rs256_engine();
    let with_kid = |kid: Value| {
        let header = json!({"alg": "RS256", "kid": kid}).to_string();
        signed_text(&header, &claims_for("caller").to_string(), Algorithm::RS256)
    };
    assert_eq!(summary(&test, &with_kid(json!("key of acme.example.com"))), "issued");
    for kid in ["key of ACME.example.com", "../../../../dev/null", "' OR 1=1 --", "", &"k".repeat(256)] {
        assert_eq!(summary(&test, &with_kid(json!(kid))), "is signed with an unknown key", "{kid}");
    }
    for kid in [json!("k".repeat(257)), json!(7), json!(null), json!(["key of acme.example.com"])] {
        assert_eq!(summary(&test, &with_kid(kid.clone())), "is malformed", "{kid}");
    }
    let twice = r#"{"alg":"RS256","kid":"key of acme.example.com","kid":"other"}"#;
    let twice = signed_text(twice, &claims_for("caller").to_string(), Algorithm::RS256);
    assert_eq!(summary(&test, &twice), "is malformed");
}

#[test]
fn keys_and_issuers_that_a_token_names_are_never_contacted() {
    let test = TestEngine::new();
    let elsewhere = "https://evil.example/";
    let header = json!({"alg": "HS256", "jku": elsewhere, "x5u": elsewhere, "jwk": {"kty": "oct", "k": ""}});
    assert_eq!(summary(&test, &with_header(&header)), "issued");
    let made = test.calls.made().len();
    let mut claims = claims_for("caller");
    for issuer in
        [elsewhere, "https://acme.example.com", "https://ACME.example.com/", "https://acme.example.com/../"]
    {
        claims["iss"] = json!(issuer);
        assert_eq!(
            summary(&test, &hs256(&claims)),
            "400 invalid_grant the issuer of the id_token is not trusted here",
            "{issuer}"
        );
    }
    // Each of the four requests looked up its tenant and its client, and called no other port.
    assert_eq!(test.calls.made()[made..], ["tenant", "client"].repeat(4));
}

#[test]
fn a_token_of_another_type_or_with_a_critical_extension_is_refused() {
    let refusal_of = |header: Value| summary(&TestEngine::new(), &with_header(&header));
    assert_eq!(refusal_of(json!({"alg": "HS256", "typ": "jwt"})), "issued");
    assert_eq!(refusal_of(json!({"alg": "HS256", "typ": "at+jwt"})), "is of the wrong type");
    for crit in [json!(["b64"]), json!([]), json!(null)] {
        let header = json!({"alg": "HS256", "crit": crit});
        assert_eq!(refusal_of(header), "demands an extension that is not understood");
    }
}

#[test]
fn each_unknown_kid_costs_one_directory_look_up() {
    let test = rs256_engine();
    for n in 0..100 {
        let header = json!({"alg": "RS256", "kid": format!("kid {n}")}).to_string();
        let token = format!("{}.e30.AAAA", {
            use base64::Engine as _;
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header)
        });
        assert_eq!(summary(&test, &token), "is signed with an unknown key");
    }
    assert_eq!(test.calls.made(), ["tenant", "client"].repeat(100));
}

#[test]
fn tokens_of_the_previous_key_are_accepted_until_it_is_removed() {
    let old = rs256(ACME, &claims_for("caller"));
    let new_key = || signing_key(GLOBEX);
    // A token for this tenant, signed with the new key and with its `kid`.
    let new = rs256(GLOBEX, &claims_for("caller"));
    let test = |rotate: &dyn Fn(&mut Vec<SigningKey>)| {
        TestEngine::with(|setup| {
            setup.client("caller").key = ClientKey::TenantKeys;
            rotate(&mut setup.acme.tenant.signing_keys);
        })
    };
    let before = test(&|_| {});
    assert_eq!(
        (summary(&before, &old).as_str(), summary(&before, &new).as_str()),
        ("issued", "is signed with an unknown key")
    );
    let during = test(&|keys| keys.insert(0, new_key()));
    assert_eq!((summary(&during, &old), summary(&during, &new)), ("issued".to_owned(), "issued".to_owned()));
    let after = test(&|keys| *keys = vec![new_key()]);
    assert_eq!(
        (summary(&after, &old).as_str(), summary(&after, &new).as_str()),
        ("is signed with an unknown key", "issued")
    );
}

#[test]
fn each_claim_that_is_absent_or_of_the_wrong_type_is_named() {
    let test = TestEngine::new();
    for name in ["iss", "aud", "exp", "iat", "sub"] {
        let mut claims = claims_for("caller");
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(summary(&test, &hs256(&claims)), format!("has no {name} claim"));
    }
    for name in ["iss", "aud", "exp", "iat", "nbf", "auth_time", "sub", "azp"] {
        for value in [json!(null), json!(true), json!([7]), json!({"a": 1}), json!({})] {
            let mut claims = claims_for("caller");
            claims[name] = value.clone();
            let expected = format!("has a {name} claim of the wrong type");
            assert_eq!(summary(&test, &hs256(&claims)), expected, "{name}: {value}");
        }
    }
    for (name, value) in
        [("exp", json!("1900000300")), ("iat", json!("1")), ("azp", json!(7)), ("exp", json!(1e300))]
    {
        let mut claims = claims_for("caller");
        claims[name] = value;
        assert_eq!(summary(&test, &hs256(&claims)), format!("has a {name} claim of the wrong type"));
    }
}

#[test]
fn a_sub_that_cannot_be_a_user_id_is_described() {
    let test = TestEngine::new();
    for sub in ["", "auth0|a\nb", &"x".repeat(256)] {
        let mut claims = claims_for("caller");
        claims["sub"] = json!(sub);
        let expected = "has a sub claim that is empty, longer than 255 bytes or has control characters";
        assert_eq!(summary(&test, &hs256(&claims)), expected);
    }
    let mut claims = claims_for("caller");
    claims["sub"] = json!("x".repeat(255));
    assert_eq!(summary(&test, &hs256(&claims)), "issued");
}

#[test]
fn truncated_and_extended_tokens_are_refused() {
    let test = TestEngine::new();
    let token = id_token("caller");
    for end in 0..token.len() {
        assert_ne!(summary(&test, &token[..end]), "issued", "{end}");
        assert_ne!(summary(&test, &token[end + 1..]), "issued", "{end}");
    }
    for more in ["A", "=", ".", " ", "\n", ".e30", "\u{0}"] {
        assert_ne!(summary(&test, &format!("{token}{more}")), "issued", "{more:?}");
        assert_ne!(summary(&test, &format!("{more}{token}")), "issued", "{more:?}");
    }
    assert_eq!(summary(&test, &token), "issued");
}

#[test]
fn a_token_with_a_duplicate_claim_is_refused() {
    let claims = claims_for("caller").to_string();
    let twice = claims.replacen('{', r#"{"sub":"auth0|root","#, 1);
    let signed = |payload: &str| signed_text(r#"{"alg":"HS256"}"#, payload, Algorithm::HS256);
    assert_eq!(summary(&TestEngine::new(), &signed(&claims)), "issued");
    assert_eq!(summary(&TestEngine::new(), &signed(&twice)), "is malformed");
}

#[test]
fn claims_nested_beyond_the_limit_are_refused() {
    let nested = |depth: usize| {
        let mut claims = claims_for("caller");
        claims["groups"] = (0..depth).fold(json!("admin"), |inner, _| json!([inner]));
        hs256(&claims)
    };
    assert_eq!(summary(&TestEngine::new(), &nested(JSON_DEPTH_MAX - 1)), "issued");
    assert_eq!(summary(&TestEngine::new(), &nested(JSON_DEPTH_MAX)), "is malformed");
}

#[test]
fn a_token_expires_at_its_exp_plus_the_leeway_of_the_tenant() {
    let outcome = |leeway, late: i64| {
        let test = TestEngine::with(|setup| setup.acme.tenant.delegation.leeway_seconds = leeway);
        test.clock.advance(300 + late);
        summary(&test, &id_token("caller"))
    };
    assert_eq!((outcome(0, -1).as_str(), outcome(0, 0).as_str()), ("issued", "has expired"));
    assert_eq!((outcome(60, 59).as_str(), outcome(60, 60).as_str()), ("issued", "has expired"));
    assert_eq!(outcome(u64::MAX, 1).as_str(), "issued");
}

#[test]
fn a_token_from_more_than_a_minute_in_the_future_is_refused() {
    for name in ["iat", "nbf"] {
        let mut claims = claims_for("caller");
        claims[name] = json!(NOW + 60);
        assert_eq!(summary(&TestEngine::new(), &hs256(&claims)), "issued");
        claims[name] = json!(NOW + 61);
        assert_eq!(summary(&TestEngine::new(), &hs256(&claims)), "is not valid yet");
    }
}

#[test]
fn a_token_larger_than_the_limit_is_refused() {
    let padded = |bytes: usize| {
        let mut claims = claims_for("caller");
        claims["padding"] = json!("x".repeat(bytes));
        hs256(&claims)
    };
    assert_eq!(summary(&TestEngine::new(), &padded(10_000)), "issued");
    assert_eq!(summary(&TestEngine::new(), &padded(16_000)), "is too long");
}
