//! `locum.toml`: what an operator sets. Unknown keys abort the start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use locum_server::Limits;
use serde::Deserialize;

use crate::exit::CommandError;

/// The config, with every path made absolute.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where to listen.
    #[serde(default = "default_listen")]
    pub(crate) listen: SocketAddr,
    /// The directory of the plugins; `plugins.lock` stands beside it.
    pub(crate) plugins_dir: PathBuf,
    /// The tenant files.
    pub(crate) tenants: Vec<PathBuf>,
    /// Networks of the proxies whose `X-Forwarded-For` is believed.
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How log lines look.
    #[serde(default)]
    pub(crate) log: LogFormat,
    /// Limits that differ from the usual ones.
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// For programs.
    Json,
}

/// Limits of the server; each absent one is the usual one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    body_bytes: Option<usize>,
    parameters: Option<usize>,
    in_flight: Option<usize>,
    connections: Option<usize>,
    request_deadline_ms: Option<u64>,
    drain_deadline_ms: Option<u64>,
    /// Longest time for one credential, upstream calls included.
    issue_deadline_ms: Option<u64>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 3000))
}

/// Reads a config file.
pub(crate) fn load(path: &Path) -> Result<Config, CommandError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        CommandError::input_file(format!(
            "{shown}: cannot be read: {error}; write one or name it with --config"
        ))
    })?;
    let mut config: Config =
        toml::from_str(&text).map_err(|error| CommandError::input_file(format!("{shown}: {error}")))?;
    let base = folder_of(path).map_err(|error| CommandError::input_file(format!("{shown}: {error}")))?;
    for tenant in &mut config.tenants {
        *tenant = base.join(&tenant);
    }
    config.plugins_dir = base.join(&config.plugins_dir);
    Ok(config)
}

/// The folder that a config's relative paths start from. The parent of a bare file name is empty, and no path.
fn folder_of(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.parent().unwrap_or(Path::new("/")).to_owned())
}

impl LimitsConfig {
    /// Longest time for one credential, if the operator set one.
    pub(crate) fn issue_deadline(&self) -> Option<Duration> {
        self.issue_deadline_ms.map(Duration::from_millis)
    }

    /// The server's limits.
    pub(crate) fn server(&self) -> Limits {
        let usual = Limits::default();
        let milliseconds = |set: Option<u64>, usual| set.map_or(usual, Duration::from_millis);
        Limits {
            body_bytes_max: self.body_bytes.unwrap_or(usual.body_bytes_max),
            parameters_max: self.parameters.unwrap_or(usual.parameters_max),
            in_flight_max: self.in_flight.unwrap_or(usual.in_flight_max),
            connections_max: self.connections.unwrap_or(usual.connections_max),
            request_deadline: milliseconds(self.request_deadline_ms, usual.request_deadline),
            drain_deadline: milliseconds(self.drain_deadline_ms, usual.drain_deadline),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_file_name_stands_in_the_folder_that_locum_was_started_in() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(folder_of(Path::new("locum.toml")).unwrap(), here);
        assert_eq!(folder_of(Path::new("etc/locum.toml")).unwrap(), here.join("etc"));
        assert_eq!(folder_of(Path::new("/etc/locum.toml")).unwrap(), Path::new("/etc"));
    }
}
