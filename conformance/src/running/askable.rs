//! Whether a case can be asked of a remote server, and of the tenant that it serves.

use std::collections::BTreeMap;

use locum_abi::manifest::IssuerManifest;
use locum_engine::BucketRule;
use locum_engine::model::DelegationPolicy;
use serde_json::Value;

use crate::cases::issuer_under_test::{IssuerUnderTest, RemoteDestination};
use crate::exchange::request_builder::{DELEGATION, REVOCATION};
use crate::fixtures::case::{Case, FixtureSet};
use crate::fixtures::credential_reading::VerifyingKey;
use crate::fixtures::fixture::{Fixture, FixtureRequest, Method, Signer, Step};
use crate::fixtures::tenant_document::{ALICE, APP, CALLER, TARGET};
use crate::fixtures::tested_tenant::TestedTenant;

/// Domain, key id and origin of the suite's own tenant, which fixtures should state as `${domain}`, `${kid}` and
/// `${origin}`.
const SUITE_DOMAIN: &str = "acme.example.com";
const SUITE_KEY_ID: &str = "tenant-2026";
const SUITE_ORIGIN: &str = "https://app.example.com";

/// No id_token of the suite is older, unless a case says so.
const ID_TOKEN_AGE_SECONDS_MAX: u64 = 600;

/// Why a case cannot be asked, if it cannot. Counts its invalid tokens if it can.
pub(crate) fn why_not_askable(
    case: &Case,
    issuer: &IssuerUnderTest<'_>,
    remote: &RemoteDestination,
) -> Option<String> {
    let fixture = &case.fixture;
    missing_ability(fixture, issuer)
        .map(|missing| format!("needs {missing}"))
        .or_else(|| other_settings(case, issuer, remote))
        .or_else(|| other_policy(fixture, issuer.manifest, remote))
        .or_else(|| other_clients(fixture, issuer.manifest, &remote.tenant))
        .or_else(|| names_of_suite(fixture, &remote.tenant))
        .or_else(|| {
            let invalid = fixture.steps.iter().filter(|step| presents_invalid_token(step));
            remote.server.admit_invalid_tokens(invalid.map(|step| u64::from(step.times)).sum()).err()
        })
}

