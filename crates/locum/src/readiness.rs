//! What `/readyz` shows: each plugin with its level of isolation, and what its sandbox consists of; the keys of other issuers; tenants in a database.

use locum_database::directory::DirectoryStatus;
use locum_host::{Plugin, PluginSet};
use locum_keys::IssuerStatus;
use serde_json::{Map, Value, json};

use crate::served_tenants::ServedTenants;

pub(crate) fn details(
    plugins: &PluginSet,
    issuers: &[IssuerStatus],
    tenants: &ServedTenants,
) -> Map<String, Value> {
    let pauses = plugins.pauses();
    let details = |plugin: &Plugin| {
        let name = &plugin.manifest().name;
        details_of(plugin, pauses.iter().filter(|pause| pause.scope.plugin == *name).count())
    };
    let mut all = Map::from_iter([("plugins".to_owned(), plugins.plugins().map(details).collect())]);
    if !issuers.is_empty() {
        all.insert("issuer_keys".to_owned(), issuer_keys(issuers));
    }
    if let ServedTenants::Database(directory) = tenants {
        all.insert("directory".to_owned(), directory_in_the_database(&directory.status()));
    }
    all
}

/// The tenants are counted and not listed, as pauses are.
fn directory_in_the_database(status: &DirectoryStatus) -> Value {
    json!({
        "tenants": status.tenants,
        "unusable_tenants": status.unusable_tenants.len(),
        "kept_entries": status.entries,
        "kept_bytes": status.bytes,
        "age_seconds": status.age.as_secs(),
        "usable": status.is_usable,
    })
}

/// The issuers are counted and not listed, as pauses are.
fn issuer_keys(issuers: &[IssuerStatus]) -> Value {
    let oldest = issuers.iter().filter_map(|issuer| issuer.age).max();
    json!({
        "issuers": issuers.len(),
        "failing": issuers.iter().filter(|issuer| issuer.failure.is_some()).count(),
        "oldest_seconds": oldest.map(|age| age.as_secs()),
    })
}

/// The pauses are counted and not listed: whoever can ask need not know the tenants.
fn details_of(plugin: &Plugin, pauses: usize) -> Value {
    let mut details = Map::new();
    let mut add = |name: &str, value: Value| details.insert(name.to_owned(), value);
    add("name", plugin.manifest().name.as_str().into());
    add("isolation", plugin.isolation().as_str().into());
    add("available", (!plugin.health().quarantined).into());
    if let Some(protections) = plugin.protections() {
        add("isolate", plugin.process_scope().as_str().into());
        add("processes", plugin.health().processes.into());
        add("landlock", protections.landlock.into());
        add("no_new_code", protections.no_new_code.into());
    }
    if pauses > 0 {
        add("pauses", pauses.into());
    }
    details.into()
}
