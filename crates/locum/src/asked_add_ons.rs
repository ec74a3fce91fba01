//! Finds add-ons that every request must complete by a parameter: their issuers are asked once, without parameters.

use std::collections::BTreeSet;

use locum_abi::answer::FailureCode;
use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_engine::model::AddOn;
use locum_engine::ports::{CallContext, Clock, Entropy, IssuerFailure, Issuers, NoAudiences, PortFuture};
use locum_host::{AllowedRequest, PluginSet, UpstreamError, UpstreamReply, Upstreams};
use locum_store::tenant_file::Finding;
use locum_store::{SystemClock, SystemEntropy, TenantData};
use serde_json::{Map, Value};

use crate::tenants::{self, Tenants};

/// A warning for each add-on whose issuer refuses a request without parameters, because it lacks one that replaces a
/// setting. The plugins must have been loaded with [`NoUpstreams`].
pub(crate) fn warnings(tenants: &Tenants, plugins: &PluginSet) -> Vec<Finding> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Vec::new() };
    let mut found = Vec::new();
    for data in &tenants.data {
        let Some(places) = tenants.places(&data.tenant.domain) else { continue };
        for client in &data.clients {
            for add_on in &client.add_ons {
                let Some(manifest) = plugins.manifest(&add_on.api_type) else { continue };
                if let Some(parameter) = runtime.block_on(required(data, add_on, &manifest, plugins)) {
                    let message = format!(
                        "client {}: {} has no stored value for the parameter `{parameter}`, so every request must send it; store one if that is not intended",
                        client.id, add_on.api_type
                    );
                    let at = tenants::field(places, &client.id, &add_on.api_type, "");
                    found.push(places.at(at, message));
                }
            }
        }
    }
    runtime.shutdown_background();
    found
}

/// The parameter that the issuer misses in a request without parameters.
async fn required(
    data: &TenantData,
    add_on: &AddOn,
    manifest: &IssuerManifest,
    plugins: &PluginSet,
) -> Option<String> {
    let is_blank = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || *value == "");
    let unset = manifest.overrides.iter().filter(|replaces| is_blank(add_on.settings.get(&replaces.setting)));
    let unset: BTreeSet<&str> = unset.map(|replaces| replaces.parameter.as_str()).collect();
    if unset.is_empty() {
        return None;
    }
    let mut tenant = Tenant::new(data.tenant.domain.clone());
    tenant.signing_key = data.tenant.signing_keys.first().filter(|_| manifest.uses_tenant_key()).cloned();
    let issuer = plugins
        .configure(Configuration::new(add_on.api_type.as_str(), add_on.settings.clone(), tenant))
        .ok()?;
    let grant = Grant {
        user_id: "auth0|check".to_owned(),
        client_id: "check".to_owned(),
        target_id: "check".to_owned(),
        scopes: Vec::new(),
        claims: Map::new(),
        profile: Map::new(),
        parameters: Map::new(),
        lifetime_seconds: manifest.lifetime.default_seconds,
    };
    let context = CallContext { now_unix_ms: SystemClock.now_unix_ms(), entropy: SystemEntropy.draw() };
    let Err(IssuerFailure::Failed(failure)) = issuer.issue(&grant, context, &NoAudiences).await else {
        return None;
    };
    let pointer = failure.pointer.as_deref().unwrap_or_default();
    let name = pointer.rsplit('/').next()?;
    let refused = failure.code == FailureCode::ParameterRefused && unset.contains(name);
    refused.then(|| name.to_owned())
}

/// Refuses every upstream call, so that asking an issuer changes nothing elsewhere.
pub(crate) struct NoUpstreams;

impl Upstreams for NoUpstreams {
    fn send(
        &self,
        _: AllowedRequest,
        _: tokio::time::Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        Box::pin(std::future::ready(Err(UpstreamError::Unreachable("check calls no upstream".to_owned()))))
    }
}
