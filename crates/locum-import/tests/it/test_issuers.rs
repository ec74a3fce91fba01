//! Issuers that know the manifests of the shipped plugins, and check the names of settings by them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use locum_engine::contract::{Configuration, Failure, Grant, Issued, IssuerManifest};
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, Issuers, PortFuture, TenantAudiences};
use serde_json::{Map, Value};

const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins");

pub(crate) struct TestIssuers(BTreeMap<String, Arc<IssuerManifest>>);

impl TestIssuers {
    pub(crate) fn new() -> Self {
        let mut manifests = BTreeMap::new();
        for plugin in fs::read_dir(PLUGINS).unwrap() {
            let file = plugin.unwrap().path().join("manifest.json");
            if !Path::new(&file).is_file() {
                continue;
            }
            let manifest: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
            for issuer in manifest["issuers"].as_array().unwrap() {
                let issuer: IssuerManifest = serde_json::from_value(issuer.clone()).unwrap();
                manifests.insert(issuer.api_type.clone(), Arc::new(issuer));
            }
        }
        Self(manifests)
    }
}

impl Issuers for TestIssuers {
    fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
        self.0.get(api_type).cloned()
    }

    fn configure(&self, configuration: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        let schema = &self.0[&configuration.api_type].settings_schema;
        let missing = |name: &&Value| !configuration.settings.contains_key(name.as_str().unwrap());
        if let Some(name) = schema["required"].as_array().into_iter().flatten().find(missing) {
            return Err(Failure::setting(name.as_str().unwrap(), "it is required"));
        }
        let unknown =
            configuration.settings.keys().find(|name| schema["properties"].get(name.as_str()).is_none());
        match unknown {
            Some(name) => Err(Failure::setting(name, "there is no such setting")),
            None => Ok(Arc::new(Configured)),
        }
    }
}

/// The texts at the top level that the schema marks as secrets.
pub(crate) fn secret_settings(schema: &Value, settings: &Map<String, Value>) -> Vec<String> {
    let secret = |name: &&String| schema["properties"][name.as_str()]["writeOnly"] == true;
    settings.keys().filter(secret).map(|name| format!("/{name}")).collect()
}

struct Configured;

impl Issuer for Configured {
    fn issue<'a>(
        &'a self,
        _: &'a Grant,
        _: CallContext,
        _: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        unreachable!("an import asks for no credential")
    }
}
