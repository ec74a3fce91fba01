//! Issuers are made ready once for each add-on; settings that cannot work are named to operators before and to nobody
//! else after.

use locum_abi::answer::Failure;
use locum_engine::AddOnProblem;
use locum_engine::tenant::{AddOn, ClientVerification};
use serde_json::{Map, json};

use crate::world::{ACME, GLOBEX, World, caller, claims_for, finished, good, good_with, hs256, object};

#[test]
fn an_add_on_is_configured_once_however_often_it_is_asked() {
    let world = World::new();
    for _ in 0..5 {
        assert_eq!(world.asks(good()).told(), "issued");
    }
    assert_eq!(world.issuances.configurations().len(), 1);
    for api_type in ["azure_blob", "aws", "azure_blob", "app", "aws"] {
        let asked = json!({"target": "storage", "api_type": api_type});
        assert_eq!(world.asks(good_with(asked)).told(), "issued");
    }
    // The app of the caller, and three of the target's.
    assert_eq!(world.issuances.configurations().len(), 4);
}

#[test]
fn an_issuer_is_given_its_own_settings_and_its_own_tenant() {
    let world = World::given(|given| {
        let storage = given.client("storage");
        storage.add_ons = vec![AddOn::new("aws", object(json!({"role": "a"})))];
        storage.app = AddOn::new("app", object(json!({"seconds": 600})));
    });
    for api_type in ["aws", "app"] {
        assert_eq!(
            world.asks(good_with(json!({"target": "storage", "api_type": api_type}))).told(),
            "issued"
        );
    }
    let configured = world.issuances.configurations();
    let settings: Vec<_> = configured.iter().map(|one| json!([one.api_type, one.settings])).collect();
    assert_eq!(settings, [json!(["aws", {"role": "a"}]), json!(["app", {"seconds": 600}])]);
    assert!(configured.iter().all(|one| one.tenant.domain == ACME));
}

#[test]
fn refused_settings_are_an_internal_error_each_time_and_are_tried_once() {
    let world = World::given(|given| {
        given.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
    });
    let asked = || good_with(json!({"target": "storage", "api_type": "aws"}));
    for _ in 0..3 {
        let reply = world.asks(asked());
        let reference = &reply.event.reference;
        assert_eq!(reply.told(), format!("500 server_error internal error; reference {reference}"));
        let inside = reply.refusal().inside().unwrap();
        assert_eq!(inside, "aws: role must be an ARN");
    }
    assert_eq!(world.issuances.configurations().len(), 1);
    assert!(world.issuances.grants().is_empty());
    let neighbour = json!({"target": "storage", "api_type": "azure_blob"});
    assert_eq!(world.asks(good_with(neighbour)).told(), "issued");
}

#[test]
fn preparing_a_tenant_names_each_add_on_that_cannot_work() {
    let world = World::given(|given| {
        given.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
        given.issuers.unload("salesforce_api");
        given.client("keyless").verification = ClientVerification::Nothing;
    });
    let tenant = finished(world.engine.tenant(ACME)).unwrap().unwrap();
    let problems = world.engine.prepare(&tenant);
    // Nothing could sign for a client without a key, so its app is not made ready: apps of three, and two add-ons.
    assert_eq!(world.issuances.configurations().len(), 5);
    let named: Vec<_> = problems.iter().map(|p| (p.client_id.as_str(), p.api_type.as_str())).collect();
    assert_eq!(named, [("storage", "aws"), ("storage", "salesforce_api")]);
    assert_eq!(problems[0].failure.pointer.as_deref(), Some("/role"));
    assert!(problems[1].failure.message.contains("no plugin"), "{problems:?}");
}

#[test]
fn problems_are_named_in_one_order_however_often_they_are_asked_for() {
    let clients = ["a", "b", "c", "d", "e"];
    let world = World::given(|given| {
        given.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
        given.client("storage").add_ons.clear();
        for id in clients {
            given.client(id).add_ons = vec![AddOn::new("aws", Map::new()), AddOn::new("absent", Map::new())];
        }
    });
    let tenant = finished(world.engine.tenant(ACME)).unwrap().unwrap();
    let named: Vec<_> =
        world.engine.prepare(&tenant).into_iter().map(|p| (p.client_id, p.api_type)).collect();
    let expected =
        clients.iter().flat_map(|id| ["absent", "aws"].map(|api| ((*id).to_owned(), api.to_owned())));
    assert_eq!(named, expected.collect::<Vec<_>>());
}

#[test]
fn a_tenant_that_can_work_has_no_problems_and_is_ready_from_then_on() {
    let world = World::new();
    let tenant = finished(world.engine.tenant(ACME)).unwrap().unwrap();
    assert_eq!(world.engine.prepare(&tenant), Vec::<AddOnProblem>::new());
    // An app for each of three clients, and three add-ons.
    assert_eq!(world.issuances.configurations().len(), 6);
    assert_eq!(world.asks(good_with(json!({"target": "storage"}))).told(), "issued");
    assert_eq!(world.engine.prepare(&tenant), Vec::<AddOnProblem>::new());
    assert_eq!(world.issuances.configurations().len(), 6);
}

#[test]
fn the_same_add_on_of_two_clients_and_of_two_tenants_is_configured_for_each() {
    let world = World::given(|given| {
        given.client("api").add_ons = vec![AddOn::new("azure_blob", Map::new())];
    });
    for target in ["storage", "api"] {
        assert_eq!(world.asks(good_with(json!({"target": target}))).told(), "issued");
    }
    let mut claims = claims_for("caller");
    claims["iss"] = json!(format!("https://{GLOBEX}/"));
    let globex = locum_engine::Caller { host: GLOBEX.to_owned(), ..caller() };
    let asked = good_with(json!({"target": "storage", "id_token": hs256(&claims)}));
    assert_eq!(world.asks_from(&globex, asked).told(), "issued");
    let tenants: Vec<_> =
        world.issuances.configurations().into_iter().map(|configured| configured.tenant.domain).collect();
    assert_eq!(tenants, [ACME, ACME, GLOBEX]);
}
