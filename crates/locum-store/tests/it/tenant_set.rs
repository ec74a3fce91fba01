//! Preparing tenants: what is refused, which add-ons are reported, and that threads change no result.

use locum_abi::answer::Failure;
use locum_engine::model::{AddOn, ClientKey, Tenant};
use locum_engine::ports::Directory;
use locum_engine::prepared::{InvalidTenant, PreparedClient, PreparedTenant};
use locum_store::{MemoryDirectory, TenantData, TenantProblem, TenantSet, TenantSetError};
use locum_testing::{ACME, GLOBEX, ScriptedIssuers, both_tenants, client, finished, tenant, tenant_at};
use serde_json::Map;

fn prepare(tenants: impl Into<Vec<TenantData>>) -> Result<TenantSet, TenantSetError> {
    TenantSet::prepare(tenants.into(), &ScriptedIssuers::default())
}

fn refused(tenants: impl Into<Vec<TenantData>>) -> TenantSetError {
    prepare(tenants).unwrap_err()
}

fn add_on(api_type: &str) -> AddOn {
    AddOn::new(api_type, Map::new())
}

/// A tenant with one client, which has these add-ons.
fn with_add_ons<const N: usize>(api_types: [&str; N]) -> TenantData {
    let mut storage = client("storage");
    storage.add_ons = api_types.map(add_on).into();
    TenantData::new(Tenant::new(ACME), vec![storage])
}

/// Each problem as `domain client api_type`.
fn lines(problems: &[TenantProblem]) -> Vec<String> {
    let line = |found: &TenantProblem| {
        format!("{} {} {}", found.domain, found.problem.client_id, found.problem.api_type)
    };
    problems.iter().map(line).collect()
}

#[test]
fn a_set_has_every_tenant() {
    let set = prepare(both_tenants()).unwrap();
    let mut domains: Vec<&str> = set.tenants().map(|tenant| tenant.domain()).collect();
    domains.sort_unstable();
    assert_eq!(domains, [ACME, GLOBEX]);
    assert_eq!(set.problems(), []);
}

#[test]
fn a_set_without_tenants_is_refused() {
    assert_eq!(refused([]), TenantSetError::Empty);
}

#[test]
fn two_tenants_with_one_domain_are_refused() {
    let twice = || [tenant(ACME), tenant(GLOBEX), tenant(ACME)];
    assert_eq!(refused(twice()), TenantSetError::DomainTwice(ACME.to_owned()));
    let mut both_default = twice();
    both_default[0].is_default = true;
    both_default[2].is_default = true;
    assert_eq!(refused(both_default), TenantSetError::DomainTwice(ACME.to_owned()));
}

#[test]
fn two_default_tenants_are_refused_and_named_in_their_order() {
    let mut tenants = both_tenants();
    for tenant in &mut tenants {
        tenant.is_default = true;
    }
    let expected = TenantSetError::TwoDefaults(ACME.to_owned(), GLOBEX.to_owned());
    assert_eq!(refused(tenants), expected);
}

#[test]
fn two_clients_with_one_id_are_refused_within_a_tenant() {
    let mut acme = tenant(ACME);
    acme.clients.push(client("api"));
    let error = refused([acme]);
    assert_eq!(error, TenantSetError::ClientTwice { domain: ACME.to_owned(), client_id: "api".to_owned() });
    assert!(prepare(both_tenants()).is_ok(), "two tenants may have clients with one id");
}

#[test]
fn two_clients_with_one_resource_are_refused_within_a_tenant() {
    let listing = |domain: &str, ids: &[&str]| {
        let list = |id: &&str| {
            let mut client = client(id);
            client.resources = vec!["https://api.example/".to_owned(); 2];
            client
        };
        TenantData::new(Tenant::new(domain), ids.iter().map(list).collect())
    };
    let error = refused([listing(ACME, &["one", "two"])]);
    assert_eq!(
        error.to_string(),
        "acme.example.com: the clients one and two both list the resource https://api.example/; leave it to one of \
         them"
    );
    assert!(matches!(error, TenantSetError::ResourceTwice { .. }));
    assert!(prepare([listing(ACME, &["one"]), listing(GLOBEX, &["one"])]).is_ok());
}

#[test]
fn an_unusable_signing_key_is_named_by_domain_and_place() {
    let mut globex = tenant(GLOBEX);
    let mut broken = globex.tenant.signing_keys[0].clone();
    broken.private_key_pem = "hunter2".into();
    globex.tenant.signing_keys.push(broken);
    let error = refused([tenant(ACME), globex]);
    assert_eq!(error.to_string(), "globex.example.com: signing key 1: it is not an RSA private key in PEM");
    let TenantSetError::Tenant { domain, error: InvalidTenant::SigningKey(error) } = error else {
        panic!("{error}")
    };
    assert_eq!((domain.as_str(), error.index), (GLOBEX, 1));
}

#[test]
fn of_several_errors_the_first_tenants_is_reported() {
    for _ in 0..20 {
        let unusable = |domain: &str| {
            let mut data = tenant(domain);
            data.tenant.signing_keys[0].private_key_pem = "hunter2".into();
            data
        };
        let domains: Vec<String> = (0..40).map(|number| format!("t{number}.example.com")).collect();
        let tenants: Vec<TenantData> = domains.iter().map(|domain| unusable(domain)).collect();
        let error = refused(tenants).to_string();
        assert!(error.starts_with("t0.example.com: "), "{error}");
    }
}

