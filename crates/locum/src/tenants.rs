//! Reads tenant files and prepares their tenants; collects everything that is wrong with them, each with its line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::Issuers;
use locum_host::PluginSet;
use locum_store::documents::{FileTenant, load_managed};
use locum_store::tenant_file::{self, Finding, Places, References, TenantFile, TenantFileError};
use locum_store::{TenantData, TenantProblem, TenantSet};

use crate::config::Config;
use crate::exit::CommandError;
use crate::lifetimes;

/// What was read, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Tenants {
    /// What makes a file unusable, by file and line.
    pub(crate) errors: Vec<Finding>,
    /// What can be served and cannot work, by file and line. The add-ons that do not work are not among them.
    pub(crate) problems: Vec<Finding>,
    /// What works and should be changed, by file and line.
    pub(crate) warnings: Vec<Finding>,
    /// The tenants. If there are errors, without what has one: never serve it then.
    pub(crate) data: Vec<TenantData>,
    places: HashMap<String, Places>,
    /// Every file that was read, `${file:…}` included.
    pub(crate) files: Vec<PathBuf>,
    /// The documents of those with a Management API.
    managed: Vec<FileTenant>,
}

/// Reads the files, also those after one with an error.
pub(crate) fn read(config: &Config) -> Tenants {
    let mut tenants = Tenants::default();
    let read = load_managed(&config.tenants, &environment);
    for (path, (read, files)) in config.tenants.iter().zip(read) {
        tenants.files.push(path.clone());
        tenants.files.extend(files);
        match read {
            Ok((file, managed)) => {
                tenants.add(file);
                tenants.managed.extend(managed);
            }
            Err(TenantFileError { errors, rest }) => {
                tenants.errors.extend(errors);
                if let Some(rest) = rest {
                    tenants.add(*rest);
                }
            }
        }
    }
    let is_read = !tenants.data.is_empty() || config.tenants.is_empty();
    for conflict in is_read.then(|| TenantSet::conflicts(&tenants.data)).into_iter().flatten() {
        tenants.errors.push(Finding {
            file: config.file.display().to_string(),
            position: None,
            pointer: Some("/tenants".to_owned()),
            message: conflict.to_string(),
        });
    }
    tenants
}

/// Reads one tenant file.
pub(crate) fn read_one(path: &Path) -> Result<TenantData, CommandError> {
    let references = References::new(&environment, path.parent().unwrap_or(Path::new(".")));
    tenant_file::load(path, &references).map(|file| file.data).map_err(CommandError::input_file)
}

/// What `${env:NAME}` is: a variable of this process's environment.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Tenants {
    fn add(&mut self, file: TenantFile) {
        let TenantFile { data, problems, warnings, places, .. } = file;
        self.problems.extend(problems);
        self.warnings.extend(warnings);
        self.places.insert(data.tenant.domain.clone(), places);
        self.data.push(data);
    }

    /// Prepares the tenants, and adds the problems that show only with the issuers' manifests.
    ///
    /// # Errors
    /// All errors in the files, one line for each.
    pub(crate) fn prepare(mut self, plugins: &PluginSet) -> Result<PreparedTenants, CommandError> {
        if !self.errors.is_empty() {
            return Err(CommandError::input_file(lines(&self.errors).join("\n")));
        }
        self.problems.extend(self.unreachable_lifetimes(plugins));
        let Self { problems, warnings, data, places, files, managed, .. } = self;
        let set = TenantSet::prepare(data, plugins).map_err(CommandError::input_file)?;
        let add_on_problems = set.problems().iter().map(|problem| at_place(&places, problem)).collect();
        Ok(PreparedTenants { set, managed, problems, add_on_problems, warnings, places, files })
    }

    /// The add-ons that never get a lifetime that their issuer can give.
    pub(crate) fn unreachable_lifetimes(&self, plugins: &PluginSet) -> Vec<Finding> {
        let mut found = Vec::new();
        for data in &self.data {
            let Some(places) = self.places.get(&data.tenant.domain) else { continue };
            let policy = &data.tenant.delegation;
            for client in &data.clients {
                for add_on in &client.add_ons {
                    let Some(manifest) = plugins.manifest(&add_on.api_type) else { continue };
                    let at = field(places, &client.id, &add_on.api_type, "");
                    if let Some(why) = lifetimes::below_minimum(policy, add_on, &manifest) {
                        found.push(places.at(at, format!("client {}: {why}", client.id)));
                    }
                }
            }
        }
        found
    }

    /// What does not work although the files may have errors: the problems of the add-ons, without those that only
    /// follow from an error.
    pub(crate) fn add_on_problems_besides_errors(&mut self, plugins: &PluginSet) -> Vec<Finding> {
        let mut data = std::mem::take(&mut self.data);
        let mut domains = std::collections::HashSet::new();
        data.retain(|data| domains.insert(data.tenant.domain.clone()));
        for (index, data) in data.iter_mut().enumerate() {
            data.is_default &= index == 0;
        }
        let Ok(set) = TenantSet::prepare(data, plugins) else { return Vec::new() };
        let mut found = Vec::new();
        for TenantProblem { domain, problem } in set.problems() {
            let Some(places) = self.places.get(&domain) else { continue };
            let manifest = plugins.manifest(&problem.api_type);
            let add_on = places.at(field(places, &problem.client_id, &problem.api_type, ""), "");
            let keys = places.at("/signing_keys", "");
            let app = ["client_secret", "jwt_configuration"]
                .map(|name| places.at(format!("{}/{name}", places.client(&problem.client_id)), ""));
            let follows = |error: &Finding| {
                error.file == add_on.file
                    && (add_on.is_at_or_around(error)
                        || error.is_at_or_around(&add_on)
                        || (problem.api_type == "app"
                            && app.iter().any(|field| field.is_at_or_around(error)))
                        || (needs_signing_key(manifest.as_deref()) && keys.is_at_or_around(error)))
            };
            if !self.errors.iter().any(follows) {
                found.push(at_place(&self.places, &TenantProblem { domain, problem }));
            }
        }
        found
    }

    /// Where the fields of a tenant's file are.
    pub(crate) fn places(&self, domain: &str) -> Option<&Places> {
        self.places.get(domain)
    }
}

