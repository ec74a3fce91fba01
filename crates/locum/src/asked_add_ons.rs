//! Asks the issuer of each add-on once, without parameters: for parameters that every request must send, and for what
//! it logged while it was configured, which comes with its first answer.

mod configure_logs;

use std::collections::BTreeSet;

use locum_abi::answer::FailureCode;
use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_engine::model::AddOn;
use locum_engine::ports::{
    CallContext, Clock, Entropy, Issuer, IssuerFailure, Issuers, NoAudiences, PortFuture,
};
use locum_host::{AllowedRequest, PluginSet, UpstreamError, UpstreamReply, Upstreams};
use locum_store::tenant_file::Finding;
use locum_store::{SystemClock, SystemEntropy, TenantData};
use serde_json::{Map, Value};

use crate::tenants::{self, Tenants};

/// What shows when the issuers of the add-ons are asked, by file and line.
#[derive(Default)]
pub(crate) struct Asked {
    /// A warning for each add-on whose issuer refuses a request without parameters, because it lacks one that replaces a
    /// setting.
    pub(crate) warnings: Vec<Finding>,
    /// What the issuers logged while they were configured.
    pub(crate) logs: Vec<Finding>,
}

/// Asks the issuer of each add-on once. The plugins must have been loaded with [`NoUpstreams`].
pub(crate) fn ask(tenants: &Tenants, plugins: &PluginSet) -> Asked {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return Asked::default() };
    let mut asked = Asked::default();
    for data in &tenants.data {
        let Some(places) = tenants.places(&data.tenant.domain) else { continue };
        for client in &data.clients {
            for add_on in &client.add_ons {
                let Some(manifest) = plugins.manifest(&add_on.api_type) else { continue };
                let add_on_of = |message: String| {
                    let at = tenants::field(places, &client.id, &add_on.api_type, "");
                    places.at(at, format!("client {}: {} {message}", client.id, add_on.api_type))
                };
                let (issuer, of_refusal) =
                    configure_logs::of_refusal(|| plugins.configure(configuration(data, add_on, &manifest)));
                asked.logs.extend(of_refusal.into_iter().map(add_on_of));
                let Ok(issuer) = issuer else { continue };
                let (parameter, of_answer) = configure_logs::of_first_answer(|| {
                    runtime.block_on(required_parameter(&*issuer, add_on, &manifest))
                });
                asked.logs.extend(of_answer.into_iter().map(add_on_of));
                asked.warnings.extend(parameter.map(|parameter| {
                    add_on_of(format!(
                        "has no stored value for the parameter `{parameter}`, so every request must send it; store one if that is not intended"
                    ))
                }));
            }
        }
    }
    runtime.shutdown_background();
    asked
}

fn configuration(data: &TenantData, add_on: &AddOn, manifest: &IssuerManifest) -> Configuration {
    let mut tenant = Tenant::new(data.tenant.domain.clone());
    tenant.signing_key = data.tenant.signing_keys.first().filter(|_| manifest.uses_tenant_key()).cloned();
    Configuration::new(add_on.api_type.as_str(), add_on.settings.clone(), tenant)
}

/// The parameter that the issuer misses in a request without parameters.
async fn required_parameter(
    issuer: &dyn Issuer,
    add_on: &AddOn,
    manifest: &IssuerManifest,
) -> Option<String> {
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
    let is_blank = |value: Option<&Value>| value.is_none_or(|value| value.is_null() || *value == "");
    let unset = manifest.overrides.iter().filter(|replaces| is_blank(add_on.settings.get(&replaces.setting)));
    let unset: BTreeSet<&str> = unset.map(|replaces| replaces.parameter.as_str()).collect();
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
