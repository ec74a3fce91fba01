//! The config file, `locum.toml`. Unknown keys are errors.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use locum_server::Limits;
use serde::Deserialize;

use crate::exit::CommandError;

/// The config, with every path resolved against the folder of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    #[serde(default = "default_listen")]
    pub(crate) listen: SocketAddr,
    /// The directory of the plugin files; `plugins.lock` is beside it.
    pub(crate) plugins_dir: PathBuf,
    pub(crate) tenants: Vec<PathBuf>,
    /// Networks of the proxies whose `X-Forwarded-For` is trusted.
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<IpNet>,
    #[serde(default)]
    pub(crate) log: LogFormat,
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    #[default]
    Pretty,
    Json,
}

/// Limits that differ from the defaults; times are in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    body_bytes: Option<usize>,
    parameters: Option<usize>,
    in_flight: Option<usize>,
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    write_deadline_ms: Option<u64>,
    request_deadline_ms: Option<u64>,
    drain_deadline_ms: Option<u64>,
    /// Longest time to issue one credential, including upstream calls.
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
            "{shown}: cannot read the config: {error}; create the file or name another with --config"
        ))
    })?;
    let mut config: Config =
        toml::from_str(&text).map_err(|error| CommandError::input_file(located(&shown, &text, &error)))?;
    let base = folder_of(path).map_err(|error| CommandError::input_file(format!("{shown}: {error}")))?;
    for tenant in &mut config.tenants {
        *tenant = base.join(&tenant);
    }
    config.plugins_dir = base.join(&config.plugins_dir);
    Ok(config)
}

const EXPECTED_NUMBER: &str = "expected a whole number of at least 0";

/// The error with file, line and column, and without the library's drawing of the line.
fn located(file: &std::path::Display<'_>, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message =
        error.message().replace("expected socket address", "expected text such as \"127.0.0.1:3000\"");
    // Names of Rust's integer types.
    let message = message.replace("expected usize", EXPECTED_NUMBER).replace("expected u64", EXPECTED_NUMBER);
    format!("{file}:{line}:{column}: {message}")
}

/// The folder that the config's relative paths start from. It is absolute, because a bare file name has no parent.
fn folder_of(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    Ok(path.parent().unwrap_or(Path::new("/")).to_owned())
}

impl LimitsConfig {
    /// Longest time to issue one credential, including upstream calls, if set.
    pub(crate) fn issue_deadline(&self) -> Option<Duration> {
        self.issue_deadline_ms.map(Duration::from_millis)
    }

    pub(crate) fn server(&self) -> Limits {
        let default = Limits::default();
        let milliseconds = |set: Option<u64>, default| set.map_or(default, Duration::from_millis);
        Limits {
            body_bytes_max: self.body_bytes.unwrap_or(default.body_bytes_max),
            parameters_max: self.parameters.unwrap_or(default.parameters_max),
            in_flight_max: self.in_flight.unwrap_or(default.in_flight_max),
            connections_max: self.connections.unwrap_or(default.connections_max),
            connections_per_address_max: self
                .connections_per_address
                .unwrap_or(default.connections_per_address_max),
            write_deadline: milliseconds(self.write_deadline_ms, default.write_deadline),
            request_deadline: milliseconds(self.request_deadline_ms, default.request_deadline),
            drain_deadline: milliseconds(self.drain_deadline_ms, default.drain_deadline),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_start_at_the_working_directory() {
        let here = std::env::current_dir().unwrap();
        assert_eq!(folder_of(Path::new("locum.toml")).unwrap(), here);
        assert_eq!(folder_of(Path::new("etc/locum.toml")).unwrap(), here.join("etc"));
        assert_eq!(folder_of(Path::new("/etc/locum.toml")).unwrap(), Path::new("/etc"));
    }
    #[test]
    fn limits_that_are_not_set_have_their_defaults() {
        let limits = |text: &str| toml::from_str::<LimitsConfig>(text).unwrap().server();
        assert_eq!(limits(""), Limits::default());
        let set = limits("connections_per_address = 7\nwrite_deadline_ms = 1500");
        assert_eq!(
            set,
            Limits {
                connections_per_address_max: 7,
                write_deadline: Duration::from_millis(1500),
                ..Limits::default()
            }
        );
        assert!(toml::from_str::<LimitsConfig>("connections_per_addres = 7").is_err());
    }
}
