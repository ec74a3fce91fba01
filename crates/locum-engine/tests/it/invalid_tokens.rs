//! An address that presents only invalid tokens is refused before its next token is verified.

use std::sync::Arc;

use locum_engine::model::{DelegationPolicy, WhenUnavailable};
use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule, Caller, DelegationRequest, Engine, JWT_BEARER, Ports};
use locum_testing::{
    ACME, GLOBEX, TestEngine, bucket_rule, caller, claims_for, finished, good, good_with, hs256, tenant_at,
};
use serde_json::{Map, Value, json};

const TOO_MANY: &str =
    "429 too_many_requests too many invalid tokens from this address; wait before the next request";

fn invalid() -> Map<String, Value> {
    good_with(json!({"id_token": "a.b.c"}))
}

fn from(ip: &str) -> Caller {
    Caller { ip: ip.parse().unwrap(), ..caller() }
}

/// An engine whose bucket of invalid tokens holds three.
fn three_at_most() -> TestEngine {
    TestEngine::with(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(3, 60))
}

/// The same, after three invalid tokens.
fn exhausted() -> TestEngine {
    let test = three_at_most();
    for _ in 0..3 {
        assert_eq!(test.delegate(invalid()).refusal().code(), "invalid_grant");
    }
    test
}

#[test]
fn sixty_invalid_tokens_are_refused_as_such_and_the_next_before_it_is_verified() {
    let test = TestEngine::with(|setup| {
        setup.acme.tenant.delegation.invalid_token_rate = DelegationPolicy::default().invalid_token_rate;
    });
    for _ in 0..60 {
        assert_eq!(test.delegate(invalid()).refusal().code(), "invalid_grant");
    }
    let reply = test.delegate(invalid());
    assert_eq!(reply.summary(), TOO_MANY);
    assert_eq!(reply.refusal().retry_after_seconds(), Some(1));
    assert!(reply.response.rate.is_none(), "no user is known, so there are no rate headers");
    assert_eq!((reply.event.code.as_str(), reply.event.user_id), ("limit_delegation", None));
    assert_eq!(reply.event.tenant.as_deref(), Some(ACME));
}

#[test]
fn a_valid_token_waits_too_and_is_accepted_once_the_bucket_has_a_token() {
    let test = exhausted();
    assert_eq!(test.delegate(good()).summary(), TOO_MANY);
    test.clock.advance(1);
    assert_eq!(test.delegate(good()).summary(), "issued");
    // The valid token took nothing, so one invalid token is verified.
    assert_eq!(test.delegate(invalid()).refusal().code(), "invalid_grant");
    assert_eq!(test.delegate(invalid()).summary(), TOO_MANY);
}

#[test]
fn only_refused_subject_tokens_are_counted() {
    let test = three_at_most();
    let mut mallory = claims_for("caller");
    mallory["sub"] = json!("auth0|mallory");
    for _ in 0..4 {
        assert_eq!(test.delegate(good()).summary(), "issued");
        for (changes, status) in [
            (json!({"client_id": "nobody"}), 403),
            (json!({"grant_type": "password"}), 400),
            (json!({"id_token": hs256(&mallory)}), 401),
            (json!({"api_type": "unknown"}), 400),
        ] {
            assert_eq!(test.delegate(good_with(changes)).refusal().status(), status);
        }
    }
}

#[test]
fn an_unknown_refresh_token_is_counted() {
    let test = three_at_most();
    let asked = json!({"client_id": "caller", "grant_type": JWT_BEARER, "refresh_token": "r"});
    for _ in 0..3 {
        assert_eq!(test.delegate(asked.as_object().unwrap().clone()).refusal().code(), "invalid_grant");
    }
    assert_eq!(test.delegate(asked.as_object().unwrap().clone()).summary(), TOO_MANY);
}

#[test]
fn clients_share_the_bucket_and_addresses_and_tenants_do_not() {
    let test = exhausted();
    assert_eq!(test.delegate(good_with(json!({"client_id": "api"}))).summary(), TOO_MANY);
    assert_eq!(test.delegate_from(&from("203.0.113.8"), good()).summary(), "issued");
    let globex = Caller { host: GLOBEX.to_owned(), ..caller() };
    assert_eq!(test.delegate_from(&globex, invalid()).refusal().code(), "invalid_grant");
}

#[test]
fn addresses_of_one_ipv6_network_share_the_bucket() {
    let test = three_at_most();
    for last in 1..=3 {
        let reply = test.delegate_from(&from(&format!("2001:db8:1:2::{last}")), invalid());
        assert_eq!(reply.refusal().code(), "invalid_grant");
    }
    assert_eq!(test.delegate_from(&from("2001:db8:1:2:ffff::1"), invalid()).summary(), TOO_MANY);
    assert_eq!(test.delegate_from(&from("2001:db8:1:3::1"), good()).summary(), "issued");
}

/// Buckets that cannot say what is in them, and still count.
struct Blind;

impl Buckets for Blind {
    fn try_acquire<'a>(
        &'a self,
        _: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Now(Ok(locum_engine::TokenBucket::FULL.peek(rule, now_unix_ms)))
    }

    fn peek<'a>(
        &'a self,
        _: BucketKey<'a>,
        _: BucketRule,
        _: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Now(Err(StoreUnavailable("db.internal".to_owned())))
    }
}

#[test]
fn without_the_bucket_the_tenants_policy_decides() {
    for (choice, status) in [(WhenUnavailable::Open, None), (WhenUnavailable::Closed, Some(503))] {
        let test = TestEngine::with(|setup| setup.acme.tenant.delegation.when_buckets_unavailable = choice);
        let engine = Engine::new(Ports::new(
            Arc::clone(&test.clock) as _,
            Arc::clone(&test.entropy) as _,
            Arc::clone(&test.directory) as _,
            Arc::new(Blind),
            Arc::clone(&test.sink) as _,
        ));
        let request = DelegationRequest::parse((&good()).into()).unwrap();
        let response = finished(engine.delegate(tenant_at(&*test.directory, ACME), request, &caller()));
        assert_eq!(response.outcome.err().map(|refusal| refusal.status()), status, "{choice:?}");
    }
}

#[test]
fn a_json_null_is_an_absent_parameter() {
    let test = TestEngine::new();
    let nulls = json!({"target": null, "scope": null, "api_type": null, "device": null, "refresh_token": null,
                       "client_secret": null, "nonce": null});
    assert_eq!(test.delegate(good_with(nulls)).summary(), "issued");
    assert!(test.script.grants()[0].parameters.is_empty());
    for name in ["client_id", "grant_type", "id_token"] {
        let reply = test.delegate(good_with(json!({name: null})));
        assert_eq!(reply.summary(), format!("400 invalid_request missing {name} parameter"));
    }
    assert_eq!(test.delegate(good_with(json!({"scope": false}))).refusal().status(), 400);
    let (revoked, _) = test.revoke(json!({"client_id": "storage", "token": null}));
    assert_eq!(revoked.unwrap_err().description(), "missing token parameter");
}