#[test]
fn an_add_on_that_cannot_work_is_a_problem_and_breaks_no_other() {
    let mut issuers = ScriptedIssuers::default();
    issuers.unload("aws");
    issuers.refuses_settings("azure_blob", Failure::setting("storageAccessKey", "must be base64"));
    let set = TenantSet::prepare(both_tenants().into(), &issuers).unwrap();
    assert_eq!(
        lines(&set.problems()),
        [
            "acme.example.com storage aws",
            "acme.example.com storage azure_blob",
            "globex.example.com storage aws",
            "globex.example.com storage azure_blob",
        ]
    );
    assert_eq!(set.problems()[1].problem.failure.message, "must be base64");
    let directory = MemoryDirectory::new(set);
    let acme = tenant_at(&directory, ACME).unwrap().unwrap();
    let storage = finished(directory.client(&acme, "storage").wait()).unwrap().unwrap();
    let ready: Vec<&str> =
        storage.add_ons().iter().filter(|add_on| add_on.is_ready()).map(|add_on| add_on.api_type()).collect();
    assert_eq!(ready, ["salesforce_api"]);
}

#[test]
fn an_unusable_app_target_is_a_problem_only_where_tokens_can_be_verified() {
    let issuers = ScriptedIssuers::default();
    issuers.refuses_settings("app", Failure::setting("secret", "is too short"));
    let mut without_key = client("without-key");
    without_key.key = ClientKey::None;
    let data = TenantData::new(Tenant::new(ACME), vec![client("with-key"), without_key]);
    let set = TenantSet::prepare(vec![data], &issuers).unwrap();
    assert_eq!(lines(&set.problems()), ["acme.example.com with-key app"]);
}

#[test]
fn only_an_add_on_that_worked_before_is_a_new_problem() {
    let mut without_aws = ScriptedIssuers::default();
    without_aws.unload("aws");
    let usual = ScriptedIssuers::default();
    let set = |data: TenantData, issuers: &ScriptedIssuers| TenantSet::prepare(vec![data], issuers).unwrap();
    let working = set(with_add_ons(["aws"]), &usual);
    let broken = set(with_add_ons(["aws"]), &without_aws);
    let absent = set(with_add_ons([]), &usual);

    assert_eq!(lines(&broken.problems_new_since(&working)), ["acme.example.com storage aws"]);
    assert_eq!(broken.problems_new_since(&broken), [], "it was broken before");
    assert_eq!(broken.problems_new_since(&absent), [], "the add-on is new");
    assert_eq!(broken.problems_new_since(&TenantSet::default()), [], "the tenant is new");
    assert_eq!(absent.problems_new_since(&working), [], "the add-on was removed");
    assert_eq!(working.problems_new_since(&broken), [], "it works again");
}

#[test]
fn the_first_user_of_an_api_type_has_an_add_on_of_it_that_works() {
    let usual = ScriptedIssuers::default();
    let set = |issuers: &ScriptedIssuers| TenantSet::prepare(vec![with_add_ons(["aws"])], issuers).unwrap();
    assert_eq!(set(&usual).user_of("aws"), Some((ACME, "storage")));
    // Every client has the app target, also beside add-ons.
    assert!(set(&usual).user_of("app").is_some());
    assert_eq!(set(&usual).user_of("azure_blob"), None);
    let mut without_aws = ScriptedIssuers::default();
    without_aws.unload("aws");
    assert_eq!(set(&without_aws).user_of("aws"), None);
    let refusing = ScriptedIssuers::default();
    refusing.refuses_settings("app", Failure::setting("secret", "is too short"));
    assert_eq!(set(&refusing).user_of("app"), None);
}

#[test]
fn five_hundred_clients_are_prepared_as_each_alone_would_be() {
    let numbered = |number: usize| {
        let mut client = client(&format!("client-{number:03}"));
        client.app.settings.insert("seconds".to_owned(), (300 + number).into());
        client.add_ons = vec![add_on("azure_blob")];
        if number.is_multiple_of(7) {
            client.add_ons.push(add_on("unknown"));
        }
        client
    };
    let issuers = ScriptedIssuers::default();
    let clients = (0..500).map(numbered).collect();
    let set = TenantSet::prepare(vec![TenantData::new(Tenant::new(ACME), clients)], &issuers).unwrap();
    assert_eq!(issuers.script.configurations().len(), 1000);

    let broken: Vec<String> =
        (0..500).step_by(7).map(|number| format!("{ACME} client-{number:03} unknown")).collect();
    assert_eq!(lines(&set.problems()), broken);

    let directory = MemoryDirectory::new(set);
    let acme = tenant_at(&directory, ACME).unwrap().unwrap();
    let alone_tenant = PreparedTenant::prepare(Tenant::new(ACME)).unwrap();
    for number in 0..500 {
        let alone = PreparedClient::prepare(&alone_tenant, numbered(number), &issuers);
        let found = finished(directory.client(&acme, alone.id()).wait()).unwrap().unwrap();
        assert_eq!(found.client(), alone.client());
        assert_eq!(format!("{found:?}"), format!("{alone:?}"));
    }
}
