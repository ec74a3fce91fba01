//! A run against a running server. Its tenant file and the manifests state what it should serve.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::manifest::{IssuerManifest, Manifest};
use locum_host::inspect;
use locum_store::TenantData;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cases::case_run::first_answer;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest, RemoteDestination};
use crate::cases::log_lines::LogLines;
use crate::cases::remote_server::RemoteServer;
use crate::exchange::credential::decode;
use crate::exchange::message::Response;
use crate::fixtures::credential_reading::CredentialReading;
use crate::fixtures::load::Fixtures;
use crate::fixtures::plugin_spec::{IssuerSpec, PluginSpec};
use crate::fixtures::tenant_document::APP;
use crate::fixtures::tested_tenant::{Roles, TestedTenant};
use crate::fixtures::variables::rfc_3339;
use crate::options::{Options, ServerUnderTest, SetupError};
use crate::profile::Profile;
use crate::report::{CaseRecord, CaseResult, ImplementationReport, Report, TestedClients, Verdict};
use crate::running::clients::{NamedClients, choose};
use crate::running::operator_spec::{OperatorSpec, operator_spec};
use crate::running::run::{Run, RunDestination};
use crate::running::runtime::runtime;

/// The manifest of the plugin that every server has.
const APP_MANIFEST: &str = include_str!("../../../plugins/app/manifest.json");

/// Runs the cases of the server's manifests against it.
///
/// # Errors
/// A tenant without a caller, or without a target for any api_type; a malformed URL; an unusable manifest.
pub(crate) fn test_server(
    options: &Options,
    fixtures: &Fixtures,
    server: &ServerUnderTest,
) -> Result<Report, SetupError> {
    let ServerUnderTest { base_url, tenant, manifests, .. } = server;
    let unusable =
        |why: &str| SetupError::Tenant { domain: tenant.tenant.domain.clone(), why: why.to_owned() };
    let policy = &tenant.tenant.delegation;
    if !policy.enabled {
        return Err(unusable("it has delegation disabled; set delegation.enabled"));
    }
    let remote = RemoteServer::at(base_url, policy.invalid_token_rate).map_err(SetupError::Server)?;
    let setup = Setup {
        server,
        fixtures,
        remote: Arc::new(remote),
        runtime: runtime(&Arc::new(LogLines::default()))?,
    };
    let mut results = Vec::new();
    let mut api_types = Vec::new();
    let mut clients = Vec::new();
    let mut described = BTreeSet::new();
    let mut understood: BTreeSet<String> = BTreeSet::new();
    let mut first_reason = None;
    let manifests = expected_manifests(manifests)?;
    let of_several_api_types = manifests.iter().map(|manifest| manifest.issuers.len()).sum::<usize>() > 1;
    for manifest in manifests {
        // Without fixtures of its own, a plugin has the core cases: its settings are in the tenant file.
        let mut spec = fixtures.spec(&manifest.name).cloned().unwrap_or_else(|| PluginSpec::bare(&manifest));
        let mut destinations = BTreeMap::new();
        for issuer in &manifest.issuers {
            let destination = setup.destination(issuer, &mut spec);
            match &destination {
                Ok(RemoteDestination { tenant, .. }) => {
                    api_types.push(issuer.api_type.clone());
                    let Roles { caller, target } = tenant.roles.clone();
                    clients.push(TestedClients { api_type: issuer.api_type.clone(), caller, target });
                }
                Err(why) => first_reason = first_reason.or_else(|| Some(why.clone())),
            }
            described.insert(issuer.api_type.clone());
            let properties = issuer.parameters_schema.get("properties").and_then(Value::as_object);
            understood.extend(properties.into_iter().flat_map(|known| known.keys().cloned()));
            destinations.insert(issuer.api_type.clone(), destination);
        }
        let destination = RunDestination::Remote(destinations);
        let (spec, tenant) = (&spec, &fixtures.tenant);
        let manifest = &manifest;
        let run = Run { options, fixtures, manifest, spec, tenant, destination, of_several_api_types };
        results.extend(setup.runtime.block_on(run.all_cases())?);
    }
    if let Some(unknown) = server.parameters.keys().find(|name| !understood.contains(name.as_str())) {
        return Err(unusable(&format!("no tested plugin has the parameter {unknown}; check --parameter")));
    }
    if let (Some(why), true) = (first_reason, api_types.is_empty()) {
        return Err(unusable(&why));
    }
    if options.only.is_empty() {
        results.extend(without_manifest(tenant, &described));
    }
    let implementation = ImplementationReport::Server { base_url: base_url.clone(), api_types, clients };
    Ok(Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command))
}

/// What is needed to decide where the requests for an api_type go.
struct Setup<'a> {
    server: &'a ServerUnderTest,
    fixtures: &'a Fixtures,
    remote: Arc<RemoteServer>,
    runtime: Runtime,
}

