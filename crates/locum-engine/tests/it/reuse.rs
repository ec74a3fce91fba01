//! Reuse of an upstream's credentials: only equal grants, only where it is switched on, never past a check.

use std::sync::{Arc, Mutex};

use locum_abi::answer::{Credential, Failure, Issued as GivenCredential, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Read, Revocation, Upstream};
use locum_engine::limits::REUSABLE_CREDENTIALS_MAX;
use locum_engine::ports::{
    self, CallContext, Directory, Issuer, IssuerFailure, PortFuture, StoreUnavailable,
};
use locum_engine::tenant::{AddOn, DelegationPolicy, Tenant};
use locum_engine::{BucketRule, Credential as Told, Engine, Ports};
use serde_json::{Map, Value, json};

use crate::world::{
    ACME, GLOBEX, Given, NOW, Reply, World, caller, claims_for, finished, good_with, hs256, manifest, object,
    tenant, well_behaved,
};

/// How long the credentials of these tests live, unless one says otherwise.
const LIFE: i64 = 3600;

/// A world in which `aws` asks an upstream, which gives another credential each time, and the tenant allows reuse.
fn reusing(change: impl FnOnce(&mut Given)) -> World {
    World::given(|given| {
        given.issuers.manifest("aws").upstreams = vec![sts()];
        given.issuers.answers("aws", |grant, context| Ok(fresh(grant, context)));
        given.acme.delegation = policy();
        given.globex.delegation = policy();
        change(given);
    })
}

fn sts() -> Upstream {
    Upstream::Host { host: "sts.amazonaws.com".to_owned() }
}

fn policy() -> DelegationPolicy {
    let rate = BucketRule { size: 5000, per_minute: 5000 };
    DelegationPolicy { reuse_upstream_credentials: true, rate, ..DelegationPolicy::default() }
}

/// A credential that can be told from any other.
fn fresh(grant: &Grant, context: CallContext) -> GivenCredential {
    let members = json!({ "SessionToken": format!("{:02x?}", context.entropy) });
    let credential = Credential::Object(object(members));
    GivenCredential { credential, ..well_behaved(&CredentialForm::Object, grant, context) }
}

/// A delegation to the target `storage`, with an id_token of a day; changed as asked.
fn asked(changes: Value) -> Map<String, Value> {
    asked_with_claims(changes, json!({}))
}

fn asked_with_claims(changes: Value, claims: Value) -> Map<String, Value> {
    let mut all = claims_for("caller");
    all["exp"] = (NOW + 86_400).into();
    all.as_object_mut().unwrap().extend(object(claims));
    let mut parameters = good_with(json!({
        "target": "storage", "api_type": "aws", "scope": "openid name city", "id_token": hs256(&all),
    }));
    parameters.extend(object(changes));
    parameters
}

fn told(reply: &Reply) -> &Map<String, Value> {
    match &reply.issued().credential {
        Told::Object(object) => object,
        other => panic!("{other:?} is no object"),
    }
}

/// Whether the request was answered with what an earlier one was given; answer and audit event agree on it.
fn is_reused(reply: &Reply) -> bool {
    let reused = reply.issued().reused;
    assert_eq!(reply.event.reused, reused);
    assert_eq!(reply.event.expires_at, reply.issued().expires_at);
    reused
}

#[test]
fn the_same_grant_is_given_the_same_credential() {
    let world = reusing(|_| {});
    let first = world.asks(asked(json!({})));
    world.clock.advance(60);
    let second = world.asks(asked(json!({})));
    assert_eq!((is_reused(&first), is_reused(&second)), (false, true));
    assert_eq!(told(&first), told(&second));
    assert_eq!(second.issued().expires_at, Some(NOW + LIFE));
    assert_eq!(world.issuances.grants().len(), 1);
}

#[test]
fn the_order_of_parameters_makes_no_other_grant() {
    let world = reusing(|_| {});
    world.asks(asked(json!({"policy": {"a": 1, "b": 2}, "zone": "x"})));
    assert!(is_reused(&world.asks(asked(json!({"zone": "x", "policy": {"b": 2, "a": 1}})))));
}

