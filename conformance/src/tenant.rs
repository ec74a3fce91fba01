//! The tenant of a case: the suite's tenant file, with the plugin's settings and the case's changes in it.

use std::path::PathBuf;

use locum_abi::manifest::IssuerManifest;
use locum_abi::secret::Secret;
use locum_engine::tenant::Tenant;
use locum_store::tenant_file::{self, References};
use serde_json::{Map, Value};

use crate::fixture::TenantChanges;
use crate::merge_patch::merge_patch;

/// The client that asks.
pub(crate) const CALLER: &str = "caller";

/// The client that is asked for.
pub(crate) const TARGET: &str = "target";

/// The api_type that is configured by the client itself, not by an add-on.
pub(crate) const APP: &str = "app";

/// A tenant file as a document.
#[derive(Debug, Clone)]
pub(crate) struct TenantDocument {
    document: Value,
    /// Patches over the app target's settings, in order: a tenant file has no place for them.
    app_patches: Vec<Map<String, Value>>,
}

impl TenantDocument {
    /// The document of a tenant file, its files taken in.
    pub(crate) fn new(document: Value) -> Self {
        Self { document, app_patches: Vec::new() }
    }

    /// Enables the add-on of the target with these settings, changed by a case's patch.
    pub(crate) fn enable(
        &mut self,
        manifest: &IssuerManifest,
        mut settings: Map<String, Value>,
        patch: &Map<String, Value>,
    ) {
        if manifest.api_type == APP {
            self.app_patches = vec![settings, patch.clone()];
            return;
        }
        merge_patch(&mut settings, patch);
        let mut addons = Map::new();
        addons.insert(manifest.api_type.clone(), Value::Object(settings));
        let mut patch = Map::new();
        patch.insert("addons".to_owned(), Value::Object(addons));
        self.change_entry("clients", "client_id", TARGET, &patch);
    }

    /// Makes the changes of a case.
    pub(crate) fn change(&mut self, changes: &TenantChanges) {
        if let Some(document) = self.document.as_object_mut() {
            let delegation = Value::Object(changes.delegation.clone());
            merge_patch(document, &Map::from_iter([("delegation".to_owned(), delegation)]));
        }
        for (id, patch) in &changes.clients {
            self.change_entry("clients", "client_id", id, patch);
        }
        for (id, patch) in &changes.users {
            self.change_entry("users", "user_id", id, patch);
        }
    }

    fn change_entry(&mut self, list: &str, key: &str, id: &str, patch: &Map<String, Value>) {
        let Some(document) = self.document.as_object_mut() else { return };
        let list = document.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        let Some(entries) = list.as_array_mut() else { return };
        let known = |entry: &&mut Value| entry.get(key).and_then(Value::as_str) == Some(id);
        match entries.iter_mut().find(known).and_then(Value::as_object_mut) {
            Some(entry) => merge_patch(entry, patch),
            None => {
                let mut entry = Map::from_iter([(key.to_owned(), Value::String(id.to_owned()))]);
                merge_patch(&mut entry, patch);
                entries.push(Value::Object(entry));
            }
        }
    }

    /// The tenant, as the server reads it from such a file.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub(crate) fn tenant(&self) -> Result<Tenant, String> {
        let references = References::new(&|_| None, PathBuf::new());
        let read = tenant_file::read(&self.document.to_string(), "the case's tenant", &references);
        let mut tenant = read
            .map_err(|error| match &error.pointer {
                Some(pointer) => format!("{} (at {pointer})", error.message),
                None => error.message.clone(),
            })?
            .tenant;
        if let Some(target) = tenant.clients.get_mut(TARGET) {
            for patch in &self.app_patches {
                merge_patch(&mut target.app.settings, patch);
            }
        }
        Ok(tenant)
    }

    /// The tenant's domain.
    pub(crate) fn domain(&self) -> &str {
        self.document.get("domain").and_then(Value::as_str).unwrap_or_default()
    }

    fn client(&self, id: &str) -> Option<&Value> {
        let clients = self.document.get("clients")?.as_array()?;
        clients.iter().find(|client| client.get("client_id").and_then(Value::as_str) == Some(id))
    }

    /// The algorithm of a client's tokens.
    pub(crate) fn algorithm(&self, client: &str) -> &str {
        let stated = self.client(client).and_then(|client| client.pointer("/jwt_configuration/alg"));
        stated.and_then(Value::as_str).unwrap_or("HS256")
    }

    /// The bytes of a client's secret; none if it has none.
    pub(crate) fn secret(&self, client: &str) -> Vec<u8> {
        let Some(client) = self.client(client) else { return Vec::new() };
        let secret = client.get("client_secret").and_then(Value::as_str).unwrap_or_default();
        let encoded = client.pointer("/jwt_configuration/secret_encoded") == Some(&Value::Bool(true));
        if !encoded {
            return secret.as_bytes().to_vec();
        }
        Secret::from(secret).decode_base64url().unwrap_or_default()
    }

    /// The private key and `kid` of the key that the tenant signs with.
    pub(crate) fn signing_key(&self) -> Option<(&str, &str)> {
        let key = self.document.pointer("/signing_keys/0")?;
        Some((key.get("private_key")?.as_str()?, key.get("kid")?.as_str()?))
    }

    /// Every secret of the tenant, with a name for reports.
    pub(crate) fn secrets(&self) -> Vec<(String, String)> {
        let clients = self.document.get("clients").and_then(Value::as_array).into_iter().flatten();
        let mut secrets: Vec<(String, String)> = clients
            .filter_map(|client| {
                let id = client.get("client_id")?.as_str()?;
                Some((format!("client_secret of {id}"), client.get("client_secret")?.as_str()?.to_owned()))
            })
            .collect();
        if let Some((pem, _)) = self.signing_key() {
            secrets.push(("the tenant's private key".to_owned(), pem.to_owned()));
        }
        secrets
    }
}
