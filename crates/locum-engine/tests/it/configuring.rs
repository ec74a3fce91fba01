//! Issuers are configured once per add-on. Operators learn of settings that do not work before the first request;
//! callers receive only a reference.

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::{Lifetime, LifetimeSetting};
use locum_engine::model::{AddOn, Client, ClientKey, Tenant};
use locum_engine::prepared::{PreparedClient, PreparedTenant};
use serde_json::{Map, Value, json};

use locum_store::TenantProblem;
use locum_testing::{ACME, GLOBEX, ScriptedIssuers, TestEngine, good_with, object};

#[test]
fn an_add_on_is_configured_once_however_many_requests_there_are() {
    let test = TestEngine::new();
    // At each of two tenants an app for each of three clients, and three add-ons.
    assert_eq!(test.script.configurations().len(), 12);
    for api_type in ["azure_blob", "aws", "azure_blob", "app", "aws"] {
        let parameters = json!({"target": "storage", "api_type": api_type});
        assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    }
    assert_eq!(test.script.configurations().len(), 12);
}

#[test]
fn an_issuer_receives_its_own_settings_and_its_own_tenant() {
    let test = TestEngine::with(|setup| {
        let storage = setup.client("storage");
        storage.add_ons = vec![AddOn::new("aws", object(json!({"role": "a"})))];
        storage.app = AddOn::new("app", object(json!({"seconds": 600})));
        setup.acme.clients.retain(|client| client.id == "storage");
        setup.globex.clients.clear();
    });
    let configured = test.script.configurations();
    let settings: Vec<_> = configured.iter().map(|one| json!([one.api_type, one.settings])).collect();
    assert_eq!(settings, [json!(["app", {"seconds": 600}]), json!(["aws", {"role": "a"}])]);
    assert!(configured.iter().all(|one| one.tenant.domain == ACME));
}

#[test]
fn an_add_on_is_ready_if_its_issuer_was_configured() {
    let issuers = ScriptedIssuers::default();
    let tenant = PreparedTenant::prepare(Tenant::new(ACME)).unwrap();
    let mut client = Client::new("storage");
    client.add_ons = vec![AddOn::new("aws", Map::new()), AddOn::new("unknown", Map::new())];
    let prepared = PreparedClient::prepare(&tenant, client, &issuers);
    let ready: Vec<bool> = prepared.add_ons().iter().map(|add_on| add_on.is_ready()).collect();
    assert_eq!(ready, [true, false]);
}

/// The settings that the issuer is given, with a schema in which `needed` is required.
fn given_to_the_issuer(stored: Value) -> Value {
    let test = TestEngine::with(|setup| {
        let manifest = setup.issuers.manifest("aws");
        manifest.settings_schema = json!({
            "properties": {"role": {}, "needed": {}, "minutes": {"minimum": 0}, "count": {"minimum": 0}},
            "required": ["needed"],
        });
        let setting = Some(LifetimeSetting { name: "minutes".to_owned(), unit_seconds: 60 });
        manifest.lifetime = Lifetime { setting, ..manifest.lifetime.clone() };
        setup.client("storage").add_ons = vec![AddOn::new("aws", object(stored))];
        setup.globex.clients.clear();
    });
    let configured = test.script.configurations();
    configured.iter().find(|one| one.api_type == "aws").unwrap().settings.clone().into()
}

#[test]
fn an_optional_setting_that_is_blank_counts_as_absent() {
    assert_eq!(given_to_the_issuer(json!({"role": "", "minutes": 0, "needed": "a"})), json!({"needed": "a"}));
    assert_eq!(given_to_the_issuer(json!({"minutes": "", "needed": "a"})), json!({"needed": "a"}));
    for kept in [
        json!({"needed": ""}),
        json!({"needed": "a", "unknown": ""}),
        json!({"needed": "a", "role": " "}),
        json!({"needed": "a", "role": [""]}),
        json!({"needed": "a", "role": false}),
        json!({"needed": "a", "count": 0}),
        json!({"needed": "a", "minutes": 1}),
    ] {
        assert_eq!(given_to_the_issuer(kept.clone()), kept);
    }
}