/// Which member of the grant differs, and the request that makes it differ.
fn neighbours() -> [(&'static str, Map<String, Value>); 9] {
    let of_client = |id: &str| asked_with_claims(json!({"client_id": id}), json!({"aud": id}));
    let with_claims = |claims| asked_with_claims(json!({}), claims);
    [
        ("user_id", with_claims(json!({"sub": "auth0|bob"}))),
        ("client_id", of_client("api")),
        ("target_id", asked(json!({"target": "archive"}))),
        ("scopes", asked(json!({"scope": "openid name city nothing"}))),
        ("scopes", asked(json!({"scope": "city openid name"}))),
        ("claims", with_claims(json!({"city": "Porto"}))),
        ("profile", with_claims(json!({"floor": 2}))),
        ("parameters", asked(json!({"zone": "x"}))),
        ("lifetime_seconds", with_claims(json!({"exp": NOW + 1000}))),
    ]
}

#[test]
fn a_grant_with_one_member_changed_is_given_its_own_credential() {
    for (member, neighbour) in neighbours() {
        let world = reusing(|given| {
            given.issuers.manifest("aws").reads = vec![Read::Attribute { name: "floor".to_owned() }];
            given.acme.delegation.cap_to_subject_exp = true;
            given.acme.users.clear();
            given.client("archive").add_ons = vec![AddOn::new("aws", Map::new())];
        });
        let first = world.asks(asked(json!({})));
        let other = world.asks(neighbour.clone());
        assert!(!is_reused(&other), "{member}");
        assert_ne!(told(&first), told(&other), "{member}");
        assert_eq!(differing_members(&world.issuances.grants()), [member]);
        assert!(is_reused(&world.asks(neighbour)), "{member}");
        assert_eq!(told(&world.asks(asked(json!({})))), told(&first), "{member}");
    }
}

fn differing_members(grants: &[Grant]) -> Vec<String> {
    let [first, second] = grants else { panic!("{} grants were issued", grants.len()) };
    let members = |grant: &Grant| object(serde_json::to_value(grant).unwrap());
    let (first, second) = (members(first), members(second));
    first.into_iter().filter(|(name, value)| second[name] != *value).map(|(name, _)| name).collect()
}

#[test]
fn a_credential_of_one_tenant_is_none_at_the_other() {
    let world = reusing(|_| {});
    world.asks(asked(json!({})));
    let mut at_globex = caller();
    at_globex.host = GLOBEX.to_owned();
    let iss = format!("https://{GLOBEX}/");
    let request = asked_with_claims(json!({}), json!({"iss": iss, "name": "Alice"}));
    assert!(!is_reused(&world.asks_from(&at_globex, request)));
}

#[test]
fn a_credential_is_reused_while_half_of_its_life_is_left() {
    let world = reusing(|_| {});
    world.asks(asked(json!({})));
    world.clock.advance(LIFE / 2);
    assert!(is_reused(&world.asks(asked(json!({})))));
    world.clock.advance(1);
    let renewed = world.asks(asked(json!({})));
    assert!(!is_reused(&renewed));
    let again = world.asks(asked(json!({})));
    assert!(is_reused(&again));
    assert_eq!(told(&again), told(&renewed));
}

#[test]
fn a_clock_put_back_makes_no_credential_outlive_its_grant() {
    let world = reusing(|_| {});
    world.asks(asked(json!({})));
    world.clock.advance(-1);
    let reply = world.asks(asked(json!({})));
    assert!(!is_reused(&reply));
    assert_eq!(reply.issued().expires_at, Some(NOW - 1 + LIFE));
}

type Change = fn(&mut Given);

#[test]
fn what_may_not_be_shared_is_never_reused() {
    let jwt: Change = |given| {
        given.issuers.manifest("aws").credential = CredentialForm::Jwt;
        given.issuers.answers("aws", |grant, context| Ok(well_behaved(&CredentialForm::Jwt, grant, context)));
    };
    let text: Change = |given| {
        let form = CredentialForm::Text { member: "sas".to_owned() };
        given.issuers.manifest("aws").credential = form.clone();
        given.issuers.answers("aws", move |grant, context| Ok(well_behaved(&form, grant, context)));
    };
    let endless: Change = |given| {
        given.issuers.answers("aws", |grant, context| {
            Ok(GivenCredential { expires_at: None, ..fresh(grant, context) })
        });
    };
    let cases: [(&str, Change); 6] = [
        ("switched off", |given| given.acme.delegation.reuse_upstream_credentials = false),
        ("made here", |given| given.issuers.manifest("aws").upstreams.clear()),
        ("revocable", |given| given.issuers.manifest("aws").revocation = Revocation::Upstream),
        ("of unknown end", endless),
        ("a token", jwt),
        ("a text", text),
    ];
    for (case, change) in cases {
        let world = reusing(change);
        for _ in 0..2 {
            assert!(!is_reused(&world.asks(asked(json!({})))), "{case}");
        }
        assert_eq!(world.issuances.grants().len(), 2, "{case}");
    }
    assert!(!DelegationPolicy::default().reuse_upstream_credentials);
}

#[test]
fn a_failure_is_not_kept() {
    let world = reusing(|_| {});
    world.issuances.answers("aws", |_, _| Err(IssuerFailure::UpstreamTimedOut(5000)));
    assert_eq!(world.asks(asked(json!({}))).refusal().status(), 504);
    let too_long = |grant: &Grant, context| {
        let good = fresh(grant, context);
        GivenCredential { expires_at: good.expires_at.map(|end| end + 1), ..good }
    };
    world.issuances.answers("aws", move |grant, context| Ok(too_long(grant, context)));
    assert_eq!(world.asks(asked(json!({}))).refusal().status(), 500);
    world.issuances.answers("aws", |grant, context| Ok(fresh(grant, context)));
    assert!(!is_reused(&world.asks(asked(json!({})))));
    assert_eq!(world.issuances.grants().len(), 3);
}

#[test]
fn at_the_bound_the_credential_that_ends_first_goes() {
    let world = reusing(|_| {});
    world.issuances.answers("aws", |grant, context| {
        let good = fresh(grant, context);
        let shorter = if grant.parameters["n"] == 500 { 1 } else { 0 };
        Ok(GivenCredential { expires_at: good.expires_at.map(|end| end - shorter), ..good })
    });
    let ask = |n: usize| is_reused(&world.asks(asked(json!({ "n": n }))));
    assert!((0..REUSABLE_CREDENTIALS_MAX).all(|n| !ask(n)));
    assert!(ask(500), "all are kept up to the bound");
    assert!(!ask(REUSABLE_CREDENTIALS_MAX));
    assert!((0..=REUSABLE_CREDENTIALS_MAX).filter(|n| *n != 500).all(ask));
    assert!(!ask(500));
}

#[test]
fn a_reused_token_says_how_long_it_still_lives() {
    for (stated, left) in [(json!(3600), json!(3500)), (json!("3600"), json!("3500")), (json!([]), json!([]))]
    {
        let world = reusing(|_| {});
        world.issuances.answers("aws", move |grant, context| {
            let credential = Credential::Object(object(json!({ "expires_in": stated, "scope": "3600" })));
            Ok(GivenCredential { credential, ..fresh(grant, context) })
        });
        world.asks(asked(json!({})));
        world.clock.advance(100);
        let reply = world.asks(asked(json!({})));
        assert!(is_reused(&reply));
        assert_eq!(*told(&reply), object(json!({ "expires_in": left, "scope": "3600" })));
    }
}

#[test]
fn a_kept_credential_spares_nobody_a_check() {
    let refused = |change: Change, request: Map<String, Value>| {
        let world = reusing(change);
        assert_eq!(world.asks(asked(json!({}))).told(), "issued");
        let reply = world.asks(request);
        assert_eq!(world.issuances.grants().len(), 1);
        assert!(!reply.event.reused);
        reply.refusal().status()
    };
    let unchanged: Change = |_| {};
    let expired = asked_with_claims(json!({}), json!({ "exp": NOW - 1 }));
    assert_eq!(refused(unchanged, expired), 400);
    assert_eq!(refused(unchanged, asked_with_claims(json!({}), json!({ "aud": "api" }))), 400);
    assert_eq!(refused(unchanged, asked_with_claims(json!({}), json!({ "sub": "auth0|mallory" }))), 401);
    let once: Change = |given| given.acme.delegation.rate = BucketRule { size: 1, per_minute: 1 };
    assert_eq!(refused(once, asked(json!({}))), 429);
}

/// A directory of one tenant that can be loaded anew.
struct Loaded(Mutex<Arc<Tenant>>);

impl Directory for Loaded {
    fn tenant<'a>(&'a self, _: &'a str) -> PortFuture<'a, Result<Option<Arc<Tenant>>, StoreUnavailable>> {
        let tenant = Arc::clone(&self.0.lock().unwrap());
        Box::pin(std::future::ready(Ok(Some(tenant))))
    }
}

/// One issuer that asks an upstream, apart from a world's, whose tenants stay as they are.
struct Sts(IssuerManifest);

impl ports::Issuers for Sts {
    fn manifest(&self, api_type: &str) -> Option<&IssuerManifest> {
        Some(&self.0).filter(|manifest| manifest.api_type == api_type)
    }

    fn configure(&self, _: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        Ok(Arc::new(Session))
    }
}

struct Session;

impl Issuer for Session {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<GivenCredential, IssuerFailure>> {
        Box::pin(std::future::ready(Ok(fresh(grant, context))))
    }

    fn revoke<'a>(
        &'a self,
        _: &'a str,
        _: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(std::future::ready(Ok(RevokeAnswer::NotRevocable)))
    }
}

