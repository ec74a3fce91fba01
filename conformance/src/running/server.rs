//! A run against a running server. The tenant file and the manifests state what the server should serve.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::manifest::Manifest;
use locum_host::inspect;
use serde_json::Value;

use crate::cases::issuer_under_test::Destination;
use crate::cases::log_lines::LogLines;
use crate::cases::remote_server::RemoteServer;
use crate::fixtures::load::Fixtures;
use crate::fixtures::variables::rfc_3339;
use crate::fixtures::yaml::{include_files, parse};
use crate::options::{Options, SetupError};
use crate::report::{ImplementationReport, Report};
use crate::running::run::Run;
use crate::running::runtime::runtime;
use crate::running::spec::spec_for;

/// The manifest of the plugin that every server has.
const APP_MANIFEST: &str = include_str!("../../../plugins/app/manifest.json");

/// Runs the cases of these manifests against a server. `tenant` is the server's tenant file.
pub(crate) fn test_server(
    options: &Options,
    fixtures: &Fixtures,
    base_url: &str,
    tenant: &Path,
    manifests: &[PathBuf],
) -> Result<Report, SetupError> {
    let tenant = tenant_document(tenant)?;
    let domain = tenant.get("domain").and_then(Value::as_str).unwrap_or_default();
    let server = Arc::new(RemoteServer::at(base_url, domain).map_err(SetupError::Server)?);
    let runtime = runtime(&Arc::new(LogLines::default()))?;
    let mut results = Vec::new();
    let mut api_types = Vec::new();
    for manifest in expected_manifests(manifests)? {
        let spec = spec_for(options, fixtures, &manifest)?;
        let destination = Destination::Remote(server.clone());
        let run = Run { options, fixtures, manifest: &manifest, spec: &spec, tenant: &tenant, destination };
        results.extend(runtime.block_on(run.all_cases())?);
        api_types.extend(manifest.issuers.iter().map(|issuer| issuer.api_type.clone()));
    }
    let implementation = ImplementationReport::Server { base_url: base_url.to_owned(), api_types };
    Ok(Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command))
}

/// The manifests of these files; that of the plugin `app` if there are no files.
fn expected_manifests(files: &[PathBuf]) -> Result<Vec<Manifest>, SetupError> {
    if files.is_empty() {
        let app = serde_json::from_str(APP_MANIFEST).map_err(|error| SetupError::File(error.to_string()))?;
        return Ok(vec![app]);
    }
    files.iter().map(|file| manifest(file)).collect()
}

fn tenant_document(path: &Path) -> Result<Value, SetupError> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| SetupError::Tenant(format!("{file}: {error}")))?;
    let mut document: Value = parse(&file, &text).map_err(|error| SetupError::Tenant(error.to_string()))?;
    let folder = path.parent().unwrap_or(path);
    let load = |included: &str| {
        fs::read_to_string(folder.join(included)).map_err(|error| format!("{file}: {included}: {error}"))
    };
    include_files(&mut document, &load).map_err(SetupError::Tenant)?;
    Ok(document)
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
