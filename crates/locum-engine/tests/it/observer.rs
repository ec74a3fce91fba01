//! The observer: told of each step that was begun, and once of each request, with what the client was answered.

use locum_abi::answer::RevokeAnswer;
use locum_engine::ports::{Endpoint, Outcome, Step};
use locum_engine::{DelegationRequest, Refusal, RefusalKind, RevocationRequest};
use locum_testing::{
    ACME, RecordingObserver, TestEngine, caller, finished, good, good_with, object, tenant_at,
};
use serde_json::{Value, json};

/// The steps of a delegation with these changes. Each took one reading of the clock.
fn steps(test: &TestEngine, changes: Value) -> Vec<Step> {
    timed(test.delegate(good_with(changes)).observed.steps)
}

fn timed(steps: Vec<(Step, u64)>) -> Vec<Step> {
    let step = |(step, nanos)| {
        assert_eq!(nanos, RecordingObserver::NANOS_PER_READING, "{step:?}");
        step
    };
    steps.into_iter().map(step).collect()
}

#[test]
fn each_step_is_timed_by_one_reading_of_the_clock() {
    use Step::{Admit, Audit, Authenticate, Authorize, Issue};
    let test = TestEngine::new();
    assert_eq!(steps(&test, json!({})), [Authenticate, Admit, Authorize, Issue, Audit]);
    assert_eq!(test.observer.readings(), 6);
}

#[test]
fn a_request_is_refused_in_the_step_that_is_timed_last() {
    use Step::{Admit, Audit, Authenticate, Authorize};
    let test = TestEngine::new();
    assert_eq!(steps(&test, json!({"grant_type": "password"})), []);
    assert_eq!(steps(&test, json!({"id_token": "x"})), [Authenticate, Audit]);
    assert_eq!(steps(&test, json!({"target": "x"})), [Authenticate, Admit, Authorize, Audit]);
    let limited = TestEngine::with(|setup| setup.bucket_is_empty = true);
    assert_eq!(steps(&limited, json!({})), [Authenticate, Admit, Audit]);
}

#[test]
fn the_api_type_is_the_authorised_one_and_before_that_the_requested_one() {
    let test = TestEngine::new();
    let api_type = |changes: Value| {
        let asked = test.delegate(good_with(changes)).observed.api_types;
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    };
    assert_eq!(api_type(json!({"target": "storage"})).as_deref(), Some("azure_blob"));
    assert_eq!(api_type(json!({"api_type": "auth0"})).as_deref(), Some("app"));
    assert_eq!(api_type(json!({"id_token": "x", "api_type": "any text"})).as_deref(), Some("any text"));
    assert_eq!(api_type(json!({"id_token": "x"})), None);
}

#[test]
fn a_revocation_has_steps_of_its_own() {
    use Step::{Admit, Audit, Authenticate, Revoke};
    let test = TestEngine::new();
    test.script.answers_revocations("salesforce_api", |_| Ok(RevokeAnswer::Revoked));
    let revoke = |client_id: &str| {
        drop(test.observer.take());
        let parameters = object(json!({"client_id": client_id, "token": "opaque"}));
        let request = RevocationRequest::parse((&parameters).into(), None).unwrap();
        let tenant = tenant_at(&*test.directory, ACME);
        let outcome = finished(test.engine.revoke(tenant, request, &caller())).outcome;
        let observed = test.observer.take();
        assert_eq!(observed.requests[0].0, Endpoint::Revocation);
        (outcome.is_ok(), observed.requests[0].2, timed(observed.steps))
    };
    assert_eq!(revoke("storage"), (true, Outcome::Revoked, vec![Authenticate, Admit, Revoke, Audit]));
    let (revoked, outcome, steps) = revoke("unknown");
    assert_eq!((revoked, steps), (false, vec![Authenticate, Audit]));
    assert_eq!(outcome, Outcome::Refused(RefusalKind::UnknownClient));
}

#[test]
fn a_request_that_was_not_read_is_counted_without_steps() {
    let test = TestEngine::new();
    let unread = || Refusal::new(RefusalKind::BodyTooLarge, "too large");
    let refused = Outcome::Refused(RefusalKind::BodyTooLarge);
    test.engine.refuse_unread(unread(), None, &caller());
    test.engine.refuse_unread_revocation(unread(), None, &caller());
    let observed = test.observer.take();
    assert_eq!(observed.requests, [(Endpoint::Delegation, 0, refused), (Endpoint::Revocation, 1, refused)]);
    assert_eq!((observed.steps, observed.api_types), (vec![], vec![None, None]));
}

#[test]
fn a_credential_that_is_withheld_because_its_event_was_not_kept_is_counted_as_refused() {
    let test = TestEngine::new();
    test.sink.fail();
    let refused = Outcome::Refused(RefusalKind::TemporarilyUnavailable);
    let request = DelegationRequest::parse((&good()).into()).unwrap();
    finished(test.engine.delegate(tenant_at(&*test.directory, ACME), request, &caller()));
    let counted: Vec<Outcome> = test.observer.take().requests.into_iter().map(|request| request.2).collect();
    assert_eq!(counted, [refused]);
}
