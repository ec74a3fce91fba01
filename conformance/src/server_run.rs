//! A run against somebody's server: the tenant file and the manifests say what it claims to serve.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::manifest::Manifest;
use locum_host::inspect;
use serde_json::Value;

use crate::library::Library;
use crate::options::{Options, SetupError, Subject};
use crate::reading::{read, take_in_files};
use crate::remote::Server;
use crate::replay::WhereTo;
use crate::report::{Report, SubjectReport};
use crate::run::{Course, runtime, sheet_for};
use crate::stage::LogLines;
use crate::variables::rfc_3339;

/// What every server promises that stands in for the original.
const APP: &str = include_str!("../../plugins/app/manifest.json");

pub(crate) fn judge_server(options: &Options, library: &Library) -> Result<Report, SetupError> {
    let Subject::Server { base_url, tenant, manifests } = &options.subject else {
        return Err(SetupError::Server("no server was named".to_owned()));
    };
    let tenant = tenant_document(tenant)?;
    let domain = tenant.get("domain").and_then(Value::as_str).unwrap_or_default();
    let server = Arc::new(Server::at(base_url, domain).map_err(SetupError::Server)?);
    let runtime = runtime(&Arc::new(LogLines::default()))?;
    let mut judged = Vec::new();
    let mut api_types = Vec::new();
    for manifest in claimed(manifests)? {
        let sheet = sheet_for(options, library, &manifest)?;
        let where_to = WhereTo::Remote(server.clone());
        let course =
            Course { options, library, manifest: &manifest, sheet: &sheet, tenant: &tenant, where_to };
        judged.extend(runtime.block_on(course.run())?);
        api_types.extend(manifest.issuers.iter().map(|issuer| issuer.api_type.clone()));
    }
    let subject = SubjectReport::Server { base_url: base_url.clone(), api_types };
    Ok(Report::new(subject, rfc_3339(options.now_unix_seconds), judged, &options.command))
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
