//! Two tenants with the same client ids, users and secrets: nothing of one reaches the other.

use locum_abi::answer::RevokeAnswer;
use locum_abi::manifest::{Need, Read};
use locum_engine::tenant::{AddOn, ClientVerification, User};
use locum_engine::{BucketRule, Caller};
use serde_json::{Map, Value, json};

use crate::world::{
    ACME, GLOBEX, Reply, World, caller, claims_for, finished, good_with, hs256, object, rs256,
};

fn at(host: &str) -> Caller {
    Caller { host: host.to_owned(), ..caller() }
}

/// The claims of a token that the tenant issued.
fn claims_of(domain: &str) -> Value {
    let mut claims = claims_for("caller");
    claims["iss"] = json!(format!("https://{domain}/"));
    claims
}

fn asks(world: &World, host: &str, changes: Value) -> Reply {
    let mut asked = good_with(json!({"id_token": hs256(&claims_of(host))}));
    asked.extend(object(changes));
    world.asks_from(&at(host), asked)
}

#[test]
fn each_host_answers_for_its_own_tenant() {
    let world = World::new();
    for domain in [ACME, GLOBEX] {
        let reply = asks(&world, domain, json!({"scope": "profile email"}));
        assert_eq!((reply.told().as_str(), reply.event.tenant.as_deref()), ("issued", Some(domain)));
        let claims = Value::Object(world.issuances.last_grant().claims);
        assert_eq!(
            claims,
            json!({"email": format!("alice@{domain}"), "email_verified": true, "nickname": "al", "name": format!("Alice of {domain}")})
        );
    }
    assert_eq!(asks(&world, "other.example.com", json!({})).refusal().status(), 404);
}

#[test]
fn a_token_of_one_tenant_is_none_at_the_other_though_the_secret_is_the_same() {
    let world = World::new();
    for (host, issuer) in [(ACME, GLOBEX), (GLOBEX, ACME)] {
        let reply = asks(&world, host, json!({"id_token": hs256(&claims_of(issuer))}));
        assert_eq!(reply.told(), "400 invalid_grant id_token was issued by another issuer");
    }
}

#[test]
fn the_key_of_one_tenant_signs_nothing_for_the_other() {
    let world = World::given(|given| {
        for tenant in [&mut given.acme, &mut given.globex] {
            tenant.clients.get_mut("caller").unwrap().verification = ClientVerification::TenantKeys;
        }
    });
    let signed = |key_of: &str, said_of: &str| json!({"id_token": rs256(key_of, &claims_of(said_of))});
    assert_eq!(asks(&world, GLOBEX, signed(GLOBEX, GLOBEX)).told(), "issued");
    let foreign = asks(&world, GLOBEX, signed(ACME, GLOBEX));
    assert_eq!(foreign.told(), "400 invalid_grant id_token is signed with an unknown key");
}

#[test]
fn clients_targets_and_add_ons_of_one_tenant_are_unknown_at_the_other() {
    let world = World::given(|given| {
        given.client("only-at-acme").add_ons = vec![AddOn::new("aws", Map::new())];
    });
    let target = json!({"target": "only-at-acme"});
    assert_eq!(asks(&world, ACME, target.clone()).told(), "issued");
    assert_eq!(asks(&world, GLOBEX, target).refusal().status(), 401);
    let mut claims = claims_of(GLOBEX);
    claims["aud"] = json!("only-at-acme");
    let client = json!({"client_id": "only-at-acme", "id_token": hs256(&claims)});
    assert_eq!(asks(&world, GLOBEX, client).told(), "403 unauthorized_client invalid client");
}

#[test]
fn users_blocked_or_stored_at_one_tenant_are_not_at_the_other() {
    let world = World::given(|given| {
        given.acme.users.insert("auth0|alice".to_owned(), User { blocked: true, profile: Map::new() });
        given.issuers.manifest("app").reads = vec![Read::Attribute { name: "email".to_owned() }];
    });
    assert_eq!(asks(&world, ACME, json!({})).told(), "401 unauthorized user is blocked");
    assert_eq!(asks(&world, GLOBEX, json!({})).told(), "issued");
    let profile = Value::Object(world.issuances.last_grant().profile);
    assert_eq!(profile, json!({"email": "alice@globex.example.com"}));
}

#[test]
fn issuers_are_given_the_key_and_the_settings_of_their_own_tenant() {
    let world = World::given(|given| {
        given.issuers.manifest("aws").needs = vec![Need::TenantSigningKey];
        for tenant in [&mut given.acme, &mut given.globex] {
            let settings = object(json!({"role": format!("role of {}", tenant.domain)}));
            tenant.clients.get_mut("storage").unwrap().add_ons = vec![AddOn::new("aws", settings)];
        }
    });
    for domain in [ACME, GLOBEX] {
        assert_eq!(asks(&world, domain, json!({"target": "storage"})).told(), "issued");
        let configuration = world.issuances.configurations().pop().unwrap();
        assert_eq!(configuration.tenant.domain, domain);
        assert_eq!(configuration.settings["role"], json!(format!("role of {domain}")));
        assert_eq!(configuration.tenant.signing_key.unwrap().kid, format!("key of {domain}"));
    }
}

#[test]
fn the_limits_of_one_tenant_do_not_touch_the_other() {
    let world = World::given(|given| given.acme.delegation.rate = BucketRule { size: 1, per_minute: 1 });
    assert_eq!(asks(&world, ACME, json!({})).told(), "issued");
    assert_eq!(asks(&world, ACME, json!({})).refusal().status(), 429);
    assert_eq!(asks(&world, GLOBEX, json!({})).answer.rate.unwrap().remaining, 9);
}

#[test]
fn a_tenant_that_has_delegation_off_answers_as_if_it_were_not_there() {
    let world = World::given(|given| given.acme.delegation.enabled = false);
    assert_eq!(asks(&world, ACME, json!({})).told(), asks(&world, "nowhere.example", json!({})).told());
    assert_eq!(asks(&world, GLOBEX, json!({})).told(), "issued");
}

#[test]
fn a_revocation_at_one_tenant_asks_no_issuer_of_the_other() {
    let world = World::given(|given| given.acme.clients.get_mut("storage").unwrap().add_ons.clear());
    world.issuances.answers_revocations("salesforce_api", |_| Ok(RevokeAnswer::Revoked));
    let revoke = |host: &str| {
        let asked = object(json!({"client_id": "storage", "token": "00D!opaque"}));
        finished(world.engine.revoke(asked, &at(host))).unwrap();
        world.sink.take_the_only_event().tenant.unwrap()
    };
    assert_eq!(revoke(ACME), ACME);
    assert!(world.issuances.revocations().is_empty());
    assert_eq!(revoke(GLOBEX), GLOBEX);
    assert_eq!(world.issuances.revocations().len(), 1);
}
