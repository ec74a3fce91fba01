//! Reuse of an upstream's credentials: only for equal grants, only if the tenant enables it, and after every check.

use std::sync::Arc;

use locum_abi::answer::{Credential, Issued as PluginIssued};
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, Read, Revocation, Upstream};
use locum_engine::Credential as IssuedCredential;
use locum_engine::limits::REUSABLE_CREDENTIALS_MAX;
use locum_engine::model::{AddOn, DelegationPolicy};
use locum_engine::ports::{CallContext, IssuerFailure};
use locum_store::{TenantData, TenantSet};
use serde_json::{Map, Value, json};

use locum_testing::{
    ACME, GLOBEX, NOW, Reply, ScriptedIssuers, TestEngine, TestSetup, bucket_rule, caller, claims_for,
    good_with, hs256, object, tenant, well_behaved,
};

/// The lifetime of the credentials in these tests, in seconds.
const LIFETIME: i64 = 3600;

/// An engine in which `aws` returns a different upstream credential each time, and the tenants allow reuse.
fn reusing(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.issuers.manifest("aws").upstreams = vec![sts()];
        setup.issuers.answers("aws", |grant, context| Ok(fresh(grant, context)));
        setup.acme.tenant.delegation = policy();
        setup.globex.tenant.delegation = policy();
        change(setup);
    })
}

fn sts() -> Upstream {
    Upstream::host("sts.amazonaws.com")
}

fn policy() -> DelegationPolicy {
    let rate = bucket_rule(5000, 5000);
    let mut policy = DelegationPolicy::default();
    policy.reuse_upstream_credentials = true;
    policy.rate = rate;
    policy
}

/// A credential that differs from every other.
fn fresh(grant: &Grant, context: CallContext) -> PluginIssued {
    let members = json!({ "SessionToken": format!("{:02x?}", context.entropy) });
    let credential = Credential::Object(object(members));
    PluginIssued { credential, ..well_behaved(&CredentialForm::Object, grant, context) }
}

/// The parameters of a delegation to the target `storage` with an id_token that is valid for a day, with these changes.
fn parameters_with(changes: Value) -> Map<String, Value> {
    parameters_with_claims(changes, json!({}))
}

fn parameters_with_claims(changes: Value, claims: Value) -> Map<String, Value> {
    let mut all = claims_for("caller");
    all["exp"] = (NOW + 86_400).into();
    all.as_object_mut().unwrap().extend(object(claims));
    let mut parameters = good_with(json!({
        "target": "storage", "api_type": "aws", "scope": "openid name city", "id_token": hs256(&all),
    }));
    parameters.extend(object(changes));
    parameters
}

fn members(reply: &Reply) -> &Map<String, Value> {
    match &reply.issued().credential {
        IssuedCredential::Object(object) => object,
        other => panic!("{other:?} is not an object"),
    }
}

/// Whether the credential was reused. Response and audit event must agree.
fn is_reused(reply: &Reply) -> bool {
    let reused = reply.issued().reused;
    assert_eq!(reply.event.reused, reused);
    assert_eq!(reply.event.expires_at, reply.issued().expires_at);
    reused
}

#[test]
fn the_same_grant_gets_the_same_credential() {
    let test = reusing(|_| {});
    let first = test.delegate(parameters_with(json!({})));
    test.clock.advance(60);
    let second = test.delegate(parameters_with(json!({})));
    assert_eq!((is_reused(&first), is_reused(&second)), (false, true));
    assert_eq!(members(&first), members(&second));
    assert_eq!(second.issued().expires_at, Some(NOW + LIFETIME));
    assert_eq!(test.script.grants().len(), 1);
}

#[test]
fn the_order_of_parameters_does_not_change_the_grant() {
    let test = reusing(|_| {});
    test.delegate(parameters_with(json!({"policy": {"a": 1, "b": 2}, "zone": "x"})));
    assert!(is_reused(&test.delegate(parameters_with(json!({"zone": "x", "policy": {"b": 2, "a": 1}})))));
}

