//! Clients and origins that do not exist, at a directory that has to read what it is asked for: an address that sends too many of
//! them is refused before another one is looked up.

use std::net::IpAddr;
use std::sync::Arc;

use locum_engine::model::{ClientAuthentication, ManagementKey, SecretDigest, WhenUnavailable};
use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreUnavailable};
use locum_engine::prepared::PreparedTenant;
use locum_engine::{
    BucketDecision, BucketRule, CLIENT_CREDENTIALS, Caller, DelegationRequest, Engine, IntrospectionRequest,
    Ports, ProfileRequest, Refusal, TokenBucket,
};
use locum_testing::{
    ACME, GLOBEX, TestEngine, TestSetup, bucket_rule, caller, claims_for, exchange_with, finished, good,
    good_with, hs256, object, summary, tenant_at,
};
use serde_json::{Map, Value, json};

const UNKNOWN: &str = "403 unauthorized_client invalid client";
const TOO_MANY: &str =
    "429 too_many_requests too many unknown names from this address; wait before the next request";

/// An engine whose addresses may send three unknown names, one more each second.
fn engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    let test = TestEngine::with(|setup| {
        setup.acme.tenant.delegation.rate = bucket_rule(1_000_000, 60);
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(3, 60);
        setup.acme.tenant.delegation.profile_endpoints = true;
        change(setup);
    });
    test.directory.answers_later(true);
    test
}

fn naming(client_id: &str) -> Map<String, Value> {
    good_with(json!({ "client_id": client_id }))
}

/// The same, after three unknown names.
fn exhausted() -> TestEngine {
    let test = engine(|_| {});
    for number in 0..3 {
        assert_eq!(test.delegate(naming(&format!("nobody{number}"))).summary(), UNKNOWN);
    }
    test
}

fn from(ip: &str) -> Caller {
    Caller { ip: ip.parse().unwrap(), ..caller() }
}

#[test]
fn an_address_that_names_unknown_clients_is_refused_before_the_next_is_looked_up() {
    let test = exhausted();
    assert_eq!(test.directory.reads(), 3);
    for number in 3..100 {
        let reply = test.delegate(naming(&format!("nobody{number}")));
        assert_eq!(reply.summary(), TOO_MANY);
        assert_eq!(reply.refusal().retry_after_seconds(), Some(1));
        assert!(reply.response.rate.is_none(), "no user is known, so there are no rate headers");
        assert_eq!((reply.event.code.as_str(), reply.event.user_id), ("limit_delegation", None));
    }
    assert_eq!(test.directory.reads(), 3);
    test.clock.advance(1);
    assert_eq!(test.delegate(naming("nobody")).summary(), UNKNOWN);
    assert_eq!(test.delegate(naming("nobody")).summary(), TOO_MANY);
}

#[test]
fn another_address_another_tenant_and_what_is_in_memory_are_served_meanwhile() {
    let test = exhausted();
    assert_eq!(test.delegate_from(&from("203.0.113.8"), good()).summary(), "issued");
    let globex = Caller { host: GLOBEX.to_owned(), ..caller() };
    assert_eq!(test.delegate_from(&globex, naming("nobody")).summary(), UNKNOWN);
    // The client would have to be read.
    assert_eq!(test.delegate(good()).summary(), TOO_MANY);
    test.directory.answers_later(false);
    assert_eq!(test.delegate(good()).summary(), "issued");
    assert_eq!(test.delegate(naming("nobody")).summary(), UNKNOWN);
}

#[test]
fn a_client_that_exists_takes_nothing_and_neither_does_a_user_without_a_profile() {
    let test = engine(|_| {});
    let mut claims = claims_for("caller");
    claims["sub"] = json!("auth0|no profile");
    for _ in 0..10 {
        assert_eq!(test.delegate(good()).summary(), "issued");
        assert_eq!(test.delegate(good_with(json!({"id_token": hs256(&claims)}))).summary(), "issued");
    }
    assert_eq!(test.delegate(naming("nobody")).summary(), UNKNOWN);
}

#[test]
fn a_directory_in_memory_asks_no_bucket() {
    let test = engine(|_| {});
    test.directory.answers_later(false);
    for number in 0..10 {
        assert_eq!(test.delegate(naming(&format!("nobody{number}"))).summary(), UNKNOWN);
    }
    assert!(test.buckets.requested().is_empty());
}

fn introspected(test: &TestEngine, parameters: Value) -> String {
    let request = IntrospectionRequest::parse((&object(parameters)).into(), None).unwrap();
    let tenant = tenant_at(&*test.directory, ACME);
    let answer = finished(test.engine.introspect(tenant, request, &caller()));
    drop(test.sink.take_events());
    answer.map_or_else(|refusal| summary(&refusal), |answer| format!("{answer:?}"))
}

fn profile(test: &TestEngine, request: ProfileRequest) -> String {
    let tenant = tenant_at(&*test.directory, ACME);
    let response = finished(test.engine.read_profile(tenant, request, &caller()));
    drop(test.sink.take_events());
    response.outcome.map_or_else(|refusal| summary(&refusal), |_| "told".to_owned())
}

/// The answer of one endpoint to a request that names a client.
type Endpoint = fn(&TestEngine, &str) -> String;