/// What a case needs that no remote server offers.
fn missing_ability(fixture: &Fixture, issuer: &IssuerUnderTest<'_>) -> Option<&'static str> {
    let given = &fixture.given;
    let steps = &fixture.steps;
    let has_upstreams = !issuer.spec.upstream.is_empty() || !issuer.manifest.upstreams.is_empty();
    // A whole credential holds the time of its request.
    let states_credential =
        |step: &Step| step.expect.credential.as_ref().is_some_and(|credential| credential.text.is_some());
    let needs_clock = |step: &Step| step.after_seconds > 0 || states_credential(step);
    let needs = [
        (fixture.refused_setting.is_some(), "the plugin file"),
        (given.now.is_some() || steps.iter().any(needs_clock), "a controllable clock"),
        (!given.settings.is_empty() || given.asked_lifetime_seconds.is_some(), "its own settings"),
        (!given.tenant.is_empty(), "its own tenant"),
        (given.server != Default::default(), "its own server options"),
        (
            has_upstreams
                || steps.iter().any(|step| step.upstream.is_some() || step.upstream_fault.is_some()),
            "scripted upstreams",
        ),
        (steps.iter().any(|step| step.request.ip.is_some()), "another client IP address"),
    ];
    needs.into_iter().find(|(needed, _)| *needed).map(|(_, what)| what)
}

/// The target's add-on has other settings than the case expects.
fn other_settings(case: &Case, issuer: &IssuerUnderTest<'_>, remote: &RemoteDestination) -> Option<String> {
    let RemoteDestination { tenant, .. } = remote;
    let of_add_on = matches!(case.set, FixtureSet::Plugin(_)) && issuer.manifest.api_type != APP;
    let issues = case.fixture.steps.iter().any(|step| is_delegation(step) && step.expect.status == 200);
    if remote.has_settings_of_spec {
        let policy = tenant.policy();
        let limits_lifetimes = policy.lifetime_ceiling_seconds.is_some() || policy.cap_to_subject_exp;
        // The cases of an add-on state lifetimes as numbers.
        return (of_add_on && issues && limits_lifetimes)
            .then(|| "needs a tenant that limits no lifetime".to_owned());
    }
    if of_add_on {
        return Some(format!(
            "needs the settings of plugin.yaml; {} has its own for {}",
            tenant.roles.target, issuer.manifest.api_type
        ));
    }
    remote.unverifiable.clone().filter(|_| issues)
}

/// The tenant's policy is another one than the case expects.
fn other_policy(fixture: &Fixture, manifest: &IssuerManifest, remote: &RemoteDestination) -> Option<String> {
    let tenant = &remote.tenant;
    let policy = tenant.policy();
    let steps = &fixture.steps;
    let counted: u32 = steps.iter().filter(|step| is_counted(step)).map(|step| step.times).sum();
    let size = policy.rate.size.get();
    if policy.rate != BucketRule::AUTH0_DEFAULT && steps.iter().any(states_rate) {
        let per_minute = policy.rate.per_minute;
        return Some(format!("needs the rate limit 10/1; the tenant's is {size}/{per_minute}"));
    }
    let expects_refusal = steps.iter().any(|step| step.expect.status == 429);
    if counted > size && !expects_refusal {
        return Some(format!("needs {counted} requests at once; the tenant allows {size}"));
    }
    if policy.leeway_seconds > 0 && steps.iter().any(presents_expired_token) {
        return Some(format!(
            "needs a tenant that accepts no expired id_token; this one does for {} s",
            policy.leeway_seconds
        ));
    }
    let states = |word: &str| steps.iter().any(|step| expectation(step).contains(word));
    let states_lifetime = |step: &Step| {
        let credential = step.expect.credential.as_ref();
        credential.is_some_and(|stated| stated.lifetime_seconds.is_some() || stated.expires_at.is_some())
    };
    let names_lifetime = states("${lifetime") || states("+lifetime");
    let needs_lifetime = names_lifetime || steps.iter().any(states_lifetime);
    if remote.states_no_expiry && needs_lifetime {
        return Some(
            "needs a credential that states its expiry; with these settings it states none".to_owned(),
        );
    }
    if policy.cap_to_subject_exp && needs_lifetime {
        return Some("needs credentials that may outlive the id_token; the tenant forbids it".to_owned());
    }
    let (lifetime, default) = (tenant.lifetime_seconds(manifest), manifest.lifetime.default_seconds);
    if let Some(session) = policy.session_seconds.filter(|_| needs_lifetime)
        && session < lifetime + ID_TOKEN_AGE_SECONDS_MAX
    {
        return Some(format!("needs a session longer than {lifetime} s; the tenant's has {session} s"));
    }
    if manifest.api_type == APP
        && let Some(reason) = other_claims(steps, policy)
    {
        return Some(reason.to_owned());
    }
    if lifetime != default && states("lifetime_default") {
        return Some(format!(
            "needs the lifetime {default} s, the default; the tenant or {} has {lifetime} s",
            tenant.roles.target
        ));
    }
    if tenant.data.is_default && steps.iter().any(|step| step.request.host.is_some()) {
        return Some("needs a tenant that does not answer on every host".to_owned());
    }
    let uses_get = steps.iter().any(|step| step.request.method == Method::Get && is_delegation(step));
    if policy.jsonp && uses_get {
        return Some("needs a tenant without JSONP".to_owned());
    }
    None
}

/// The tenant's policy adds claims to app tokens, or leaves out some that the case may expect.
fn other_claims(steps: &[Step], policy: &DelegationPolicy) -> Option<&'static str> {
    let states_all = |step: &Step| {
        step.expect.credential.as_ref().is_some_and(|credential| credential.only_claims.is_some())
    };
    if policy.session_seconds.is_some() && steps.iter().any(states_all) {
        return Some("needs app tokens without auth_time, which they have where the tenant bounds sessions");
    }
    let selects = |step: &Step| step.request.parameters.contains_key("scope") && step.expect.status == 200;
    (!policy.private_attributes.is_empty() && steps.iter().any(selects))
        .then_some("needs a tenant that adds no private attributes")
}

