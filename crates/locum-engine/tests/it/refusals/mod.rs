//! Every situation in which the engine refuses, with the exact answer to the client, and whether the request was
//! counted.

mod by_issuer;
mod by_rule;

use std::collections::HashSet;

use locum_engine::model::RefreshTokenRules;
use locum_engine::{ProfileRequest, REFRESH_TOKEN, Refusal, RefusalKind};
use serde_json::{Value, json};

use by_issuer::issuance;
use by_rule::{admission, authentication, authorization, parsing, readiness};
use locum_testing::{
    REFERENCE, TestEngine, TestSetup, bucket_rule, caller, exchange_with, good_with, object, refresh_token,
    summary,
};

/// Whether the rate limit counted the request before the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Yes,
    No,
}
use Counted::{No, Yes};

/// A situation: its name, the changes of the setup and of a good request, whether it is counted, and the answer.
struct Row(&'static str, fn(&mut TestSetup), Value, Counted, &'static str);

const NOTHING: fn(&mut TestSetup) = |_| {};

/// `*` stands for the reference of the request.
const INTERNAL: &str = "500 server_error internal error; reference *";

fn rows() -> Vec<Row> {
    [parsing(), authentication(), admission(), authorization(), readiness(), issuance()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn each_refusal_is_answered_recorded_and_counted_as_listed() {
    for Row(situation, change, parameters, counted, expected) in rows() {
        let reply = TestEngine::with(change).delegate(good_with(parameters));
        assert_eq!(reply.summary(), expected.replace('*', REFERENCE), "{situation}");
        let is_counted = if reply.response.rate.is_some() { Yes } else { No };
        assert_eq!(is_counted, counted, "{situation}");
        let audited = reply.event.refusal.as_ref().unwrap();
        let audited = format!("{} {} {}", audited.status, audited.code, audited.description);
        assert_eq!(audited, reply.summary(), "{situation}");
        assert_eq!(reply.event.reference, REFERENCE, "{situation}");
    }
}

#[test]
fn internal_causes_are_in_the_event_and_not_in_the_response() {
    for Row(situation, change, parameters, _, _) in rows() {
        let reply = TestEngine::with(change).delegate(good_with(parameters));
        let inside = reply.event.refusal.as_ref().unwrap().inside.clone();
        assert!(
            !reply.summary().contains("prose") && !reply.summary().contains("db.internal"),
            "{situation}"
        );
        if reply.refusal().status() >= 500 {
            assert!(inside.is_some_and(|inside| !inside.is_empty()), "{situation}: the event has no cause");
        }
    }
}

#[test]
fn a_good_request_is_not_refused() {
    let reply = TestEngine::new().delegate(good_with(json!({})));
    assert_eq!(reply.summary(), "issued");
    assert!(reply.response.rate.is_some());
}

#[test]
fn every_row_of_the_refusal_table_is_reached() {
    let mut reached: HashSet<RefusalKind> = rows()
        .into_iter()
        .map(|Row(_, change, parameters, _, _)| {
            TestEngine::with(change).delegate(good_with(parameters)).refusal().kind()
        })
        .collect();
    // The server reports unreadable bodies; one kind belongs to revocations.
    let test = TestEngine::new();
    for kind in [
        RefusalKind::MethodNotAllowed,
        RefusalKind::RequestTimeout,
        RefusalKind::BodyTooLarge,
        RefusalKind::UnsupportedMediaType,
    ] {
        let answer = test.engine.refuse_unread(Refusal::new(kind, "unread"), None, &caller());
        let event = test.sink.take_only_event();
        assert_eq!(event.code.as_str(), "fd");
        assert_eq!(event.refusal.unwrap().status, kind.row().delegation.0);
        assert!(answer.rate.is_none());
        reached.insert(answer.outcome.unwrap_err().kind());
    }
    let limited =
        TestEngine::with(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(1, 1));
    for _ in 0..2 {
        reached.insert(limited.delegate(good_with(json!({"id_token": "a.b.c"}))).refusal().kind());
    }
    let with_secret = exchange_with(json!({"client_secret": "this client has none"}));
    reached.insert(test.exchange(with_secret).response.outcome.unwrap_err().kind());
    let (revoked, _) = test.revoke(json!({"client_id": "caller", "token": "eyJ.a.b"}));
    reached.insert(revoked.unwrap_err().kind());
    reached.insert(reused_refresh_token());
    // One belongs to the endpoints for profiles.
    reached.insert(ProfileRequest::by_access_token(Default::default(), None).unwrap_err().kind());
    let missing: Vec<_> = RefusalKind::ALL.iter().filter(|kind| !reached.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn reused_refresh_token() -> RefusalKind {
    let test = TestEngine::with(|setup| {
        setup.client("caller").refresh_tokens =
            Some(RefreshTokenRules { rotates: true, ..RefreshTokenRules::default() });
    });
    let token = test.store_refresh_token(refresh_token("family"));
    let parameters = json!({"client_id": "caller", "grant_type": REFRESH_TOKEN, "refresh_token": token});
    let refresh = || test.exchange(object(parameters.clone())).response.outcome;
    assert!(refresh().is_ok());
    refresh().unwrap_err().kind()
}

#[test]
fn unknown_and_forbidden_targets_get_the_same_refusal() {
    let test = TestEngine::with(|setup| setup.client("api").allowed_clients = vec!["storage".to_owned()]);
    let refused = |target: &str| summary(test.delegate(good_with(json!({"target": target}))).refusal());
    assert_eq!(refused("api"), refused("no-such-client"));
}
