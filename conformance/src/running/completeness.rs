//! What a plugin spec lacks: found before the cases run, because nearly all of them would fail for it.

use locum_abi::manifest::{IssuerManifest, Revocation};
use serde_json::Value;

use crate::cases::case_run::first_transcript;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest};
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::tenant_document::APP;

/// What the entry of an api_type lacks by its manifest, each with how to write it.
pub(super) fn missing_by_manifest(manifest: &IssuerManifest, spec: &IssuerSpec) -> Vec<String> {
    let schema = &manifest.settings_schema;
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    // The settings of `app` are the target's own, in the tenant file of the suite.
    let is_app = manifest.api_type == APP;
    let absent =
        required.filter_map(Value::as_str).filter(|name| !is_app && !spec.settings.contains_key(*name));
    let mut missing: Vec<String> = absent.map(|name| missing_setting(schema, name)).collect();
    let scripts_upstreams = !spec.upstream.is_empty();
    if manifest.revocation == Revocation::Upstream && scripts_upstreams && spec.revocation.is_empty() {
        missing.push(
            "the requests by which a token is revoked; write `revocation: [{ request: { method: POST, url: … }, outcome: { reply: { status: 200 } } }]`"
                .to_owned(),
        );
    }
    missing
}

fn missing_setting(schema: &Value, name: &str) -> String {
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    let description = property.and_then(|property| property.get("description")).and_then(Value::as_str);
    let description = description.map(|description| format!(" ({})", description.trim_end_matches('.')));
    format!("the setting `{name}`{}; write `settings: {{ {name}: … }}`", description.unwrap_or_default())
}

/// The upstream request that a first delegation makes and the spec does not have.
pub(super) async fn missing_upstream(issuer: &IssuerUnderTest<'_>) -> Option<String> {
    let may_call =
        matches!(issuer.destination, Destination::InProcess(_)) && !issuer.manifest.upstreams.is_empty();
    if !may_call || !issuer.spec.upstream.is_empty() {
        return None;
    }
    let transcript = first_transcript(issuer).await.ok()?;
    let exchange = transcript.internals?.upstream_exchanges.into_iter().next()?;
    let method = exchange.request.method;
    let url = exchange.request.url.split('?').next().unwrap_or_default();
    Some(format!(
        "the reply of {url}, which the plugin calls; write `upstream: [{{ request: {{ method: {method}, url: \"{url}\" }}, \
         outcome: {{ reply: {{ status: 200, body: … }} }} }}]`"
    ))
}