#[test]
fn refused_settings_are_an_internal_error_and_are_not_retried() {
    let test = TestEngine::with(|setup| {
        setup.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
    });
    let parameters = || good_with(json!({"target": "storage", "api_type": "aws"}));
    for _ in 0..3 {
        let reply = test.delegate(parameters());
        let reference = &reply.event.reference;
        assert_eq!(reply.summary(), format!("500 server_error internal error; reference {reference}"));
        let inside = reply.refusal().inside().unwrap();
        assert_eq!(inside, "aws: role must be an ARN");
    }
    let configured = test.script.configurations();
    let aws_at_acme = |one: &&Configuration| one.api_type == "aws" && one.tenant.domain == ACME;
    assert_eq!(configured.iter().filter(aws_at_acme).count(), 1);
    assert!(test.script.grants().is_empty());
    let neighbour = json!({"target": "storage", "api_type": "azure_blob"});
    assert_eq!(test.delegate(good_with(neighbour)).summary(), "issued");
}

#[test]
fn each_add_on_that_cannot_work_is_a_problem() {
    let test = TestEngine::with(|setup| {
        setup.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
        setup.issuers.unload("salesforce_api");
        setup.client("keyless").key = ClientKey::None;
        setup.globex.clients.clear();
    });
    let problems = test.problems();
    assert_eq!(named(&problems), [("storage", "aws"), ("storage", "salesforce_api")]);
    assert_eq!(problems[0].problem.failure.pointer.as_deref(), Some("/role"));
    assert!(problems[1].problem.failure.message.contains("no plugin"), "{problems:?}");
}

#[test]
fn a_missing_app_plugin_is_a_problem_only_where_a_client_has_no_other_add_on() {
    let test = TestEngine::with(|setup| {
        setup.issuers.unload("app");
        setup.client("keyless").key = ClientKey::None;
        setup.globex.clients.clear();
    });
    assert_eq!(named(&test.problems()), [("api", "app"), ("caller", "app")]);
    assert_eq!(test.delegate(good_with(json!({"target": "storage"}))).summary(), "issued");
}

#[test]
fn refused_settings_of_the_app_target_are_a_problem_of_every_client_with_a_key() {
    let test = TestEngine::with(|setup| {
        setup.issuers.refuses_settings("app", Failure::setting("alg", "alg must be HS256"));
        setup.client("keyless").key = ClientKey::None;
        setup.globex.clients.clear();
    });
    assert_eq!(named(&test.problems()), [("api", "app"), ("caller", "app"), ("storage", "app")]);
}

#[test]
fn problems_are_sorted_by_client_and_api_type() {
    let clients = ["a", "b", "c", "d", "e"];
    let test = TestEngine::with(|setup| {
        setup.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
        setup.client("storage").add_ons.clear();
        for id in clients {
            setup.client(id).add_ons = vec![AddOn::new("aws", Map::new()), AddOn::new("absent", Map::new())];
        }
        setup.globex.clients.clear();
    });
    let expected: Vec<_> = clients.iter().flat_map(|id| ["absent", "aws"].map(|api| (*id, api))).collect();
    assert_eq!(named(&test.problems()), expected);
}

#[test]
fn a_tenant_whose_add_ons_work_has_no_problems() {
    assert!(TestEngine::new().problems().is_empty());
}

#[test]
fn the_same_add_on_of_two_clients_and_of_two_tenants_is_configured_for_each() {
    let test = TestEngine::with(|setup| {
        setup.client("api").add_ons = vec![AddOn::new("azure_blob", Map::new())];
    });
    let configured = test.script.configurations().into_iter();
    let mut tenants: Vec<_> = configured
        .filter(|configured| configured.api_type == "azure_blob")
        .map(|configured| configured.tenant.domain)
        .collect();
    tenants.sort();
    assert_eq!(tenants, [ACME, ACME, GLOBEX]);
}

/// Client and api_type of each problem.
fn named(problems: &[TenantProblem]) -> Vec<(&str, &str)> {
    problems.iter().map(|found| (&*found.problem.client_id, &*found.problem.api_type)).collect()
}