/// A client of the tenant lacks what the case needs.
fn other_clients(fixture: &Fixture, manifest: &IssuerManifest, tenant: &TestedTenant) -> Option<String> {
    let steps = &fixture.steps;
    let mentions = |variable: &str| steps.iter().any(|step| texts(step).contains(variable));
    let (caller, target) = (&tenant.roles.caller, &tenant.roles.target);
    if mentions("${origin}") && tenant.origin().is_none() {
        return Some(format!("needs a caller with an allowed origin; {caller} has none"));
    }
    let signs_with_tenant_key = |step: &Step| {
        matches!(step.request.id_token.signed_by, Signer::TenantKey | Signer::TenantPublicKeyAsSecret)
    };
    let needs_key = mentions("${kid}") || mentions("${public_exponent}");
    if tenant.signing_key().is_none() && (needs_key || steps.iter().any(signs_with_tenant_key)) {
        return Some("needs a signing key; the tenant has none".to_owned());
    }
    let says_why_not_signed = |step: &Step| {
        let says = step.expect.refusal.as_ref().and_then(|refusal| refusal.says.as_deref());
        let stranger = step.request.id_token.signed_by == Signer::Stranger && says.is_some();
        stranger || signs_with_tenant_key(step)
    };
    if tenant.caller_uses_tenant_key() && steps.iter().any(says_why_not_signed) {
        return Some(format!("needs an HS256 caller; the id_tokens of {caller} are signed by the tenant"));
    }
    let revokes = |step: &Step| step.request.path.as_deref() == Some(REVOCATION);
    let cannot_authenticate =
        |id: &&String| tenant.must_authenticate(id) && tenant.secret_to_authenticate(id).is_none();
    if steps.iter().any(revokes)
        && let Some(id) = [caller, target].into_iter().find(cannot_authenticate)
    {
        return Some(format!("needs the secret of {id}, which the suite knows only of clients with HS256"));
    }
    if manifest.api_type == APP
        && let Some(alg) = steps.iter().find_map(|step| stated_algorithm(step, tenant))
    {
        return Some(format!("needs {alg}"));
    }
    let chooses_no_api_type = |step: &Step| is_delegation(step) && absent(&step.request, "api_type");
    let first = tenant.target().and_then(|target| target.add_ons.first());
    let default = first.map_or(APP, |add_on| add_on.api_type.as_str());
    if default != manifest.api_type && steps.iter().any(chooses_no_api_type) {
        return Some(format!(
            "needs a target whose first add-on is {}; {target} has {default}",
            manifest.api_type
        ));
    }
    let aliases = tenant.target().map(|target| &target.scope_aliases);
    let words = steps.iter().filter_map(|step| step.request.parameters.get("scope")?.as_str());
    let alias =
        words.flat_map(str::split_whitespace).find(|word| aliases.is_some_and(|own| own.contains_key(*word)));
    alias.map(|alias| format!("needs the scope {alias}, which is an alias of {target}"))
}

/// The algorithm or secret that an expected app token needs and the tenant's clients do not have.
fn stated_algorithm(step: &Step, tenant: &TestedTenant) -> Option<String> {
    let credential = step.expect.credential.as_ref()?;
    let for_caller = absent(&step.request, "target");
    let (client, id) = match for_caller {
        true => (tenant.caller()?, &tenant.roles.caller),
        false => (tenant.target()?, &tenant.roles.target),
    };
    let own = client.app.settings.get("alg").and_then(Value::as_str).unwrap_or_default();
    let header = credential.header.as_ref().and_then(|header| header.get("alg")?.as_str());
    let by_key = credential.verifies_with.as_ref().and_then(|key| match key {
        VerifyingKey::TargetSecret | VerifyingKey::CallerSecret => Some("HS256"),
        VerifyingKey::TenantKey => Some("RS256"),
        _ => None,
    });
    let wanted = header.or(by_key)?;
    (own != wanted).then(|| format!("a client with {wanted} tokens; {id} has {own}"))
}

