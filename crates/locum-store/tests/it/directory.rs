//! The directory in memory: what is found on which host, and what a replacement changes.

use std::sync::Arc;

use locum_engine::model::Tenant;
use locum_engine::ports::{Directory, PortReply};
use locum_engine::prepared::PreparedTenant;
use locum_store::{MemoryDirectory, TenantData, TenantSet};
use locum_testing::{ACME, GLOBEX, ScriptedIssuers, both_tenants, client, tenant, tenant_at};

fn set_of(tenants: impl Into<Vec<TenantData>>) -> TenantSet {
    TenantSet::prepare(tenants.into(), &ScriptedIssuers::default()).unwrap()
}

fn default(mut data: TenantData) -> TenantData {
    data.is_default = true;
    data
}

fn domain_at(directory: &MemoryDirectory, host: &str) -> Option<String> {
    tenant_at(directory, host).unwrap().map(|tenant| tenant.domain().to_owned())
}

fn acme_in(directory: &MemoryDirectory) -> Arc<PreparedTenant> {
    tenant_at(directory, ACME).unwrap().unwrap()
}

/// What a look-up answers at once.
fn now<T>(reply: PortReply<'_, T>) -> T {
    match reply {
        PortReply::Now(answer) => answer,
        PortReply::Later(_) => panic!("a directory in memory answers at once"),
    }
}

fn has_client(directory: &MemoryDirectory, tenant: &PreparedTenant, client_id: &str) -> bool {
    now(directory.client(tenant, client_id)).unwrap().is_some()
}

#[test]
fn a_tenant_answers_on_its_domain_and_the_default_on_every_other_host() {
    let directory = MemoryDirectory::new(set_of([default(tenant(ACME)), tenant(GLOBEX)]));
    assert_eq!(domain_at(&directory, GLOBEX).as_deref(), Some(GLOBEX));
    assert_eq!(domain_at(&directory, ACME).as_deref(), Some(ACME));
    assert_eq!(domain_at(&directory, "elsewhere").as_deref(), Some(ACME));
}

#[test]
fn without_a_default_an_unknown_host_has_no_tenant() {
    let directory = MemoryDirectory::new(set_of(both_tenants()));
    assert_eq!(domain_at(&directory, "elsewhere"), None);
    assert_eq!(domain_at(&directory, "sub.acme.example.com"), None);
}

#[test]
fn clients_users_origins_and_resources_are_looked_up_in_one_tenant() {
    let mut acme = tenant(ACME);
    acme.clients[0].allowed_origins = vec!["https://app.example".to_owned()];
    acme.clients[1].resources = vec!["https://api.example/".to_owned()];
    let directory = MemoryDirectory::new(set_of([acme, TenantData::new(Tenant::new(GLOBEX), Vec::new())]));
    let (acme, globex) = (acme_in(&directory), tenant_at(&directory, GLOBEX).unwrap().unwrap());

    assert!(has_client(&directory, &acme, "caller"));
    assert!(!has_client(&directory, &globex, "caller"));
    assert!(!has_client(&directory, &acme, "Caller"));

    let mallory = now(directory.user(&acme, "auth0|mallory")).unwrap().unwrap();
    assert!(mallory.blocked);
    assert_eq!(now(directory.user(&globex, "auth0|mallory")).unwrap(), None);

    assert!(now(directory.allows_origin(&acme, "https://app.example")).unwrap());
    assert!(!now(directory.allows_origin(&acme, "https://app.example/")).unwrap());
    assert!(!now(directory.allows_origin(&globex, "https://app.example")).unwrap());

    let api = now(directory.client_by_resource(&acme, "https://api.example/")).unwrap().unwrap();
    assert_eq!(api.id(), "api");
    assert!(now(directory.client_by_resource(&acme, "https://api.example")).unwrap().is_none());
    assert!(now(directory.client_by_resource(&globex, "https://api.example/")).unwrap().is_none());
}

#[test]
fn a_replacement_changes_every_lookup_at_once() {
    let directory = MemoryDirectory::new(set_of([default(tenant(ACME)), tenant(GLOBEX)]));
    let held_by_a_request = acme_in(&directory);
    let mut without_storage = tenant(ACME);
    without_storage.clients.retain(|client| client.id != "storage");
    without_storage.clients.push(client("added"));
    directory.replace(set_of([without_storage]));

    assert_eq!(domain_at(&directory, ACME).as_deref(), Some(ACME));
    assert_eq!(domain_at(&directory, GLOBEX), None);
    assert_eq!(domain_at(&directory, "elsewhere"), None);
    assert!(!has_client(&directory, &held_by_a_request, "storage"));
    assert!(has_client(&directory, &held_by_a_request, "added"));
    assert_eq!(directory.current().tenants().count(), 1);
}

#[test]
fn a_tenant_that_was_removed_has_no_clients() {
    let directory = MemoryDirectory::new(set_of(both_tenants()));
    let removed = acme_in(&directory);
    directory.replace(set_of([tenant(GLOBEX)]));
    assert!(!has_client(&directory, &removed, "caller"));
    assert!(!now(directory.allows_origin(&removed, "https://app.example")).unwrap());
    assert_eq!(now(directory.user(&removed, "auth0|alice")).unwrap(), None);
}
