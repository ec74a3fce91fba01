//! The first, second, third call of a port fails, and so on: each time one clean refusal, never a panic, and nothing is
//! issued.

use locum_engine::tenant::WhenUnavailable;
use serde_json::json;

use crate::world::{World, good_with, told};

/// A world whose n-th call of a port fails.
fn failing(n: usize, choice: WhenUnavailable) -> World {
    let world = World::given(|given| given.acme.delegation.when_buckets_unavailable = choice);
    world.calls.fail_nth(n);
    world
}

#[test]
fn a_delegation_meets_every_failure_with_a_refusal() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let world = failing(n, WhenUnavailable::Closed);
        let reply = world.asks(good_with(json!({"target": "storage", "api_type": "azure_blob"})));
        let made = world.calls.made();
        if reply.answer.outcome.is_ok() {
            assert_eq!(made.len(), n - 1, "a call failed and nobody minded: {made:?}");
            break;
        }
        assert_eq!(made.len(), n, "calls are made after one failed: {made:?}");
        assert!(!reply.told().contains("db.internal"), "{}", reply.told());
        outcomes.push(format!("{} {}", made[n - 1], reply.refusal().status()));
    }
    assert_eq!(
        outcomes,
        ["directory 503", "buckets 503", "manifest 400", "manifest 400", "configure 500", "issue 500"]
    );
}

#[test]
fn where_the_tenant_is_open_only_the_buckets_may_fail() {
    let mut went_on = Vec::new();
    for n in 1..=6 {
        let world = failing(n, WhenUnavailable::Open);
        let reply = world.asks(good_with(json!({"target": "storage", "api_type": "azure_blob"})));
        if reply.answer.outcome.is_ok() {
            assert!(reply.event.uncounted);
            went_on.push(world.calls.made()[n - 1]);
        }
    }
    assert_eq!(went_on, ["buckets"]);
}

#[test]
fn without_an_api_type_an_add_on_that_is_gone_is_passed_over_and_never_half_used() {
    let mut chosen = Vec::new();
    for n in 1..=6 {
        let world = failing(n, WhenUnavailable::Closed);
        let reply = world.asks(good_with(json!({"target": "storage"})));
        chosen.push(match &reply.answer.outcome {
            Ok(_) => reply.event.api_type.unwrap(),
            Err(refusal) => refusal.status().to_string(),
        });
        assert!(world.issuances.grants().len() <= 1);
    }
    assert_eq!(chosen, ["503", "503", "aws", "400", "500", "500"]);
}

#[test]
fn a_revocation_meets_every_failure_with_a_refusal() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let world = failing(n, WhenUnavailable::Closed);
        let asked = json!({"client_id": "storage", "token": "00D!opaque", "api_type": "salesforce_api"});
        let (outcome, _) = world.revokes(asked);
        let made = world.calls.made();
        let Err(refusal) = outcome else {
            assert_eq!(made.len(), n - 1, "a call failed and nobody minded: {made:?}");
            break;
        };
        assert!(!told(&refusal).contains("db.internal"), "{refusal:?}");
        outcomes.push(format!("{} {}", made[n - 1], refusal.status()));
    }
    assert_eq!(
        outcomes,
        ["directory 503", "manifest 400", "buckets 503", "manifest 500", "configure 500", "revoke 500"]
    );
}

#[test]
fn what_failed_once_is_tried_again_unless_it_was_the_settings() {
    for (n, then) in [(1, "issued"), (2, "issued"), (3, "issued"), (4, "issued"), (6, "issued")] {
        let world = failing(n, WhenUnavailable::Closed);
        let asked = || good_with(json!({"target": "storage", "api_type": "azure_blob"}));
        assert_ne!(world.asks(asked()).told(), "issued");
        assert_eq!(world.asks(asked()).told(), then, "{n}");
    }
    let world = failing(5, WhenUnavailable::Closed);
    let asked = || good_with(json!({"target": "storage", "api_type": "azure_blob"}));
    assert_eq!((world.asks(asked()).refusal().status(), world.asks(asked()).refusal().status()), (500, 500));
}

#[test]
fn the_tenant_of_a_host_is_unavailable_when_the_directory_is() {
    let world = failing(1, WhenUnavailable::Open);
    assert!(crate::world::finished(world.engine.tenant("acme.example.com")).is_err());
    assert!(crate::world::finished(world.engine.tenant("acme.example.com")).unwrap().is_some());
    assert!(crate::world::finished(world.engine.tenant("nowhere.example")).unwrap().is_none());
}
