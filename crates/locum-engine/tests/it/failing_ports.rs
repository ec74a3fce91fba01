//! The first, second, third call of a port fails, and so on: each time one clean refusal, never a panic, and nothing is
//! issued.

use locum_engine::Refusal;
use locum_engine::model::WhenUnavailable;
use serde_json::json;

use locum_testing::{ACME, TestEngine, caller, finished, good_with, object, summary, tenant_at};

/// A test whose n-th call of a port fails.
fn failing(n: usize, choice: WhenUnavailable) -> TestEngine {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.when_buckets_unavailable = choice);
    test.calls.fail_nth(n);
    test
}

#[test]
fn a_delegation_meets_every_failure_with_a_refusal() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let test = failing(n, WhenUnavailable::Closed);
        let reply = test.delegate(good_with(json!({"target": "storage", "api_type": "azure_blob"})));
        let made = test.calls.made();
        if reply.response.outcome.is_ok() {
            assert_eq!(made.len(), n - 1, "a call failed and nobody minded: {made:?}");
            break;
        }
        assert_eq!(made.len(), n, "calls are made after one failed: {made:?}");
        assert!(!reply.summary().contains("db.internal"), "{}", reply.summary());
        outcomes.push(format!("{} {}", made[n - 1], reply.refusal().status()));
    }
    assert_eq!(outcomes, ["tenant 503", "client 503", "user 503", "buckets 503", "client 503", "issue 500"]);
}

#[test]
fn where_the_tenant_is_open_only_the_buckets_may_fail() {
    let mut went_on = Vec::new();
    for n in 1..=6 {
        let test = failing(n, WhenUnavailable::Open);
        let reply = test.delegate(good_with(json!({"target": "storage", "api_type": "azure_blob"})));
        if reply.response.outcome.is_ok() {
            assert!(reply.event.uncounted);
            went_on.push(test.calls.made()[n - 1]);
        }
    }
    assert_eq!(went_on, ["buckets"]);
}

#[test]
fn a_revocation_meets_every_failure_with_a_refusal() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let test = failing(n, WhenUnavailable::Closed);
        let asked = json!({"client_id": "storage", "token": "00D!opaque", "api_type": "salesforce_api"});
        let (outcome, _) = test.revoke(asked);
        let made = test.calls.made();
        let Err(refusal) = outcome else {
            assert_eq!(made.len(), n - 1, "a call failed and nobody minded: {made:?}");
            break;
        };
        assert!(!summary(&refusal).contains("db.internal"), "{refusal:?}");
        outcomes.push(format!("{} {}", made[n - 1], refusal.status()));
    }
    assert_eq!(outcomes, ["tenant 503", "client 503", "buckets 503", "revoke 500"]);
}

#[test]
fn a_request_after_a_failed_one_succeeds() {
    for n in 1..=6 {
        let test = failing(n, WhenUnavailable::Closed);
        let parameters = || good_with(json!({"target": "storage", "api_type": "azure_blob"}));
        assert_ne!(test.delegate(parameters()).summary(), "issued");
        assert_eq!(test.delegate(parameters()).summary(), "issued", "{n}");
    }
}

#[test]
fn a_request_whose_audit_event_is_not_kept_is_refused() {
    let test = TestEngine::new();
    let parameters = || good_with(json!({"target": "storage", "api_type": "azure_blob"}));
    assert_eq!(test.delegate(parameters()).summary(), "issued");
    test.sink.fail();
    let refused = "503 temporarily_unavailable the audit log is unavailable; try again";
    let unread = test.engine.refuse_unread(Refusal::invalid_request("unread"), &caller());
    assert_eq!(summary(&unread.outcome.unwrap_err()), "400 invalid_request unread");
    test.sink.take_events();

    let tenant = || tenant_at(&*test.directory, ACME);
    let response = finished(test.engine.delegate(tenant(), parameters(), &caller()));
    assert_eq!(summary(&response.outcome.unwrap_err()), refused);
    let asked = object(json!({"client_id": "storage", "token": "00D!opaque", "api_type": "salesforce_api"}));
    let revoked = finished(test.engine.revoke(tenant(), asked, &caller()));
    assert_eq!(summary(&revoked.unwrap_err()), refused);
    assert_eq!(test.sink.take_events().len(), 2);
}
