//! The grants for Auth0's Management API, which become grants for the tenant's own.

use std::collections::BTreeMap;

use locum_engine::model::Tenant;
use serde_json::{Map, Value, json};

use crate::client::Draft;
use crate::report::ToDo;
use crate::{DeployConfig, Export};

/// The grants of clients that are kept.
#[derive(Clone, Default)]
pub(crate) struct ManagementGrants {
    /// The scopes, by the client's id.
    scopes: BTreeMap<String, Vec<String>>,
    /// How many grants are of clients that are not kept.
    of_others: usize,
}

impl ManagementGrants {
    /// Those of an export, which names clients by name.
    pub(crate) fn of(export: &Export, config: &DeployConfig, clients: &[Draft]) -> Self {
        let mut grants = Self::default();
        let own = export.client_grants.iter().filter(|grant| is_management(grant, config));
        for grant in own {
            let named = grant.get("client_id").and_then(Value::as_str).unwrap_or_default();
            let by_id = clients.iter().find(|client| client.client_id == named);
            let mut by_name = clients.iter().filter(|client| client.name() == named);
            let by_name = by_name.next().filter(|_| by_name.next().is_none());
            let Some(client) = by_id.or(by_name) else {
                grants.of_others += 1;
                continue;
            };
            let scopes = grants.scopes.entry(client.client_id.clone()).or_default();
            let stated = grant.get("scope").and_then(Value::as_array).into_iter().flatten();
            for scope in stated.filter_map(Value::as_str) {
                if !scopes.iter().any(|known| known == scope) {
                    scopes.push(scope.to_owned());
                }
            }
        }
        grants
    }

    /// Removes those of clients that are not kept after all.
    pub(crate) fn retain(&mut self, clients: &[Draft]) {
        let before = self.scopes.len();
        self.scopes.retain(|id, _| clients.iter().any(|client| client.client_id == *id));
        self.of_others += before - self.scopes.len();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// The grant of a client, as it will be written in the file of the tenant with this domain.
    pub(crate) fn entries<'a>(&'a self, domain: &str) -> impl Iterator<Item = (&'a str, Value)> {
        let audience = Tenant::new(domain).management_audience();
        self.scopes.iter().map(move |(client_id, scope)| {
            let entry = json!({"client_id": client_id, "audience": audience, "scope": scope});
            (client_id.as_str(), entry)
        })
    }

    /// What is to be said of them.
    pub(crate) fn to_do(&self) -> Vec<ToDo> {
        let mut to_do = Vec::new();
        if !self.scopes.is_empty() {
            to_do.push(ToDo::note(format!(
                "clientGrants has the grants for the Management API ({}), for Locum's own; to have it, add management.keys, and client_credentials to the grant_types of clients that lack it",
                self.scopes.len()
            )));
        }
        if self.of_others > 0 {
            to_do.push(ToDo::note(format!(
                "grants for the Management API of clients that are left out or not in the export are left out ({}); add those clients if they are to manage Locum",
                self.of_others
            )));
        }
        to_do
    }
}

/// Whether a grant is for Auth0's own API, and for clients that act for themselves. Other APIs may have a similar audience, so
/// that of the tenant's domain is taken alone, or if that is not Auth0's or not known, one under auth0.com: a custom domain is in no
/// such audience.
fn is_management(grant: &Map<String, Value>, config: &DeployConfig) -> bool {
    let text = |name: &str| grant.get(name).and_then(Value::as_str);
    let host = text("audience")
        .and_then(|audience| audience.strip_prefix("https://")?.strip_suffix("/api/v2/"))
        .filter(|host| !host.contains('/'));
    let is_auth0 = host.is_some_and(|host| match &config.domain {
        Some(domain) if domain.ends_with(".auth0.com") => host == domain,
        Some(domain) => host == domain || host.ends_with(".auth0.com"),
        None => host.ends_with(".auth0.com"),
    });
    is_auth0 && text("subject_type").is_none_or(|subject| subject == "client")
}
