//! A run against somebody's server: the tenant file and the manifests say what it claims to serve.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::manifest::Manifest;
use locum_host::inspect;
use serde_json::Value;

use crate::case_context::LogLines;
use crate::case_run::Destination;
use crate::library::Fixtures;
use crate::options::{Implementation, Options, SetupError};
use crate::remote_server::RemoteServer;
use crate::report::{ImplementationReport, Report};
use crate::run::{Run, runtime, spec_for};
use crate::variables::rfc_3339;
use crate::yaml::{read, take_in_files};

/// What every server promises that stands in for the original.
const APP: &str = include_str!("../../plugins/app/manifest.json");

pub(crate) fn test_server(options: &Options, library: &Fixtures) -> Result<Report, SetupError> {
    let Implementation::Server { base_url, tenant, manifests } = &options.implementation else {
        return Err(SetupError::Server("no server was named".to_owned()));
    };
    let tenant = tenant_document(tenant)?;
    let domain = tenant.get("domain").and_then(Value::as_str).unwrap_or_default();
    let server = Arc::new(RemoteServer::at(base_url, domain).map_err(SetupError::Server)?);
    let runtime = runtime(&Arc::new(LogLines::default()))?;
    let mut results = Vec::new();
    let mut api_types = Vec::new();
    for manifest in claimed(manifests)? {
        let spec = spec_for(options, library, &manifest)?;
        let destination = Destination::Remote(server.clone());
        let run = Run { options, library, manifest: &manifest, spec: &spec, tenant: &tenant, destination };
        results.extend(runtime.block_on(run.run())?);
        api_types.extend(manifest.issuers.iter().map(|issuer| issuer.api_type.clone()));
    }
    let implementation = ImplementationReport::Server { base_url: base_url.clone(), api_types };
    Ok(Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command))
}

/// What the server claims to serve: what these files say, or app tokens if nobody says anything.
fn claimed(files: &[PathBuf]) -> Result<Vec<Manifest>, SetupError> {
    if files.is_empty() {
        let app = serde_json::from_str(APP).map_err(|error| SetupError::File(error.to_string()))?;
        return Ok(vec![app]);
    }
    files.iter().map(|file| manifest(file)).collect()
}

fn tenant_document(path: &Path) -> Result<Value, SetupError> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| SetupError::Tenant(format!("{file}: {error}")))?;
    let mut document: Value =
        read(&file, &text).map_err(|mistake| SetupError::Tenant(mistake.to_string()))?;
    let folder = path.parent().unwrap_or(path);
    let take_in = |taken: &str| {
        fs::read_to_string(folder.join(taken)).map_err(|error| format!("{file}: {taken}: {error}"))
    };
    take_in_files(&mut document, &take_in).map_err(SetupError::Tenant)?;
    Ok(document)
}

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
