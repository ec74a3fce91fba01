//! The options of a run, and why a run cannot start.

use std::path::PathBuf;

use locum_host::LoadError;
use locum_host::runner::RunnerCommand;
use locum_store::TenantData;
use serde_json::{Map, Value};

use crate::fixtures::FixtureError;
use crate::token_exchange::TokenExchangeSettings;

/// What to test, with which fixtures.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is tested.
    pub implementation: Implementation,
    /// Folders of fixtures besides the suite's own. Each is a plugin's folder, or holds plugins' folders.
    pub fixtures: Vec<PathBuf>,
    /// Valid settings, for a plugin without a plugin spec or in place of those in the spec.
    pub settings: Option<Map<String, Value>>,
    /// The cases to run: ids, files of variants, or patterns with `*` and `?`, also with the folder of the fixtures as in `core/*`;
    /// all if empty.
    pub only: Vec<String>,
    /// Whether the exchanges of every case are kept, for [`to_trace`](crate::report::to_trace).
    pub verbose: bool,
    /// The time of the run, unix seconds, for the report and for the expiry of exemptions.
    pub now_unix_seconds: i64,
    /// The command of the run, which a report repeats to reproduce failures.
    pub command: String,
    /// At which levels a plugin file runs. A server runs its plugins as it does.
    pub isolation: TestedIsolation,
    /// What starts the process of a plugin at the level `runner`.
    pub runner: RunnerCommand,
}

/// The levels of isolation at which a plugin file is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TestedIsolation {
    /// In this process.
    InProcess,
    /// In a process of its own.
    Runner,
    /// At both levels in the same run. Every request is made at both, with the same time, entropy and upstream replies; a
    /// case fails if an answer or an upstream request differs.
    #[default]
    Both,
}

/// What is tested.
#[derive(Debug, Clone)]
pub enum Implementation {
    /// A plugin file, loaded as production loads it.
    Plugin(PathBuf),
    /// A running server.
    Server(Box<ServerUnderTest>),
    /// A token endpoint of any server, for the profile `token-exchange` alone.
    TokenEndpoint(Box<TokenEndpointUnderTest>),
}

/// A token endpoint of any server.
#[derive(Debug, Clone)]
pub struct TokenEndpointUnderTest {
    /// The issuer's URL, at which its metadata is.
    pub issuer: String,
    /// Its clients, tokens and targets.
    pub settings: TokenExchangeSettings,
}

/// A running server, and what is known about it.
#[derive(Debug, Clone)]
pub struct ServerUnderTest {
    /// Its base URL, such as `https://acme.example.com`.
    pub base_url: String,
    /// Its tenant, as the server reads it. The suite signs id_tokens with its keys.
    pub tenant: TenantData,
    /// The client that sends the requests; if absent, one that can.
    pub caller: Option<String>,
    /// The clients that credentials are issued for: for each api_type the first one that can be its target. If empty,
    /// any client.
    pub targets: Vec<String>,
    /// Parameters of every delegation, which add-ons may need.
    pub parameters: Map<String, Value>,
    /// The plugins of the server, as plugin files or as `manifest.json`; the plugin `app` if empty. Plugin files are
    /// read, not run.
    pub manifests: Vec<PathBuf>,
}

impl ServerUnderTest {
    /// A server with the plugin `app`, whose clients the suite chooses.
    pub fn new(base_url: impl Into<String>, tenant: TenantData) -> Self {
        Self {
            base_url: base_url.into(),
            tenant,
            caller: None,
            targets: Vec::new(),
            parameters: Map::new(),
            manifests: Vec::new(),
        }
    }
}

/// Why a run cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Errors in fixtures or plugin specs.
    #[error("{}", listed(.0))]
    Fixtures(Vec<FixtureError>),
    /// The plugin cannot be loaded.
    #[error("{0}")]
    Plugin(#[from] LoadError),
    /// The plugin has no plugin spec, and no settings are given.
    #[error(
        "the plugin `{0}` has no plugin.yaml: name its folder of fixtures with --fixtures, or valid settings with --settings"
    )]
    NoPluginSpec(String),
    /// The plugin spec lacks an api_type of the manifest.
    #[error(
        "plugin.yaml of the plugin `{plugin}` has no entry for api_type `{api_type}`; add one under `issuers`"
    )]
    NoIssuerSpec {
        /// The plugin.
        plugin: String,
        /// The api_type.
        api_type: String,
    },
    /// The plugin spec lacks what the issuer of an api_type needs.
    #[error("plugin.yaml of the plugin `{plugin}` lacks, under `issuers: {api_type}:`\n  {}", .missing.join("\n  "))]
    IncompletePluginSpec {
        /// The plugin.
        plugin: String,
        /// The api_type.
        api_type: String,
        /// What is missing, each with how to write it.
        missing: Vec<String>,
    },
    /// `only` names an unknown case.
    #[error("no case has the id `{0}`, or fits it as a pattern; check --only")]
    NoSuchCase(String),
    /// The server's tenant cannot be tested.
    #[error("the tenant {domain} cannot be tested: {why}")]
    Tenant {
        /// Its domain.
        domain: String,
        /// What is missing, and the remedy.
        why: String,
    },
    /// The server's URL cannot be used.
    #[error("{0}")]
    Server(String),
    /// A URL is given for a setting that the plugin does not have, or is not one.
    #[error(
        "`{setting}={url}` does not name an upstream; write a setting of the plugin and its URL, SETTING=https://…"
    )]
    UpstreamUrl {
        /// The setting.
        setting: String,
        /// The URL.
        url: String,
    },
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
    /// Mutants need a plugin file, because faults act between host and plugin.
    #[error("a mutation score needs a plugin file; it cannot be measured on a server")]
    MutationScoreNeedsPlugin,
    /// The async runtime does not start.
    #[error("the async runtime does not start: {0}")]
    Runtime(#[from] std::io::Error),
}

fn listed(errors: &[FixtureError]) -> String {
    let lines: Vec<String> = errors.iter().map(FixtureError::to_string).collect();
    lines.join("\n")
}
