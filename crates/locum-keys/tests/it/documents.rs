//! What an issuer answers, and what is said about an answer that cannot be used.

use std::time::Duration;

use locum_engine::model::{KeyLocation, RemoteKeys};
use locum_engine::prepared::RemoteIssuer;
use locum_keys::FetchedKeys;
use locum_keys::limits::{DOCUMENT_BYTES_MAX, FETCH_DEADLINE};
use locum_testing::ACME;
use serde_json::json;

use crate::provider::{Answer, CONFIGURATION, KEYS, Provider, has, key_set, kid};

/// Why the keys of the provider cannot be had.
async fn failure(provider: &Provider, issuer: &RemoteIssuer) -> String {
    let failure = has(&FetchedKeys::new().unwrap(), issuer, &kid(ACME)).await.unwrap_err();
    failure.replace(&provider.issuer, "PROVIDER")
}

#[tokio::test]
async fn keys_are_found_by_discovery_or_at_their_url() {
    let provider = Provider::start().await;
    let keys = FetchedKeys::new().unwrap();
    for issuer in [provider.by_discovery(), provider.by_url()] {
        assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    }
    assert_eq!((provider.requests(CONFIGURATION), provider.requests(KEYS)), (1, 2));
    let status = keys.status();
    assert_eq!(status.len(), 2);
    assert!(status.iter().all(|issuer| issuer.age.is_some() && issuer.failure.is_none()), "{status:?}");
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_named() {
    let provider = Provider::start().await;
    let good = Answer::ok(key_set(&[ACME]));
    for (answer, expected) in [
        (Answer { status: 500, ..good.clone() }, "its JWK Set was answered with status 500"),
        (Answer { status: 204, ..Answer::default() }, "its JWK Set was answered with status 204"),
        (
            Answer { status: 302, ..Answer::default() }.with("location", "http://127.0.0.1:1/"),
            "PROVIDER answered 302 Found, and redirects are not followed",
        ),
        (
            Answer::ok("<html>"),
            "its JWK Set cannot be used: it is not a JWK Set, a JSON object with a list `keys`",
        ),
        (Answer::ok(r#"{"keys":[]}"#), "its JWK Set cannot be used: it has no key that verifies tokens"),
        (
            Answer::ok(r#"{"keys":[{"kty":"oct","k":"AA","kid":"a\u001b"}]}"#),
            r#"its JWK Set cannot be used: it has no key that verifies tokens: key 0 ("a\u{1b}") is symmetric"#,
        ),
        (Answer::ok(" ".repeat(DOCUMENT_BYTES_MAX + 1)), "PROVIDER answered with more than 256 KiB"),
        (Answer::ok(key_set(&[ACME; 101])), "its JWK Set cannot be used: it has 101 keys, more than 100"),
    ] {
        provider.answer(KEYS, answer);
        let expected = format!("the issuer's keys: {expected}");
        assert_eq!(failure(&provider, &provider.by_url()).await, expected);
        assert_eq!(failure(&provider, &provider.by_discovery()).await, expected);
    }
    provider.answer(KEYS, good);
    assert_eq!(has(&FetchedKeys::new().unwrap(), &provider.by_url(), &kid(ACME)).await, Ok(true));
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_named() {
    let provider = Provider::start().await;
    let with = |name: &str, value: &str| {
        let mut configuration = provider.configuration();
        configuration[name] = json!(value);
        Answer::ok(configuration.to_string())
    };
    let other = format!("{}/", provider.issuer);
    for (answer, expected) in [
        (
            Answer { status: 404, ..Answer::default() },
            "its OpenID configuration was answered with status 404",
        ),
        (Answer::ok("<html>"), "its OpenID configuration is not JSON with `issuer` and `jwks_uri`"),
        (with("issuer", &other), "its OpenID configuration is that of another issuer, `PROVIDER/`"),
        (
            with("jwks_uri", "ftp://x/"),
            "the `jwks_uri` of its OpenID configuration, `ftp://x/`, cannot be used",
        ),
        // Not the issuer's own host, so only a public address.
        (with("jwks_uri", "https://127.0.0.2:1/keys"), "https://127.0.0.2:1 is not a public address"),
        (with("jwks_uri", "https://169.254.169.254/keys"), "https://169.254.169.254 is not a public address"),
    ] {
        provider.answer(CONFIGURATION, answer);
        let expected = format!("the issuer's keys: {expected}");
        assert_eq!(failure(&provider, &provider.by_discovery()).await, expected);
    }
    assert_eq!(provider.requests(KEYS), 0);
}

#[tokio::test]
async fn an_issuer_that_is_slow_or_not_there_is_given_up() {
    let provider = Provider::start().await;
    let slow = Answer { delay: FETCH_DEADLINE + Duration::from_secs(1), ..Answer::ok(key_set(&[ACME])) };
    provider.answer(KEYS, slow);
    assert_eq!(
        failure(&provider, &provider.by_url()).await,
        "the issuer's keys: it did not answer within 5 s"
    );
    let nowhere = KeyLocation::JwkSet("http://127.0.0.1:1/keys".parse().unwrap());
    let issuer = RemoteIssuer::new("https://nowhere.example/", RemoteKeys::new(nowhere));
    let refused = failure(&provider, &issuer).await;
    assert!(refused.starts_with("the issuer's keys: http://127.0.0.1:1 cannot be reached"), "{refused}");
}

#[tokio::test]
async fn authorities_of_an_issuer_are_certificates() {
    let provider = Provider::start().await;
    let with = |authorities: &str| {
        let mut keys = provider.by_url().keys().clone();
        keys.authorities_pem = Some(authorities.to_owned());
        RemoteIssuer::new(provider.issuer.as_str(), keys)
    };
    let certificate = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");
    let keys = FetchedKeys::new().unwrap();
    assert_eq!(has(&keys, &with(certificate), &kid(ACME)).await, Ok(true));
    assert_eq!(
        failure(&provider, &with("hunter2")).await,
        "the issuer's authorities: there is no certificate in PEM"
    );
    // Not the entry of the issuer with other authorities.
    assert_eq!(has(&keys, &provider.by_url(), &kid(ACME)).await, Ok(true));
    assert_eq!(provider.requests(KEYS), 2);
}

#[test]
fn outside_a_runtime_there_are_no_keys_and_no_panic() {
    let location = KeyLocation::JwkSet("http://127.0.0.1:1/keys".parse().unwrap());
    let issuer = RemoteIssuer::new("https://nowhere.example/", RemoteKeys::new(location));
    let keys = FetchedKeys::new().unwrap();
    let refused = locum_testing::finished(has(&keys, &issuer, &kid(ACME))).unwrap_err();
    assert_eq!(refused, "keys are fetched in a tokio runtime only");
}
