//! The rate limit: one bucket per tenant, address and user, and what happens if the buckets are unavailable.

use locum_engine::Caller;
use locum_engine::model::WhenUnavailable;
use serde_json::json;

use locum_testing::{ACME, GLOBEX, NOW, TestEngine, bucket_rule, caller, claims_for, good, good_with, hs256};

fn from(ip: &str) -> Caller {
    Caller { ip: ip.parse().unwrap(), ..caller() }
}

fn remaining_for(test: &TestEngine, ip: &str) -> u32 {
    test.delegate_from(&from(ip), good()).response.rate.unwrap().remaining
}

#[test]
fn ten_requests_conform_and_the_eleventh_is_refused_with_retry_after() {
    let test = TestEngine::new();
    for left in (0..10).rev() {
        let rate = test.delegate(good()).response.rate.unwrap();
        assert_eq!((rate.limit, rate.remaining, rate.retry_after_seconds > 0), (10, left, left == 0));
    }
    let reply = test.delegate(good());
    assert_eq!(reply.refusal().status(), 429);
    assert_eq!(reply.event.code.as_str(), "limit_delegation");
    let rate = reply.response.rate.unwrap();
    assert_eq!((rate.remaining, rate.retry_after_seconds), (0, 60));
    assert_eq!(rate.reset_unix_seconds, u64::try_from(NOW).unwrap() + 600);
}

#[test]
fn one_request_is_refilled_per_minute_and_not_a_second_earlier() {
    let test = TestEngine::new();
    for _ in 0..10 {
        assert_eq!(test.delegate(good()).summary(), "issued");
    }
    test.clock.advance(59);
    assert_eq!(test.delegate(good()).refusal().status(), 429);
    test.clock.advance(1);
    assert_eq!(test.delegate(good()).summary(), "issued");
    assert_eq!(test.delegate(good()).refusal().status(), 429);
}

#[test]
fn a_request_that_is_refused_after_admission_is_counted() {
    let test = TestEngine::new();
    let refused = test.delegate(good_with(json!({"target": "nobody"})));
    assert_eq!((refused.refusal().status(), refused.response.rate.unwrap().remaining), (401, 9));
    assert_eq!(test.delegate(good()).response.rate.unwrap().remaining, 8);
}

#[test]
fn a_request_without_a_verified_user_is_not_counted() {
    let test = TestEngine::new();
    for changes in [json!({"id_token": "a.b.c"}), json!({"client_id": "nobody"}), json!({"scope": 1})] {
        assert!(test.delegate(good_with(changes)).response.rate.is_none());
    }
    assert!(test.buckets.requested().is_empty());
}

#[test]
fn the_bucket_key_is_tenant_address_and_user() {
    let test = TestEngine::new();
    assert_eq!(test.delegate(good()).summary(), "issued");
    let key = (ACME.to_owned(), "203.0.113.7".parse().unwrap(), r#"User("auth0|alice")"#.to_owned());
    assert_eq!(test.buckets.requested(), [key]);
}

#[test]
fn users_and_tenants_have_separate_buckets() {
    let test = TestEngine::with(|setup| {
        for tenant in [&mut setup.acme, &mut setup.globex] {
            tenant.tenant.delegation.rate = bucket_rule(1, 1);
        }
    });
    let mut bob = claims_for("caller");
    bob["sub"] = json!("auth0|bob");
    let mut at_globex = claims_for("caller");
    at_globex["iss"] = json!(format!("https://{GLOBEX}/"));
    assert_eq!(test.delegate(good()).summary(), "issued");
    assert_eq!(test.delegate(good()).refusal().status(), 429);
    assert_eq!(test.delegate(good_with(json!({"id_token": hs256(&bob)}))).summary(), "issued");
    let globex = Caller { host: GLOBEX.to_owned(), ..caller() };
    assert_eq!(
        test.delegate_from(&globex, good_with(json!({"id_token": hs256(&at_globex)}))).summary(),
        "issued"
    );
}

#[test]
fn an_ipv6_bucket_is_for_a_64_bit_prefix_and_an_ipv4_bucket_for_an_address() {
    let test = TestEngine::new();
    assert_eq!(remaining_for(&test, "2001:db8:1:2:3:4:5:6"), 9);
    assert_eq!(remaining_for(&test, "2001:db8:1:2:ffff::1"), 8);
    assert_eq!(remaining_for(&test, "2001:db8:1:3::1"), 9);
    assert_eq!(remaining_for(&test, "198.51.100.1"), 9);
    assert_eq!(remaining_for(&test, "::ffff:198.51.100.1"), 8);
    assert_eq!(remaining_for(&test, "198.51.100.2"), 9);
    // The event keeps the address itself.
    let reply = test.delegate_from(&from("2001:db8:1:2:3:4:5:6"), good());
    assert_eq!(reply.event.ip.to_string(), "2001:db8:1:2:3:4:5:6");
}

#[test]
fn a_tenant_sets_its_own_rate() {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.rate = bucket_rule(2, 60));
    assert_eq!(test.delegate(good()).response.rate.unwrap().limit, 2);
    assert_eq!(test.delegate(good()).summary(), "issued");
    assert_eq!(test.delegate(good()).response.rate.unwrap().retry_after_seconds, 1);
    test.clock.advance(1);
    assert_eq!(test.delegate(good()).summary(), "issued");
}

#[test]
fn when_buckets_are_unavailable_an_open_tenant_serves_requests_uncounted() {
    let test = TestEngine::with(|setup| setup.calls.fail_all_of("buckets"));
    let reply = test.delegate(good());
    assert_eq!(reply.summary(), "issued");
    assert!(reply.response.rate.is_none());
    assert!(reply.event.uncounted);
    assert!(!TestEngine::new().delegate(good()).event.uncounted);
}

#[test]
fn when_buckets_are_unavailable_a_closed_tenant_refuses() {
    let test = TestEngine::with(|setup| {
        setup.acme.tenant.delegation.when_buckets_unavailable = WhenUnavailable::Closed;
        setup.calls.fail_all_of("buckets");
    });
    let reply = test.delegate(good());
    assert_eq!(reply.summary(), "503 temporarily_unavailable try again later");
    assert!(!reply.event.uncounted);
    assert!(reply.event.refusal.unwrap().inside.unwrap().contains("db.internal"));
    assert!(test.script.grants().is_empty());
}
