//! One session: a loaded plugin behind an engine, and the requests that get its credentials.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::manifest::{IssuerManifest, Manifest};
use locum_engine::ports::Clock as _;
use locum_engine::{Engine, Ports};
use locum_host::runner::{self, RunnerCommand};
use locum_host::{Isolation, LoadOptions, Pins, PluginSet, Upstreams, inspect};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantSet};
use serde_json::{Map, json};
use url::Url;

use crate::cases::case_run::attributes;
use crate::cases::issuer_under_test::variables_of;
use crate::dev::audit_lines::AuditLines;
use crate::dev::upstreams::DevUpstreams;
use crate::exchange::id_token::id_token;
use crate::exchange::message::Request;
use crate::exchange::request_builder::build_request;
use crate::fixtures::fixture::{FixtureRequest, TenantChanges};
use crate::fixtures::load::Fixtures;
use crate::fixtures::plugin_spec::PluginSpec;
use crate::fixtures::tenant_document::{ALICE, TenantDocument};
use crate::fixtures::tested_tenant::{Roles, TestedTenant};
use crate::fixtures::variables::{TimeWindow, Variables};
use crate::options::SetupError;
use crate::running::{install_crypto, spec_for_settings};

/// Requests per minute of one user. The default is for servers.
const REQUESTS_PER_MINUTE: u32 = 600;

/// A plugin to serve, and what with.
#[derive(Clone)]
pub struct DevOptions {
    /// The plugin file.
    pub file: PathBuf,
    /// Folders of fixtures; one has the plugin spec.
    pub fixtures: Vec<PathBuf>,
    /// URLs by the name of their setting, whose origins are asked instead of the script.
    pub upstream_urls: Vec<(String, String)>,
    /// What asks them.
    pub real_upstreams: Arc<dyn Upstreams>,
    /// What starts the plugin's process.
    pub runner: RunnerCommand,
    /// Shows a line about a request that is being answered.
    pub show: Arc<dyn Fn(&str) + Send + Sync>,
}

/// A loaded plugin that can be served.
pub struct DevSession {
    /// Answers the requests, by the system's clock.
    pub engine: Arc<Engine>,
    /// The plugin's name and version, and where it runs.
    pub title: String,
    /// Settings of the plugin spec that the plugin refuses, one line for each.
    pub problems: Vec<String>,
    requests: Vec<(String, Request)>,
    /// Loaded as long as it is served.
    _plugins: PluginSet,
}

impl DevSession {
    /// Loads the plugin, configures it by its plugin spec, and signs the id_tokens of requests. It blocks.
    ///
    /// # Errors
    /// Fixtures with errors, an incomplete plugin spec, a plugin that cannot be loaded, or an unknown setting.
    pub fn start(options: &DevOptions) -> Result<Self, SetupError> {
        install_crypto();
        let fixtures = Fixtures::load(&options.fixtures).map_err(SetupError::Fixtures)?;
        let file = std::path::absolute(&options.file).map_err(SetupError::Runtime)?;
        let manifest = inspect(&file)?.manifest;
        let mut spec = spec_for_settings(&fixtures, &manifest)?;
        let real_origins = replace_urls(&mut spec, &manifest, &options.upstream_urls)?;
        let tenant = tenant(&fixtures, &manifest, &spec)?;
        let secrets: Vec<(String, String)> =
            manifest.issuers.iter().flat_map(|issuer| tenant.secrets(issuer)).collect();
        let requests = requests(&manifest, &spec, &tenant)?;
        let exchanges =
            spec.issuers.values().flat_map(|issuer| issuer.upstream.iter().chain(&issuer.revocation));
        let upstreams = DevUpstreams {
            exchanges: exchanges.cloned().collect(),
            real_origins,
            real: Arc::clone(&options.real_upstreams),
            variables: variables(manifest.issuers.first(), &tenant),
            secrets: secrets.clone(),
            show: Arc::clone(&options.show),
            now,
        };
        let isolation = if runner::SUPPORTED && !manifest.needs_tenant_key() {
            Isolation::Runner
        } else {
            Isolation::InProcess
        };
        let plugins = load(options, &file, isolation, upstreams)?;
        let set = TenantSet::prepare(vec![tenant.data], &plugins)
            .map_err(|error| SetupError::Server(error.to_string()))?;
        let directory = Arc::new(MemoryDirectory::new(set));
        // The tenant has the add-on `app` too, which another plugin serves.
        let of_plugin = |api_type: &str| manifest.issuer(api_type).is_some();
        let problems = directory.current().problems().into_iter();
        let problems = problems.filter(|found| of_plugin(&found.problem.api_type)).map(|found| {
            let failure = &found.problem.failure;
            let pointer = failure.pointer.as_deref().unwrap_or("the settings");
            format!("{}: {pointer}: {}", found.problem.api_type, failure.message)
        });
        let problems = problems.collect();
        let audit = Arc::new(AuditLines { show: Arc::clone(&options.show), secrets });
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let ports = Ports::new(clock, entropy, directory, Arc::<MemoryBuckets>::default(), audit);
        Ok(Self {
            engine: Arc::new(Engine::new(ports)),
            title: format!("{} {}, isolation {isolation}", manifest.name, manifest.version),
            problems,
            requests,
            _plugins: plugins,
        })
    }

