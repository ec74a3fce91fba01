//! Failures of ports: whichever call fails, the request is refused, nothing is issued and nothing panics.

use locum_engine::model::WhenUnavailable;
use locum_engine::{DelegationRequest, Refusal, RevocationRequest};
use serde_json::json;

use locum_testing::{ACME, TestEngine, caller, finished, good_with, object, summary, tenant_at};

/// An engine whose n-th call of a port fails.
fn failing(n: usize, policy: WhenUnavailable) -> TestEngine {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.when_buckets_unavailable = policy);
    test.calls.fail_nth(n);
    test
}

#[test]
fn a_delegation_is_refused_whichever_port_fails() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let test = failing(n, WhenUnavailable::Closed);
        let reply = test.delegate(good_with(json!({"target": "storage", "api_type": "azure_blob"})));
        let made = test.calls.made();
        if reply.response.outcome.is_ok() {
            assert_eq!(made.len(), n - 1, "a call failed without a refusal: {made:?}");
            break;
        }
        assert_eq!(made.len(), n, "calls are made after a failure: {made:?}");
        assert!(!reply.summary().contains("db.internal"), "{}", reply.summary());
        outcomes.push(format!("{} {}", made[n - 1], reply.refusal().status()));
    }
    assert_eq!(outcomes, ["tenant 503", "client 503", "user 503", "buckets 503", "client 503", "issue 500"]);
}

#[test]
fn only_the_buckets_may_fail_if_the_tenant_allows_it() {
    let mut served = Vec::new();
    for n in 1..=6 {
        let test = failing(n, WhenUnavailable::Open);
        let reply = test.delegate(good_with(json!({"target": "storage", "api_type": "azure_blob"})));
        if reply.response.outcome.is_ok() {
            assert!(reply.event.uncounted);
            served.push(test.calls.made()[n - 1]);
        }
    }
    assert_eq!(served, ["buckets"]);
}

#[test]
fn a_revocation_is_refused_whichever_port_fails() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let test = failing(n, WhenUnavailable::Closed);
        let parameters = json!({"client_id": "storage", "token": "00D!opaque", "api_type": "salesforce_api"});
        let (outcome, _) = test.revoke(parameters);
        let made = test.calls.made();
        let Err(refusal) = outcome else {
            assert_eq!(made.len(), n - 1, "a call failed without a refusal: {made:?}");
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
    let unread = test.engine.refuse_unread(Refusal::invalid_request("unread"), None, &caller());
    assert_eq!(summary(&unread.outcome.unwrap_err()), "400 invalid_request unread");
    test.sink.take_events();

    let tenant = || tenant_at(&*test.directory, ACME);
    let request = DelegationRequest::parse((&parameters()).into()).unwrap();
    let response = finished(test.engine.delegate(tenant(), request, &caller()));
    assert_eq!(summary(&response.outcome.unwrap_err()), refused);
    let asked = object(json!({"client_id": "storage", "token": "00D!opaque", "api_type": "salesforce_api"}));
    let asked = RevocationRequest::parse((&asked).into(), None).unwrap();
    let revoked = finished(test.engine.revoke(tenant(), asked, &caller()));
    assert_eq!(summary(&revoked.outcome.unwrap_err()), refused);
    assert_eq!(test.sink.take_events().len(), 2);
}
