//! How often: one bucket for each user at each address of each tenant, and what is done when none can be asked.

use locum_engine::tenant::WhenUnavailable;
use locum_engine::{BucketRule, Caller};
use serde_json::json;

use crate::world::{ACME, GLOBEX, NOW, World, caller, claims_for, good, good_with, hs256};

fn from(ip: &str) -> Caller {
    Caller { ip: ip.parse().unwrap(), ..caller() }
}

fn remaining_for(world: &World, ip: &str) -> u32 {
    world.asks_from(&from(ip), good()).answer.rate.unwrap().remaining
}

#[test]
fn ten_requests_pass_and_the_eleventh_is_told_when_to_come_back() {
    let world = World::new();
    for left in (0..10).rev() {
        let rate = world.asks(good()).answer.rate.unwrap();
        assert_eq!((rate.limit, rate.remaining, rate.retry_after_seconds > 0), (10, left, left == 0));
    }
    let reply = world.asks(good());
    assert_eq!(reply.refusal().status(), 429);
    assert_eq!(reply.event.code.as_str(), "limit_delegation");
    let rate = reply.answer.rate.unwrap();
    assert_eq!((rate.remaining, rate.retry_after_seconds), (0, 60));
    assert_eq!(rate.reset_unix_seconds, u64::try_from(NOW).unwrap() + 600);
}

#[test]
fn one_request_comes_back_each_minute_and_not_a_second_earlier() {
    let world = World::new();
    for _ in 0..10 {
        assert_eq!(world.asks(good()).told(), "issued");
    }
    world.clock.advance(59);
    assert_eq!(world.asks(good()).refusal().status(), 429);
    world.clock.advance(1);
    assert_eq!(world.asks(good()).told(), "issued");
    assert_eq!(world.asks(good()).refusal().status(), 429);
}

#[test]
fn a_request_that_is_refused_later_was_counted() {
    let world = World::new();
    let refused = world.asks(good_with(json!({"target": "nobody"})));
    assert_eq!((refused.refusal().status(), refused.answer.rate.unwrap().remaining), (401, 9));
    assert_eq!(world.asks(good()).answer.rate.unwrap().remaining, 8);
}

#[test]
fn a_request_of_nobody_takes_nothing() {
    let world = World::new();
    for changes in [json!({"id_token": "a.b.c"}), json!({"client_id": "nobody"}), json!({"scope": 1})] {
        assert!(world.asks(good_with(changes)).answer.rate.is_none());
    }
    assert!(world.buckets.asked().is_empty());
}

#[test]
fn the_key_is_tenant_address_and_user() {
    let world = World::new();
    assert_eq!(world.asks(good()).told(), "issued");
    let key = (ACME.to_owned(), "203.0.113.7".parse().unwrap(), "auth0|alice".to_owned());
    assert_eq!(world.buckets.asked(), [key]);
}

#[test]
fn another_user_and_another_tenant_have_buckets_of_their_own() {
    let world = World::given(|given| {
        for tenant in [&mut given.acme, &mut given.globex] {
            tenant.delegation.rate = BucketRule { size: 1, per_minute: 1 };
        }
    });
    let mut bob = claims_for("caller");
    bob["sub"] = json!("auth0|bob");
    let mut at_globex = claims_for("caller");
    at_globex["iss"] = json!(format!("https://{GLOBEX}/"));
    assert_eq!(world.asks(good()).told(), "issued");
    assert_eq!(world.asks(good()).refusal().status(), 429);
    assert_eq!(world.asks(good_with(json!({"id_token": hs256(&bob)}))).told(), "issued");
    let globex = Caller { host: GLOBEX.to_owned(), ..caller() };
    assert_eq!(world.asks_from(&globex, good_with(json!({"id_token": hs256(&at_globex)}))).told(), "issued");
}

#[test]
fn of_ipv6_the_64_is_counted_and_of_ipv4_the_address() {
    let world = World::new();
    assert_eq!(remaining_for(&world, "2001:db8:1:2:3:4:5:6"), 9);
    assert_eq!(remaining_for(&world, "2001:db8:1:2:ffff::1"), 8);
    assert_eq!(remaining_for(&world, "2001:db8:1:3::1"), 9);
    assert_eq!(remaining_for(&world, "198.51.100.1"), 9);
    assert_eq!(remaining_for(&world, "::ffff:198.51.100.1"), 8);
    assert_eq!(remaining_for(&world, "198.51.100.2"), 9);
    // The event keeps the address itself.
    let reply = world.asks_from(&from("2001:db8:1:2:3:4:5:6"), good());
    assert_eq!(reply.event.ip.to_string(), "2001:db8:1:2:3:4:5:6");
}

#[test]
fn a_tenant_sets_its_own_rule() {
    let world = World::given(|given| given.acme.delegation.rate = BucketRule { size: 2, per_minute: 60 });
    assert_eq!(world.asks(good()).answer.rate.unwrap().limit, 2);
    assert_eq!(world.asks(good()).told(), "issued");
    assert_eq!(world.asks(good()).answer.rate.unwrap().retry_after_seconds, 1);
    world.clock.advance(1);
    assert_eq!(world.asks(good()).told(), "issued");
}

#[test]
fn without_buckets_an_open_tenant_goes_on_uncounted_and_says_so() {
    let world = World::given(|given| given.calls.fail_all_of("buckets"));
    let reply = world.asks(good());
    assert_eq!(reply.told(), "issued");
    assert!(reply.answer.rate.is_none());
    assert!(reply.event.uncounted);
    assert!(!World::new().asks(good()).event.uncounted);
}

#[test]
fn without_buckets_a_closed_tenant_refuses_and_the_log_knows_why() {
    let world = World::given(|given| {
        given.acme.delegation.when_buckets_unavailable = WhenUnavailable::Closed;
        given.calls.fail_all_of("buckets");
    });
    let reply = world.asks(good());
    assert_eq!(reply.told(), "503 temporarily_unavailable try again later");
    assert!(!reply.event.uncounted);
    assert!(reply.event.refusal.unwrap().inside.unwrap().contains("db.internal"));
    assert!(world.issuances.grants().is_empty());
}