    /// For each api_type a command that gets a credential of the server at this address.
    pub fn commands(&self, base_url: &str) -> Vec<(&str, String)> {
        let command = |request: &Request| {
            let mut command = format!("curl -sS '{base_url}{}' -H 'host: {}'", request.target, request.host);
            for (name, value) in &request.headers {
                command.push_str(&format!(" -H '{name}: {value}'"));
            }
            format!("{command} -d '{}'", request.body.replace('\'', "'\\''"))
        };
        self.requests.iter().map(|(api_type, request)| (api_type.as_str(), command(request))).collect()
    }
}

fn now() -> i64 {
    i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX)
}

fn load(
    options: &DevOptions,
    file: &Path,
    isolation: Isolation,
    upstreams: DevUpstreams,
) -> Result<PluginSet, SetupError> {
    let mut load = LoadOptions::new(Arc::new(upstreams));
    load.runner = Some(options.runner.clone());
    // A pin of the file as it is, in memory: the author trusts what was just built.
    Ok(PluginSet::load([file], &Pins::trusting_file(file)?.at(isolation), load)?)
}

/// Writes the URLs into the settings of every api_type that has them. Returns their origins.
fn replace_urls(
    spec: &mut PluginSpec,
    manifest: &Manifest,
    urls: &[(String, String)],
) -> Result<Vec<String>, SetupError> {
    let mut origins = Vec::new();
    for (setting, url) in urls {
        let has_setting = |issuer: &&IssuerManifest| {
            issuer.settings_schema.pointer("/properties").is_some_and(|known| known.get(setting).is_some())
        };
        let mut known = manifest.issuers.iter().filter(has_setting).peekable();
        let parsed = Url::parse(url).ok().filter(Url::has_host);
        let (Some(_), Some(parsed)) = (known.peek(), parsed) else {
            return Err(SetupError::UpstreamUrl { setting: setting.clone(), url: url.clone() });
        };
        origins.push(parsed.origin().ascii_serialization());
        for issuer in known {
            if let Some(of_issuer) = spec.issuers.get_mut(&issuer.api_type) {
                of_issuer.settings.insert(setting.clone(), url.as_str().into());
            }
        }
    }
    Ok(origins)
}

/// The suite's tenant with the plugin's add-ons at the target.
fn tenant(fixtures: &Fixtures, manifest: &Manifest, spec: &PluginSpec) -> Result<TestedTenant, SetupError> {
    let mut document = TenantDocument::new(fixtures.tenant.clone());
    for issuer in &manifest.issuers {
        let settings = spec.issuers.get(&issuer.api_type).map(|of_issuer| of_issuer.settings.clone());
        document.enable(issuer, settings.unwrap_or_default(), &Map::new());
    }
    let rate_limit = json!({ "size": REQUESTS_PER_MINUTE, "per_minute": REQUESTS_PER_MINUTE });
    let mut changes = TenantChanges::default();
    changes.delegation.insert("rate_limit".to_owned(), rate_limit);
    document.change(&changes);
    let data = document.tenant().map_err(SetupError::Server)?;
    Ok(TestedTenant { data, roles: Roles::of_suite() })
}

/// A delegation for each api_type, as the suite sends it.
fn requests(
    manifest: &Manifest,
    spec: &PluginSpec,
    tenant: &TestedTenant,
) -> Result<Vec<(String, Request)>, SetupError> {
    let mut requests = Vec::new();
    for issuer in &manifest.issuers {
        let Some(of_issuer) = spec.issuers.get(&issuer.api_type) else { continue };
        let request = FixtureRequest::default();
        let mut variables = variables(Some(issuer), tenant);
        let token = id_token(&request.id_token, tenant, &attributes(of_issuer), &variables);
        variables.set("id_token", token.map_err(SetupError::Server)?);
        let secret_of = |id: &str| tenant.secret_to_authenticate(id);
        let built = build_request(&request, tenant.domain(), &of_issuer.parameters, &variables, secret_of);
        requests.push((issuer.api_type.clone(), built.map_err(SetupError::Server)?));
    }
    Ok(requests)
}

fn variables(issuer: Option<&IssuerManifest>, tenant: &TestedTenant) -> Variables {
    let window = TimeWindow { earliest: now(), latest: now() };
    let mut variables =
        issuer.map_or_else(|| Variables::new(window), |issuer| variables_of(issuer, window, ALICE));
    variables.set("domain", tenant.domain());
    variables.set("caller", tenant.roles.caller.as_str());
    variables.set("target", tenant.roles.target.as_str());
    variables
}
