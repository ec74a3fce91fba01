//! The tenant file in memory, with its secrets in place.

use locum_store::{NewSigningKey, yaml_writer};
use serde_json::{Map, Value, json};

use crate::client::Draft;
use crate::management_grants::ManagementGrants;

/// What becomes the tenant file.
#[derive(Clone)]
pub(crate) struct Document {
    pub(crate) domain: String,
    /// What the tenant's flags say of `delegation`; empty if its settings were not exported.
    pub(crate) delegation: Map<String, Value>,
    /// Host names of the tenant until now.
    pub(crate) former_domains: Vec<String>,
    pub(crate) signing_key: Option<NewSigningKey>,
    pub(crate) clients: Vec<Draft>,
    pub(crate) management_grants: ManagementGrants,
}

impl Document {
    pub(crate) fn yaml(&self) -> String {
        yaml_writer::write(&self.members())
    }

    /// The members of the file, in their order.
    pub(crate) fn members(&self) -> Map<String, Value> {
        let mut members = Map::new();
        members.insert("domain".to_owned(), self.domain.as_str().into());
        members.insert("default".to_owned(), true.into());
        if !self.delegation.is_empty() {
            members.insert("delegation".to_owned(), Value::Object(self.delegation.clone()));
        }
        if !self.former_domains.is_empty() {
            let issuers = self.former_domains.iter().map(|domain| {
                json!({"issuer": issuer(domain), "jwks_uri": format!("https://{domain}/.well-known/jwks.json")})
            });
            members.insert("former_issuers".to_owned(), issuers.collect());
        }
        if let Some(NewSigningKey { kid, private_key_pem, certificate_pem }) = &self.signing_key {
            let key = json!({"kid": kid, "private_key": private_key_pem, "certificate": certificate_pem});
            members.insert("signing_keys".to_owned(), json!([key]));
        }
        let clients = self.clients.iter().map(|client| Value::Object(client.fields.clone()));
        members.insert("clients".to_owned(), clients.collect());
        if !self.management_grants.is_empty() {
            let grants = self.management_grants.entries(&self.domain).map(|(_, grant)| grant);
            members.insert("clientGrants".to_owned(), grants.collect());
        }
        members
    }
}

/// The `iss` of tokens of this domain.
pub(crate) fn issuer(domain: &str) -> String {
    format!("https://{domain}/")
}