/// Every way to name a client before it is known who calls, and what is answered if it is unknown.
const ENDPOINTS: [(&str, Endpoint, &str); 9] = [
    ("delegation", |test, id| test.delegate(naming(id)).summary(), UNKNOWN),
    (
        "exchange",
        |test, id| test.exchange(exchange_with(json!({ "client_id": id }))).summary(),
        "401 invalid_client invalid client",
    ),
    (
        "refresh",
        |test, id| {
            let refresh = json!({"grant_type": "refresh_token", "client_id": id, "refresh_token": "lrt_"});
            test.exchange(object(refresh)).summary()
        },
        "401 invalid_client invalid client",
    ),
    (
        "client_credentials",
        |test, id| {
            let asked = json!({"grant_type": CLIENT_CREDENTIALS, "client_id": id, "client_secret": "s",
                               "audience": "https://acme.example.com/api/v2/"});
            test.exchange(object(asked)).summary()
        },
        "401 invalid_client invalid client",
    ),
    (
        "revocation",
        |test, id| match test.revoke(json!({"client_id": id, "token": "t"})).0 {
            Ok(()) => "revoked".to_owned(),
            Err(refusal) => summary(&refusal),
        },
        "401 invalid_client invalid client",
    ),
    (
        "introspection",
        |test, id| introspected(test, json!({"client_id": id, "client_secret": "s", "token": "t"})),
        "401 invalid_client invalid client",
    ),
    (
        "tokeninfo",
        |test, id| {
            let token = hs256(&claims_for(id));
            let parameters = object(json!({ "id_token": token }));
            profile(test, ProfileRequest::by_id_token((&parameters).into()).unwrap())
        },
        "401 invalid_token id_token was issued to an unknown client",
    ),
    (
        "userinfo",
        |test, id| {
            let (nothing, token) = (object(json!({})), hs256(&claims_for(id)));
            profile(test, ProfileRequest::by_access_token((&nothing).into(), Some(&token)).unwrap())
        },
        "401 invalid_token the access token is not a valid app token of this tenant",
    ),
    (
        "a look-up of the server",
        |test, id| {
            of_the_server(test, |engine, tenant, ip| {
                finished(engine.find_client(tenant, id, ip).wait()).map(|client| client.is_some())
            })
        },
        "false",
    ),
];

fn of_the_server(
    test: &TestEngine,
    look_up: impl Fn(&Engine, &PreparedTenant, IpAddr) -> Result<bool, Refusal>,
) -> String {
    let tenant = tenant_at(&*test.directory, ACME).unwrap().unwrap();
    match look_up(&test.engine, &tenant, caller().ip) {
        Ok(found) => found.to_string(),
        Err(refusal) => summary(&refusal),
    }
}

#[test]
fn every_endpoint_counts_before_it_knows_who_calls() {
    for (name, ask, unknown) in ENDPOINTS {
        let test = engine(|setup| {
            setup.acme.tenant.management_keys = vec![ManagementKey::new("k".repeat(32).into()).unwrap()];
        });
        // Tokens that are invalid have a bucket of their own, which is as large.
        for number in 0..3 {
            assert_eq!(ask(&test, &format!("nobody{number}")), unknown, "{name}");
        }
        let reads = test.directory.reads();
        let refused = ask(&test, "nobody");
        assert!(refused.starts_with("429 too_many_requests too many "), "{name}: {refused}");
        assert_eq!((reads, test.directory.reads()), (3, 3), "{name}");
        assert_eq!(test.delegate_from(&from("203.0.113.8"), good()).summary(), "issued", "{name}");
    }
}

#[test]
fn an_origin_that_no_client_allows_is_counted_and_one_that_is_allowed_is_not() {
    let test = engine(|setup| {
        setup.client("caller").allowed_origins = vec!["https://app.example".to_owned()];
    });
    let allows = |origin: &str| {
        of_the_server(&test, |engine, tenant, ip| finished(engine.allows_origin(tenant, origin, ip).wait()))
    };
    for _ in 0..10 {
        assert_eq!(allows("https://app.example"), "true");
    }
    for number in 0..3 {
        assert_eq!(allows(&format!("https://{number}.example")), "false");
    }
    assert_eq!(allows("https://more.example"), TOO_MANY);
    assert_eq!(test.directory.reads(), 13);
    // Clients and origins are names alike.
    assert_eq!(test.delegate(naming("nobody")).summary(), TOO_MANY);
}

#[test]
fn what_a_client_that_authenticated_is_shown_by_others_does_not_count_against_it() {
    let test = engine(|setup| {
        setup.client("api").authentication = ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
    });
    for number in 0..10 {
        let token = hs256(&claims_for(&format!("nobody{number}")));
        let asked = json!({"client_id": "api", "client_secret": "s3cret", "token": token});
        assert_eq!(introspected(&test, asked), "Inactive");
    }
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
        PortReply::Now(Ok(TokenBucket::FULL.peek(rule, now_unix_ms)))
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
    for (choice, status, reads) in [(WhenUnavailable::Open, 403, 1), (WhenUnavailable::Closed, 503, 0)] {
        let test = engine(|setup| setup.acme.tenant.delegation.when_buckets_unavailable = choice);
        let engine = Engine::new(Ports::new(
            Arc::clone(&test.clock) as _,
            Arc::clone(&test.entropy) as _,
            Arc::clone(&test.directory) as _,
            Arc::new(Blind),
            Arc::clone(&test.sink) as _,
        ));
        let request = DelegationRequest::parse((&naming("nobody")).into()).unwrap();
        let response = finished(engine.delegate(tenant_at(&*test.directory, ACME), request, &caller()));
        assert_eq!(response.outcome.unwrap_err().status(), status, "{choice:?}");
        assert_eq!(test.directory.reads(), reads, "{choice:?}");
    }
}
