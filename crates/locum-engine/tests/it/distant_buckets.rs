//! Buckets that have to be asked over a network: each request for a user waits for them once.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use locum_engine::ports::{BucketKey, Buckets, PortReply, RefreshTokenHash, StoreReply};
use locum_engine::{BucketDecision, BucketRule, DelegationRequest, DelegationResponse, Engine, Ports};
use locum_testing::{ACME, RecordingBuckets, TestEngine, bucket_rule, caller, good, good_with, tenant_at};
use serde_json::{Map, Value, json};

/// Buckets whose answers come at the second look for them.
struct Distant {
    near: Arc<RecordingBuckets>,
    asked: Mutex<Vec<String>>,
}

impl Distant {
    fn later<'a>(
        &'a self,
        question: String,
        answer: impl FnOnce() -> StoreReply<'a, BucketDecision> + Send + 'a,
    ) -> StoreReply<'a, BucketDecision> {
        PortReply::Later(Box::pin(async move {
            self.asked.lock().unwrap().push(question);
            let mut was_polled = false;
            poll_fn(
                |_| if std::mem::replace(&mut was_polled, true) { Poll::Ready(()) } else { Poll::Pending },
            )
            .await;
            answer().wait().await
        }))
    }
}

impl Buckets for Distant {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        let question = format!("take {}", key.subject.parts().0);
        self.later(question, move || self.near.try_acquire(key, rule, now_unix_ms))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        let question = format!("peek {}", key.subject.parts().0);
        self.later(question, move || self.near.peek(key, rule, now_unix_ms))
    }
}

/// An engine with such buckets, of which that of invalid tokens holds three.
struct DistantTest {
    test: TestEngine,
    buckets: Arc<Distant>,
    engine: Engine,
}

impl DistantTest {
    fn new() -> Self {
        let test =
            TestEngine::with(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(3, 60));
        let buckets = Arc::new(Distant { near: Arc::clone(&test.buckets), asked: Mutex::default() });
        let mut ports = Ports::new(
            Arc::clone(&test.clock) as _,
            Arc::clone(&test.entropy) as _,
            Arc::clone(&test.directory) as _,
            Arc::clone(&buckets) as _,
            Arc::clone(&test.sink) as _,
        );
        ports.refresh_tokens = Arc::clone(&test.refresh_tokens) as _;
        Self { test, buckets, engine: Engine::new(ports) }
    }

    /// The response, how often it was waited for, and what the buckets were asked.
    fn delegate(&self, parameters: Map<String, Value>) -> (DelegationResponse, usize, Vec<String>) {
        let tenant = tenant_at(&*self.test.directory, ACME);
        let request = DelegationRequest::parse((&parameters).into()).unwrap();
        let caller = caller();
        let mut delegation = pin!(self.engine.delegate(tenant, request, &caller));
        for waits in 0..10 {
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(response) = delegation.as_mut().poll(&mut context) {
                return (response, waits, std::mem::take(&mut *self.buckets.asked.lock().unwrap()));
            }
        }
        panic!("it waits for something that is not a bucket");
    }

    fn present_invalid_tokens(&self, count: usize) {
        for _ in 0..count {
            let (response, _, _) = self.delegate(good_with(json!({"id_token": "a.b.c"})));
            assert_eq!(response.outcome.unwrap_err().code(), "invalid_grant");
        }
    }
}

#[test]
fn both_buckets_of_a_request_are_asked_at_one_moment() {
    let test = DistantTest::new();
    let (response, waits, asked) = test.delegate(good());
    assert!(response.outcome.is_ok());
    assert_eq!(response.rate.unwrap().remaining, 9);
    assert_eq!((waits, asked), (1, vec!["peek invalid_tokens".to_owned(), "take user".to_owned()]));
}

#[test]
fn an_address_with_too_many_invalid_tokens_is_refused_as_if_its_token_were_not_verified() {
    let test = DistantTest::new();
    test.present_invalid_tokens(3);
    for parameters in [good(), good_with(json!({"id_token": "a.b.c"}))] {
        let (response, ..) = test.delegate(parameters);
        let refusal = response.outcome.unwrap_err();
        assert_eq!((refusal.status(), refusal.code()), (429, "too_many_requests"));
        assert_eq!(refusal.retry_after_seconds(), Some(1));
        assert!(response.rate.is_none());
    }
    test.test.clock.advance(1);
    assert!(test.delegate(good()).0.outcome.is_ok());
}

#[test]
fn a_refresh_token_is_looked_up_only_if_its_address_may_present_one() {
    let test = DistantTest::new();
    let (unknown, _) = RefreshTokenHash::of_new_token([7; 32]);
    let presented = good_with(json!({"id_token": "", "refresh_token": unknown.expose()}));
    test.test.calls.fail_nth(usize::MAX);
    let (response, waits, asked) = test.delegate(presented.clone());
    assert_eq!(response.outcome.unwrap_err().code(), "invalid_grant");
    assert_eq!((waits, asked), (2, vec!["peek invalid_tokens".to_owned(), "take invalid_tokens".to_owned()]));
    assert_eq!(test.test.calls.made(), ["tenant", "catch_up", "client", "refresh_tokens.find"]);
    test.present_invalid_tokens(2);
    test.test.calls.fail_nth(usize::MAX);
    let (response, waits, asked) = test.delegate(presented);
    assert_eq!(response.outcome.unwrap_err().status(), 429);
    assert_eq!((waits, asked), (1, vec!["peek invalid_tokens".to_owned()]));
    assert_eq!(test.test.calls.made(), ["tenant", "catch_up", "client"]);
}