/// Tenants that can be served.
pub(crate) struct PreparedTenants {
    pub(crate) set: TenantSet,
    /// The documents of those with a Management API.
    pub(crate) managed: Vec<FileTenant>,
    /// What cannot work, besides add-ons.
    pub(crate) problems: Vec<Finding>,
    /// The add-ons that do not work.
    pub(crate) add_on_problems: Vec<Finding>,
    /// What works and should be changed.
    pub(crate) warnings: Vec<Finding>,
    places: HashMap<String, Places>,
    pub(crate) files: Vec<PathBuf>,
}

impl PreparedTenants {
    /// The add-ons that do not work and did in an earlier set, one line for each.
    pub(crate) fn newly_broken(&self, before: &TenantSet) -> Vec<String> {
        let problems = self.set.problems_new_since(before);
        problems.iter().map(|problem| at_place(&self.places, problem).to_string()).collect()
    }

    /// Logs what does not work and what should be changed. An add-on that cannot work is no reason to refuse all others:
    /// requests for it alone are answered with 500.
    pub(crate) fn log_findings(&self) {
        for problem in lines(&self.add_on_problems) {
            tracing::error!("add-on does not work, requests for it get 500: {problem}");
        }
        for problem in lines(&self.problems) {
            tracing::error!("{problem}");
        }
        for warning in lines(&self.warnings) {
            tracing::warn!("{warning}");
        }
    }
}

/// One line for each finding, by file and line.
pub(crate) fn lines(findings: &[Finding]) -> Vec<String> {
    let mut findings: Vec<&Finding> = findings.iter().collect();
    findings.sort_by_key(|finding| (&finding.file, finding.position));
    findings.into_iter().map(Finding::to_string).collect()
}

fn needs_signing_key(manifest: Option<&IssuerManifest>) -> bool {
    manifest.is_some_and(|manifest| manifest.uses_tenant_key())
}

/// The problem of an add-on, named by the tenant file's own fields.
fn at_place(places: &HashMap<String, Places>, TenantProblem { domain, problem }: &TenantProblem) -> Finding {
    let message = format!("client {}: {}", problem.client_id, problem.failure);
    let pointer = problem.failure.pointer.as_deref().unwrap_or_default();
    match places.get(domain) {
        Some(places) => places.at(field(places, &problem.client_id, &problem.api_type, pointer), message),
        None => Finding { file: domain.clone(), position: None, pointer: None, message },
    }
}

/// The pointer of a setting of an add-on in the tenant file.
pub(crate) fn field(places: &Places, client_id: &str, api_type: &str, setting: &str) -> String {
    let client = places.client(client_id);
    match (api_type, setting) {
        // The app target has no add-on: the tenant file configures it by these fields.
        ("app", "/secret") => format!("{client}/client_secret"),
        ("app", setting) => format!("{client}/jwt_configuration{setting}"),
        (api_type, setting) => format!("{client}/addons/{api_type}{setting}"),
    }
}