/// The case names what belongs to the suite's own tenant, and this tenant has other names.
fn names_of_suite(fixture: &Fixture, tenant: &TestedTenant) -> Option<String> {
    let own_key_id = tenant.signing_key().map_or("", |(_, kid)| kid);
    let names = BTreeMap::from([
        (CALLER, tenant.roles.caller.as_str()),
        (TARGET, tenant.roles.target.as_str()),
        (SUITE_DOMAIN, tenant.domain()),
        (SUITE_KEY_ID, own_key_id),
        (SUITE_ORIGIN, tenant.origin().unwrap_or_default()),
        // The users of a remote run have ids of their own.
        (ALICE, ""),
    ]);
    let foreign = names.into_iter().filter(|(suite, own)| suite != own).map(|(suite, _)| suite);
    let texts: Vec<String> = fixture.steps.iter().flat_map(values).collect();
    let is_named = |name: &str| texts.iter().any(|text| holds_word(text, name));
    let named = foreign.into_iter().find(|name| is_named(name))?;
    Some(format!("names `{named}` of the suite's own tenant"))
}

/// Whether a text is this word, or holds it as a value of JSON or of a form, or as a host.
fn holds_word(text: &str, word: &str) -> bool {
    let in_value = [format!(":\"{word}\""), format!("={word}&")];
    text == word
        || (word.contains('.') && text.contains(word))
        || in_value.iter().any(|value| text.contains(value.as_str()))
}

fn is_delegation(step: &Step) -> bool {
    step.request.path.as_deref().is_none_or(|path| path == DELEGATION)
}

/// Whether the user's bucket may count the request.
fn is_counted(step: &Step) -> bool {
    is_delegation(step) && step.request.method == Method::Post && !presents_invalid_token(step)
}

fn presents_invalid_token(step: &Step) -> bool {
    let refused_grant = step.expect.refusal.as_ref().is_some_and(|refusal| refusal.error == "invalid_grant");
    refused_grant && step.request.path.as_deref() != Some(REVOCATION)
}

/// Whether the step states the numbers of the rate limit.
fn states_rate(step: &Step) -> bool {
    let rate = |name: &str| name.starts_with("x-ratelimit-") || name == "retry-after";
    let stated =
        |(name, value): (&String, &Option<String>)| rate(&name.to_ascii_lowercase()) && value.is_some();
    step.expect.status == 429 || step.expect.headers.iter().any(stated)
}

fn presents_expired_token(step: &Step) -> bool {
    let exp = step.request.id_token.claims.get("exp").and_then(Value::as_str);
    presents_invalid_token(step) && exp.is_some_and(|exp| exp.starts_with("${now"))
}

fn absent(request: &FixtureRequest, parameter: &str) -> bool {
    request.parameters.get(parameter) == Some(&Value::Null)
}

fn expectation(step: &Step) -> String {
    serde_json::to_string(&step.expect).unwrap_or_default()
}

fn texts(step: &Step) -> String {
    serde_json::to_string(step).unwrap_or_default()
}

/// Every text of the step except in the audit event, which a remote server does not show, and in error descriptions.
fn values(step: &Step) -> Vec<String> {
    let mut document = serde_json::to_value(step).unwrap_or_default();
    if let Some(expect) = document.pointer_mut("/expect").and_then(Value::as_object_mut) {
        expect.shift_remove("audit");
        expect.shift_remove("refusal");
    }
    // Its values are names of keys.
    if let Some(token) = document.pointer_mut("/request/id_token").and_then(Value::as_object_mut) {
        token.shift_remove("signed_by");
    }
    let mut found = Vec::new();
    collect(&document, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values().for_each(|member| collect(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
