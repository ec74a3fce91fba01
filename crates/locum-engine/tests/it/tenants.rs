//! Two tenants with the same client ids, users and secrets are isolated from each other.

use locum_abi::answer::RevokeAnswer;
use locum_abi::manifest::{Need, Read};
use locum_engine::model::{AddOn, ClientKey};
use locum_engine::{Caller, RevocationRequest};
use serde_json::{Map, Value, json};

use locum_testing::{
    ACME, GLOBEX, Reply, TestEngine, blocked_user, bucket_rule, caller, claims_for, client_of, finished,
    good_with, hs256, object, rs256, tenant_at,
};

fn at(host: &str) -> Caller {
    Caller { host: host.to_owned(), ..caller() }
}

/// The claims of a token of the tenant.
fn claims_of(domain: &str) -> Value {
    let mut claims = claims_for("caller");
    claims["iss"] = json!(format!("https://{domain}/"));
    claims
}

fn delegate(test: &TestEngine, host: &str, changes: Value) -> Reply {
    let mut parameters = good_with(json!({"id_token": hs256(&claims_of(host))}));
    parameters.extend(object(changes));
    test.delegate_from(&at(host), parameters)
}

#[test]
fn each_host_serves_its_own_tenant() {
    let test = TestEngine::new();
    for domain in [ACME, GLOBEX] {
        let reply = delegate(&test, domain, json!({"scope": "profile email"}));
        assert_eq!((reply.summary().as_str(), reply.event.tenant.as_deref()), ("issued", Some(domain)));
        let claims = Value::Object(test.script.last_grant().claims);
        assert_eq!(
            claims,
            json!({"email": format!("alice@{domain}"), "email_verified": true, "nickname": "al", "name": format!("Alice of {domain}")})
        );
    }
    assert_eq!(delegate(&test, "other.example.com", json!({})).refusal().status(), 404);
}

#[test]
fn a_token_of_one_tenant_is_refused_at_another_with_the_same_secret() {
    let test = TestEngine::new();
    for (host, issuer) in [(ACME, GLOBEX), (GLOBEX, ACME)] {
        let reply = delegate(&test, host, json!({"id_token": hs256(&claims_of(issuer))}));
        assert_eq!(reply.summary(), "400 invalid_grant the issuer of the id_token is not trusted here");
    }
}

#[test]
fn a_token_signed_by_one_tenant_is_refused_at_another() {
    let test = TestEngine::with(|setup| {
        for tenant in [&mut setup.acme, &mut setup.globex] {
            client_of(tenant, "caller").key = ClientKey::TenantKeys;
        }
    });
    let signed = |key_of: &str, issuer: &str| json!({"id_token": rs256(key_of, &claims_of(issuer))});
    assert_eq!(delegate(&test, GLOBEX, signed(GLOBEX, GLOBEX)).summary(), "issued");
    let foreign = delegate(&test, GLOBEX, signed(ACME, GLOBEX));
    assert_eq!(foreign.summary(), "400 invalid_grant id_token is signed with an unknown key");
}

#[test]
fn clients_targets_and_add_ons_of_one_tenant_are_unknown_at_another() {
    let test = TestEngine::with(|setup| {
        setup.client("only-at-acme").add_ons = vec![AddOn::new("aws", Map::new())];
    });
    let target = json!({"target": "only-at-acme"});
    assert_eq!(delegate(&test, ACME, target.clone()).summary(), "issued");
    assert_eq!(delegate(&test, GLOBEX, target).refusal().status(), 401);
    let mut claims = claims_of(GLOBEX);
    claims["aud"] = json!("only-at-acme");
    let client = json!({"client_id": "only-at-acme", "id_token": hs256(&claims)});
    assert_eq!(delegate(&test, GLOBEX, client).summary(), "403 unauthorized_client invalid client");
}

#[test]
fn users_blocked_or_stored_at_one_tenant_are_not_at_another() {
    let test = TestEngine::with(|setup| {
        setup.acme.users.insert("auth0|alice".to_owned(), blocked_user());
        setup.issuers.manifest("app").reads = vec![Read::Attribute { name: "email".to_owned() }];
    });
    assert_eq!(delegate(&test, ACME, json!({})).summary(), "401 unauthorized user is blocked");
    assert_eq!(delegate(&test, GLOBEX, json!({})).summary(), "issued");
    let profile = Value::Object(test.script.last_grant().profile);
    assert_eq!(profile, json!({"email": "alice@globex.example.com"}));
}

#[test]
fn issuers_receive_the_key_and_the_settings_of_their_own_tenant() {
    let test = TestEngine::with(|setup| {
        setup.issuers.manifest("aws").needs = vec![Need::TenantSigningKey];
        for tenant in [&mut setup.acme, &mut setup.globex] {
            let settings = object(json!({"role": format!("role of {}", tenant.tenant.domain)}));
            client_of(tenant, "storage").add_ons = vec![AddOn::new("aws", settings)];
        }
    });
    for domain in [ACME, GLOBEX] {
        let mut configurations = test.script.configurations();
        configurations.retain(|one| one.api_type == "aws" && one.tenant.domain == domain);
        let [configuration] = <[_; 1]>::try_from(configurations).unwrap();
        assert_eq!(configuration.settings["role"], json!(format!("role of {domain}")));
        assert_eq!(configuration.tenant.signing_key.unwrap().kid, format!("key of {domain}"));
    }
}

#[test]
fn the_rate_limits_of_one_tenant_do_not_affect_another() {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.rate = bucket_rule(1, 1));
    assert_eq!(delegate(&test, ACME, json!({})).summary(), "issued");
    assert_eq!(delegate(&test, ACME, json!({})).refusal().status(), 429);
    assert_eq!(delegate(&test, GLOBEX, json!({})).response.rate.unwrap().remaining, 9);
}

#[test]
fn a_tenant_with_delegation_off_answers_like_an_unknown_host() {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.enabled = false);
    assert_eq!(
        delegate(&test, ACME, json!({})).summary(),
        delegate(&test, "nowhere.example", json!({})).summary()
    );
    assert_eq!(delegate(&test, GLOBEX, json!({})).summary(), "issued");
}

#[test]
fn a_revocation_at_one_tenant_calls_no_issuer_of_another() {
    let test = TestEngine::with(|setup| setup.client("storage").add_ons.clear());
    test.script.answers_revocations("salesforce_api", |_| Ok(RevokeAnswer::Revoked));
    let revoke = |host: &str| {
        let parameters = object(json!({"client_id": "storage", "token": "00D!opaque"}));
        let request = RevocationRequest::parse((&parameters).into(), None).unwrap();
        finished(test.engine.revoke(tenant_at(&*test.directory, host), request, &at(host))).outcome.unwrap();
        test.sink.take_only_event().tenant.unwrap()
    };
    assert_eq!(revoke(ACME), ACME);
    assert!(test.script.revocations().is_empty());
    assert_eq!(revoke(GLOBEX), GLOBEX);
    assert_eq!(test.script.revocations().len(), 1);
}