/// The member of the grant that differs, and a request that makes it differ.
fn neighbours() -> [(&'static str, Map<String, Value>); 9] {
    let of_client = |id: &str| parameters_with_claims(json!({"client_id": id}), json!({"aud": id}));
    let with_claims = |claims| parameters_with_claims(json!({}), claims);
    [
        ("user_id", with_claims(json!({"sub": "auth0|bob"}))),
        ("client_id", of_client("api")),
        ("target_id", parameters_with(json!({"target": "archive"}))),
        ("scopes", parameters_with(json!({"scope": "openid name city nothing"}))),
        ("scopes", parameters_with(json!({"scope": "city openid name"}))),
        ("claims", with_claims(json!({"city": "Porto"}))),
        ("profile", with_claims(json!({"floor": 2}))),
        ("parameters", parameters_with(json!({"zone": "x"}))),
        ("lifetime_seconds", with_claims(json!({"exp": NOW + 1000}))),
    ]
}

#[test]
fn a_grant_that_differs_in_one_member_gets_its_own_credential() {
    for (member, neighbour) in neighbours() {
        let test = reusing(|setup| {
            setup.issuers.manifest("aws").reads = vec![Read::Attribute { name: "floor".to_owned() }];
            setup.acme.tenant.delegation.cap_to_subject_exp = true;
            setup.acme.users.clear();
            setup.client("archive").add_ons = vec![AddOn::new("aws", Map::new())];
        });
        let first = test.delegate(parameters_with(json!({})));
        let other = test.delegate(neighbour.clone());
        assert!(!is_reused(&other), "{member}");
        assert_ne!(members(&first), members(&other), "{member}");
        assert_eq!(differing_members(&test.script.grants()), [member]);
        assert!(is_reused(&test.delegate(neighbour)), "{member}");
        assert_eq!(members(&test.delegate(parameters_with(json!({})))), members(&first), "{member}");
    }
}

fn differing_members(grants: &[Grant]) -> Vec<String> {
    let [first, second] = grants else { panic!("{} grants were issued", grants.len()) };
    let members = |grant: &Grant| object(serde_json::to_value(grant).unwrap());
    let (first, second) = (members(first), members(second));
    first.into_iter().filter(|(name, value)| second[name] != *value).map(|(name, _)| name).collect()
}

#[test]
fn a_credential_of_one_tenant_is_not_reused_at_another() {
    let test = reusing(|_| {});
    test.delegate(parameters_with(json!({})));
    let mut at_globex = caller();
    at_globex.host = GLOBEX.to_owned();
    let iss = format!("https://{GLOBEX}/");
    let request = parameters_with_claims(json!({}), json!({"iss": iss, "name": "Alice"}));
    assert!(!is_reused(&test.delegate_from(&at_globex, request)));
}

#[test]
fn a_credential_is_reused_while_half_of_its_lifetime_is_left() {
    let test = reusing(|_| {});
    test.delegate(parameters_with(json!({})));
    test.clock.advance(LIFETIME / 2);
    assert!(is_reused(&test.delegate(parameters_with(json!({})))));
    test.clock.advance(1);
    let renewed = test.delegate(parameters_with(json!({})));
    assert!(!is_reused(&renewed));
    let again = test.delegate(parameters_with(json!({})));
    assert!(is_reused(&again));
    assert_eq!(members(&again), members(&renewed));
}

#[test]
fn a_clock_that_is_set_back_makes_no_credential_outlive_its_grant() {
    let test = reusing(|_| {});
    test.delegate(parameters_with(json!({})));
    test.clock.advance(-1);
    let reply = test.delegate(parameters_with(json!({})));
    assert!(!is_reused(&reply));
    assert_eq!(reply.issued().expires_at, Some(NOW - 1 + LIFETIME));
}

type Change = fn(&mut TestSetup);

#[test]
fn credentials_that_may_not_be_shared_are_never_reused() {
    let jwt: Change = |setup| {
        setup.issuers.manifest("aws").credential = CredentialForm::Jwt;
        setup.issuers.answers("aws", |grant, context| Ok(well_behaved(&CredentialForm::Jwt, grant, context)));
    };
    let text: Change = |setup| {
        let form = CredentialForm::Text { member: "sas".to_owned() };
        setup.issuers.manifest("aws").credential = form.clone();
        setup.issuers.answers("aws", move |grant, context| Ok(well_behaved(&form, grant, context)));
    };
    let without_expiry: Change = |setup| {
        setup
            .issuers
            .answers("aws", |grant, context| Ok(PluginIssued { expires_at: None, ..fresh(grant, context) }));
    };
    let cases: [(&str, Change); 7] = [
        ("disabled", |setup| setup.acme.tenant.delegation.reuse_upstream_credentials = false),
        ("issued without an upstream", |setup| setup.issuers.manifest("aws").upstreams.clear()),
        ("revocable", |setup| setup.issuers.manifest("aws").revocation = Revocation::Upstream),
        ("never reused by its manifest", |setup| setup.issuers.manifest("aws").reusable = false),
        ("of unknown expiry", without_expiry),
        ("a JWT", jwt),
        ("a text", text),
    ];
    for (case, change) in cases {
        let test = reusing(change);
        for _ in 0..2 {
            assert!(!is_reused(&test.delegate(parameters_with(json!({})))), "{case}");
        }
        assert_eq!(test.script.grants().len(), 2, "{case}");
    }
    assert!(!DelegationPolicy::default().reuse_upstream_credentials);
}

#[test]
fn a_failure_is_not_kept() {
    let test = reusing(|_| {});
    test.script.answers("aws", |_, _| Err(IssuerFailure::UpstreamTimedOut(5000)));
    assert_eq!(test.delegate(parameters_with(json!({}))).refusal().status(), 504);
    let too_long = |grant: &Grant, context| {
        let good = fresh(grant, context);
        PluginIssued { expires_at: good.expires_at.map(|expiry| expiry + 1), ..good }
    };
    test.script.answers("aws", move |grant, context| Ok(too_long(grant, context)));
    assert_eq!(test.delegate(parameters_with(json!({}))).refusal().status(), 500);
    test.script.answers("aws", |grant, context| Ok(fresh(grant, context)));
    assert!(!is_reused(&test.delegate(parameters_with(json!({})))));
    assert_eq!(test.script.grants().len(), 3);
}

#[test]
fn at_the_limit_the_credential_that_expires_first_is_dropped() {
    let test = reusing(|_| {});
    test.script.answers("aws", |grant, context| {
        let good = fresh(grant, context);
        let shorter = if grant.parameters["n"] == 500 { 1 } else { 0 };
        Ok(PluginIssued { expires_at: good.expires_at.map(|expiry| expiry - shorter), ..good })
    });
    let is_reused_for = |n: usize| is_reused(&test.delegate(parameters_with(json!({ "n": n }))));
    assert!((0..REUSABLE_CREDENTIALS_MAX).all(|n| !is_reused_for(n)));
    assert!(is_reused_for(500), "all are kept up to the limit");
    assert!(!is_reused_for(REUSABLE_CREDENTIALS_MAX));
    assert!((0..=REUSABLE_CREDENTIALS_MAX).filter(|n| *n != 500).all(is_reused_for));
    assert!(!is_reused_for(500));
}

#[test]
fn a_reused_credential_states_its_remaining_lifetime() {
    for (stated, left) in [(json!(3600), json!(3500)), (json!("3600"), json!("3500")), (json!([]), json!([]))]
    {
        let test = reusing(|_| {});
        test.script.answers("aws", move |grant, context| {
            let credential = Credential::Object(object(json!({ "expires_in": stated, "scope": "3600" })));
            Ok(PluginIssued { credential, ..fresh(grant, context) })
        });
        test.delegate(parameters_with(json!({})));
        test.clock.advance(100);
        let reply = test.delegate(parameters_with(json!({})));
        assert!(is_reused(&reply));
        assert_eq!(*members(&reply), object(json!({ "expires_in": left, "scope": "3600" })));
    }
}

#[test]
fn a_kept_credential_bypasses_no_check() {
    let refused = |change: Change, request: Map<String, Value>| {
        let test = reusing(change);
        assert_eq!(test.delegate(parameters_with(json!({}))).summary(), "issued");
        let reply = test.delegate(request);
        assert_eq!(test.script.grants().len(), 1);
        assert!(!reply.event.reused);
        reply.refusal().status()
    };
    let unchanged: Change = |_| {};
    let expired = parameters_with_claims(json!({}), json!({ "exp": NOW - 1 }));
    assert_eq!(refused(unchanged, expired), 400);
    assert_eq!(refused(unchanged, parameters_with_claims(json!({}), json!({ "aud": "api" }))), 400);
    assert_eq!(refused(unchanged, parameters_with_claims(json!({}), json!({ "sub": "auth0|mallory" }))), 401);
    let once: Change = |setup| setup.acme.tenant.delegation.rate = bucket_rule(1, 1);
    assert_eq!(refused(once, parameters_with(json!({}))), 429);
}

/// Replaces the tenants by a changed one, with the same issuers.
fn reload(test: &TestEngine, issuers: &ScriptedIssuers, change: impl FnOnce(&mut TenantData)) {
    let mut data = tenant(ACME);
    data.tenant.delegation = policy();
    change(&mut data);
    test.directory.inner().replace(TenantSet::prepare(vec![data], issuers).unwrap());
}

#[test]
fn a_reload_drops_all_kept_credentials_and_a_user_blocked_by_it_is_refused() {
    let test = reusing(|_| {});
    let mut issuers = ScriptedIssuers::with_script(Arc::clone(&test.script));
    issuers.manifest("aws").upstreams = vec![sts()];
    let request = || test.delegate(parameters_with(json!({})));
    let first = request();
    assert_eq!((is_reused(&first), is_reused(&request())), (false, true));

    reload(&test, &issuers, |_| {});
    let second = request();
    assert!(!is_reused(&second));
    assert_ne!(members(&first), members(&second));
    assert!(is_reused(&request()));
    let shown = format!("{:?}", test.directory.inner());
    assert!(shown.contains("ReusableCredentials(1)") && !shown.contains("SessionToken"), "{shown}");

    reload(&test, &issuers, |data| data.users.get_mut("auth0|alice").unwrap().blocked = true);
    let refused = request();
    assert_eq!((refused.refusal().status(), refused.event.reused), (401, false));
}

#[test]
fn a_paused_issuer_returns_no_kept_credential() {
    let test = reusing(|_| ());
    test.delegate(parameters_with(json!({})));
    assert!(is_reused(&test.delegate(parameters_with(json!({})))));
    test.script.pauses("aws");
    assert_eq!(test.delegate(parameters_with(json!({}))).refusal().status(), 503);
}