/// A tenant as it comes from its file: equal each time, and never the same.
fn from_its_file(change: impl FnOnce(&mut Tenant)) -> Arc<Tenant> {
    let mut tenant = tenant(ACME);
    tenant.delegation = policy();
    change(&mut tenant);
    Arc::new(tenant)
}

#[test]
fn a_reload_forgets_all_and_a_user_blocked_by_it_is_refused() {
    let world = World::new();
    let directory = Arc::new(Loaded(Mutex::new(from_its_file(|_| {}))));
    let sts_alone = IssuerManifest { upstreams: vec![sts()], ..manifest("aws", CredentialForm::Object) };
    let engine = Engine::new(Ports {
        clock: Arc::clone(&world.clock) as _,
        entropy: Arc::clone(&world.entropy) as _,
        directory: Arc::clone(&directory) as _,
        buckets: Arc::clone(&world.buckets) as _,
        audit: Arc::clone(&world.sink) as _,
        issuers: Arc::new(Sts(sts_alone)),
    });
    let ask = || {
        let answer = finished(engine.delegate(asked(json!({})), &caller()));
        Reply { answer, event: world.sink.take_the_only_event() }
    };
    let first = ask();
    assert_eq!((is_reused(&first), is_reused(&ask())), (false, true));

    *directory.0.lock().unwrap() = from_its_file(|_| {});
    let second = ask();
    assert!(!is_reused(&second));
    assert_ne!(told(&first), told(&second));
    assert!(is_reused(&ask()));
    let shown = format!("{:?}", directory.0.lock().unwrap());
    assert!(shown.contains("ReusableCredentials(1)") && !shown.contains("SessionToken"), "{shown}");

    let alice_is_blocked = |tenant: &mut Tenant| tenant.users.get_mut("auth0|alice").unwrap().blocked = true;
    *directory.0.lock().unwrap() = from_its_file(alice_is_blocked);
    let refused = ask();
    assert_eq!((refused.refusal().status(), refused.event.reused), (401, false));
}
