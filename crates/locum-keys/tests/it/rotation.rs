//! When keys are fetched again: new keys, unknown keys, an issuer that is down.

use std::sync::Arc;
use std::time::Duration;

use locum_engine::prepared::RemoteIssuer;
use locum_keys::FetchedKeys;
use locum_keys::limits::{RETRY_AFTER, UNKNOWN_KEY_PAUSE};
use locum_testing::{ACME, GLOBEX};
use tokio::time::{advance, pause, resume};

use crate::provider::{Answer, KEYS, Provider, has, key_set, kid};

/// Lets time pass. Requests need the real time to go on, so it is stopped only here.
async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// Waits until the provider was asked for its keys so often, and for the answer.
async fn asked(provider: &Provider, times: usize) {
    for _ in 0..500 {
        if provider.requests(KEYS) >= times {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(provider.requests(KEYS), times);
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn many_tokens_at_once_cause_one_fetch() {
    let provider = Provider::start().await;
    let (keys, issuer) = (Arc::new(FetchedKeys::new().unwrap()), provider.by_discovery());
    let ask = |kid: String| {
        let (keys, issuer) = (Arc::clone(&keys), issuer.clone());
        tokio::spawn(async move { has(&keys, &issuer, &kid).await })
    };
    let first: Vec<_> = (0..100).map(|_| ask(kid(ACME))).collect();
    for answer in first {
        assert_eq!(answer.await.unwrap(), Ok(true));
    }
    assert_eq!(provider.requests(KEYS), 1);
    // The issuer changes its key, and all clients send tokens with the new one.
    provider.publish(&[GLOBEX]);
    let rotated: Vec<_> = (0..100).map(|_| ask(kid(GLOBEX))).collect();
    for answer in rotated {
        assert_eq!(answer.await.unwrap(), Ok(true));
    }
    assert_eq!(provider.requests(KEYS), 2);
    // The old one is gone, and is looked for no sooner than any other unknown key.
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(false));
    assert_eq!(provider.requests(KEYS), 2);
}

#[tokio::test]
async fn invented_keys_cause_one_fetch_in_thirty_seconds_and_one_after_them() {
    let provider = Provider::start().await;
    let (keys, issuer) = (FetchedKeys::new().unwrap(), provider.by_url());
    for number in 0..100 {
        assert_eq!(has(&keys, &issuer, &format!("invented {number}")).await, Ok(false));
    }
    // The first load, and one for a key that it did not have.
    assert_eq!(provider.requests(KEYS), 2);
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    provider.publish(&[ACME, GLOBEX]);
    assert_eq!(has(&keys, &issuer, &kid(GLOBEX)).await, Ok(false));
    pass(UNKNOWN_KEY_PAUSE).await;
    // Without another request.
    asked(&provider, 3).await;
    assert_eq!(has(&keys, &issuer, &kid(GLOBEX)).await, Ok(true));
    for number in 0..100 {
        assert_eq!(has(&keys, &issuer, &format!("invented {number}")).await, Ok(false));
    }
    assert_eq!(provider.requests(KEYS), 3);
}

#[tokio::test]
async fn keys_are_renewed_in_the_background_and_asked_for_by_their_version() {
    let provider = Provider::start().await;
    let version = |domains: &[&str], etag: &str| {
        Answer::ok(key_set(domains)).with("etag", etag).with("cache-control", "max-age=100")
    };
    provider.answer(KEYS, version(&[ACME], "\"1\""));
    let (keys, issuer) = (FetchedKeys::new().unwrap(), provider.by_url());
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    pass(Duration::from_secs(74)).await;
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    assert_eq!(provider.requests(KEYS), 1);
    pass(Duration::from_secs(2)).await;
    // Answered with what is held; the issuer says that it is unchanged.
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    asked(&provider, 2).await;
    assert!(keys.status()[0].age.unwrap() < Duration::from_secs(10));
    // The next version has another key: the old one stops to work.
    provider.answer(KEYS, version(&[GLOBEX], "\"2\""));
    pass(Duration::from_secs(80)).await;
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    asked(&provider, 3).await;
    assert_eq!(has(&keys, &issuer, &kid(GLOBEX)).await, Ok(true));
    assert_eq!(provider.requests(KEYS), 3);
    // Nobody has asked for long: the keys are not used before they were fetched.
    pass(Duration::from_secs(3600)).await;
    provider.answer(KEYS, version(&[ACME], "\"3\""));
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    assert_eq!(provider.requests(KEYS), 4);
}

/// The keys of the provider, for so long after they expired if it is down.
fn stale_for(provider: &Provider, time: Duration) -> RemoteIssuer {
    let mut keys = provider.by_url().keys().clone();
    keys.stale_if_error = time;
    RemoteIssuer::new(provider.issuer.as_str(), keys)
}

#[tokio::test]
async fn while_the_issuer_is_down_its_keys_are_used_for_as_long_as_the_tenant_says() {
    let provider = Provider::start().await;
    let (keys, issuer) = (FetchedKeys::new().unwrap(), stale_for(&provider, Duration::from_secs(1000)));
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    // An empty set is a fault, and revokes nothing.
    provider.answer(KEYS, Answer::ok(r#"{"keys":[]}"#));
    pass(Duration::from_secs(3601)).await;
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    assert!(keys.status()[0].failure.as_ref().unwrap().contains("no key that verifies"));
    assert_eq!(provider.requests(KEYS), 2);
    for _ in 0..10 {
        assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    }
    assert_eq!(provider.requests(KEYS), 2);
    // Whether it has another key by now cannot be known.
    assert!(has(&keys, &issuer, &kid(GLOBEX)).await.is_err());
    pass(Duration::from_secs(1000)).await;
    assert!(has(&keys, &issuer, &kid(ACME)).await.is_err());
    provider.publish(&[ACME]);
    pass(RETRY_AFTER).await;
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    assert_eq!(keys.status()[0].failure, None);
}

#[tokio::test]
async fn a_first_fetch_that_fails_is_repeated_after_five_seconds() {
    let provider = Provider::start().await;
    provider.answer(KEYS, Answer { status: 503, ..Answer::default() });
    let (keys, issuer) = (FetchedKeys::new().unwrap(), provider.by_url());
    for _ in 0..100 {
        let failure = has(&keys, &issuer, &kid(ACME)).await.unwrap_err();
        assert_eq!(failure, "the issuer's keys: its JWK Set was answered with status 503");
    }
    assert_eq!(provider.requests(KEYS), 1);
    provider.publish(&[ACME]);
    pass(RETRY_AFTER).await;
    assert_eq!(has(&keys, &issuer, &kid(ACME)).await, Ok(true));
    assert_eq!(provider.requests(KEYS), 2);
}