impl Setup<'_> {
    /// Where the requests for an api_type go. Adapts the issuer's entry in the spec to the tenant.
    fn destination(
        &self,
        manifest: &IssuerManifest,
        spec: &mut PluginSpec,
    ) -> Result<RemoteDestination, String> {
        let ServerUnderTest { tenant, caller, targets, parameters, .. } = self.server;
        let named = NamedClients { caller: caller.as_deref(), targets };
        let roles = choose(tenant, manifest, named)?;
        let tenant = Arc::new(TestedTenant { data: tenant.clone(), roles });
        let of_plugin = spec.issuers.entry(manifest.api_type.clone()).or_default();
        let adapted = operator_spec(of_plugin, manifest, &tenant, parameters);
        let OperatorSpec { spec: adapted, has_settings_of_spec, unverifiable } = adapted;
        *of_plugin = adapted;
        let server = self.remote.clone();
        let mut remote =
            RemoteDestination { server, tenant, has_settings_of_spec, unverifiable, states_no_expiry: false };
        // Issuers with upstreams are not asked at all.
        if !has_settings_of_spec && manifest.upstreams.is_empty() {
            let destination = Destination::Remote(remote.clone());
            let issuer = IssuerUnderTest {
                manifest,
                spec: of_plugin,
                tenant: &self.fixtures.tenant,
                destination,
                issued: None,
                never_seen: Vec::new(),
                trace: None,
            };
            // A server that does not answer fails the cases themselves.
            if let Ok(response) = self.runtime.block_on(first_answer(&issuer)) {
                missing_parameter(&response, manifest, of_plugin, &remote.tenant)?;
                remote.states_no_expiry = states_no_expiry(&response, manifest, of_plugin);
            }
        }
        Ok(remote)
    }
}

/// The add-ons of the tenant that no manifest describes, as not run.
fn without_manifest(tenant: &TenantData, described: &BTreeSet<String>) -> Vec<CaseResult> {
    let add_ons = tenant.clients.iter().flat_map(|client| &client.add_ons);
    let names = add_ons.map(|add_on| add_on.api_type.as_str()).chain([APP]);
    let others: BTreeSet<&str> = names.filter(|api_type| !described.contains(*api_type)).collect();
    let result = |api_type: &str| CaseResult {
        case: format!("all-cases-of-an-add-on ({api_type})"),
        profile: Profile::Contract,
        description: format!("The tenant's add-on {api_type} passes the cases of its plugin."),
        verdict: Verdict::NotRun(format!(
            "needs the manifest of {api_type}; name the plugin's file or manifest.json with --plugins"
        )),
        record: CaseRecord::default(),
    };
    others.into_iter().map(result).collect()
}

/// An error if the issuer refused the request because it lacks a parameter for which the tenant stores no value.
fn missing_parameter(
    response: &Response,
    manifest: &IssuerManifest,
    spec: &IssuerSpec,
    tenant: &TestedTenant,
) -> Result<(), String> {
    let Some(body) = response.object().filter(|_| response.status == 400) else { return Ok(()) };
    let says = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let is_unset = |name: &str| !spec.parameters.contains_key(name);
    let replaced = manifest.overrides.iter().map(|replaced| replaced.parameter.as_str());
    let Some(parameter) = replaced.filter(|name| is_unset(name)).find(|name| says.contains(name)) else {
        return Ok(());
    };
    Err(format!(
        "every request for {} at {} needs the parameter {parameter}; give one that the tenant allows with --parameter {parameter}=VALUE",
        manifest.api_type, tenant.roles.target
    ))
}

/// Whether the credential does not state its expiry where the suite looks for it, as with a stored policy of Azure.
fn states_no_expiry(response: &Response, manifest: &IssuerManifest, spec: &IssuerSpec) -> bool {
    let is_read = match &spec.credential {
        CredentialReading::Query(reading) => reading.expires_at.is_some(),
        CredentialReading::Object(reading) => reading.expires_at.is_some(),
        CredentialReading::Jwt(_) | CredentialReading::Opaque => false,
    };
    let decoded = decode(&response.body, &manifest.credential, &spec.credential);
    response.status == 200 && is_read && decoded.is_ok_and(|decoded| decoded.expires_at.is_none())
}

/// The manifests of these files; that of the plugin `app` if there are no files.
fn expected_manifests(files: &[PathBuf]) -> Result<Vec<Manifest>, SetupError> {
    if files.is_empty() {
        let app = serde_json::from_str(APP_MANIFEST).map_err(|error| SetupError::File(error.to_string()))?;
        return Ok(vec![app]);
    }
    files.iter().map(|file| manifest(file)).collect()
}

/// The manifest in a JSON file or in a plugin file, which is read but not run.
fn manifest(file: &Path) -> Result<Manifest, SetupError> {
    if file.extension().is_some_and(|extension| extension == "json") {
        let unusable =
            |error: &dyn std::fmt::Display| SetupError::File(format!("{}: {error}", file.display()));
        let text = fs::read(file).map_err(|error| unusable(&error))?;
        return serde_json::from_slice(&text).map_err(|error| unusable(&error));
    }
    let file = std::path::absolute(file).map_err(SetupError::Runtime)?;
    Ok(inspect(&file)?.manifest)
}
