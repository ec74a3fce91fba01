//! What a run is asked for, and why it may not even start.

use std::path::PathBuf;

use locum_host::LoadError;
use serde_json::{Map, Value};

use crate::yaml::FixtureError;

/// What to judge, by which fixtures.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is judged.
    pub implementation: Implementation,
    /// Folders with fixtures: a plugin's own, or a folder of such. The suite's own fixtures are always there.
    pub fixtures: Vec<PathBuf>,
    /// Settings that work, for a plugin without a sheet or in place of the sheet's.
    pub settings: Option<Map<String, Value>>,
    /// The ids of the cases to run; all if empty.
    pub only: Vec<String>,
    /// The time of the run, unix seconds: for the report, and to tell whether an exemption has run out.
    pub now_unix_seconds: i64,
    /// The command that was given, for a report's reader to repeat.
    pub command: String,
}

/// What is judged.
#[derive(Debug, Clone)]
pub enum Implementation {
    /// A plugin file, loaded as production loads it.
    Plugin(PathBuf),
    /// A running server.
    Server {
        /// Where it answers, such as `https://acme.example.com`.
        base_url: String,
        /// The tenant file that it runs with: the suite mints id_tokens for its clients `caller` and `target`.
        tenant: PathBuf,
        /// The plugins that it runs, as plugin files or as `manifest.json`; app tokens are assumed if there are none.
        /// Nothing of a file is run.
        manifests: Vec<PathBuf>,
    },
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// Fixtures or sheets that cannot be used.
    #[error("{}", listed(.0))]
    Fixtures(Vec<FixtureError>),
    /// The plugin cannot be loaded.
    #[error("{0}")]
    Plugin(#[from] LoadError),
    /// No sheet says which settings work.
    #[error(
        "no sheet for the plugin `{0}`: name its fixtures with --fixtures, or settings that work with --settings"
    )]
    NoPluginSpec(String),
    /// The sheet says nothing of an api_type.
    #[error(
        "the sheet of the plugin `{plugin}` has no entry for api_type `{api_type}`; add one under `issuers`"
    )]
    NoIssuerSpec {
        /// The plugin.
        plugin: String,
        /// The api_type.
        api_type: String,
    },
    /// `only` names a case that is not there.
    #[error("no case has the id `{0}`")]
    NoSuchCase(String),
    /// The tenant file cannot be used.
    #[error("{0}")]
    Tenant(String),
    /// The server cannot be asked.
    #[error("{0}")]
    Server(String),
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
    /// Mutants are put between host and plugin, so there must be a plugin.
    #[error("a mutation score needs a plugin file, not a server")]
    MutationScoreNeedsPlugin,
    /// The runtime does not start.
    #[error("no runtime: {0}")]
    Runtime(#[from] std::io::Error),
}

fn listed(mistakes: &[FixtureError]) -> String {
    let lines: Vec<String> = mistakes.iter().map(FixtureError::to_string).collect();
    lines.join("\n")
}
