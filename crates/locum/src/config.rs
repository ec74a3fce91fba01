//! The config file, `locum.toml`. Unknown keys are errors.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use locum_engine::model::WhenUnavailable;
use locum_server::Limits;
use locum_store::audit::{AuditOptions, Destination};
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
    pub(crate) audit: AuditConfig,
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

/// Where audit events go, and what happens if they cannot be written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditConfig {
    /// A file; it is created, and appended to.
    file: Option<PathBuf>,
    /// A Unix stream socket. Without `file` and `socket`, events go to standard error.
    socket: Option<PathBuf>,
    #[serde(default)]
    when_unavailable: WhenUnavailableConfig,
    /// Most bytes of events that wait to be written.
    buffer_bytes: Option<usize>,
    /// Longest time that a request waits for its event, if `when_unavailable` is `closed`.
    deadline_ms: Option<u64>,
    /// How often the head of the chain goes to the log; 0 for never.
    head_interval_s: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WhenUnavailableConfig {
    #[default]
    Open,
    Closed,
}

/// Limits that differ from the defaults; times are in milliseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsConfig {
    body_bytes: Option<usize>,
    parameters: Option<usize>,
    in_flight: Option<usize>,
    connections: Option<usize>,
    request_deadline_ms: Option<u64>,
    drain_deadline_ms: Option<u64>,
    /// Longest time to issue one credential, including upstream calls.
    issue_deadline_ms: Option<u64>,
}

/// How often the head of the audit chain goes to the log by default.
const HEAD_INTERVAL_SECONDS: u64 = 600;

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
    for path in [&mut config.audit.file, &mut config.audit.socket].into_iter().flatten() {
        *path = base.join(&path);
    }
    if config.audit.file.is_some() && config.audit.socket.is_some() {
        return Err(CommandError::input_file(format!(
            "{shown}: set `audit.file` or `audit.socket`, not both"
        )));
    }
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

impl AuditConfig {
    /// The options of the audit log.
    pub(crate) fn options(&self) -> AuditOptions {
        let mut options = AuditOptions::new(match (&self.file, &self.socket) {
            (Some(file), _) => Destination::File(file.clone()),
            (None, Some(socket)) => Destination::Socket(socket.clone()),
            (None, None) => Destination::StandardError,
        });
        options.when_unavailable = match self.when_unavailable {
            WhenUnavailableConfig::Open => WhenUnavailable::Open,
            WhenUnavailableConfig::Closed => WhenUnavailable::Closed,
        };
        options.buffer_bytes = self.buffer_bytes.unwrap_or(options.buffer_bytes);
        options.deadline = self.deadline_ms.map_or(options.deadline, Duration::from_millis);
        options
    }

    /// How often the head of the chain goes to the log, if ever.
    pub(crate) fn head_interval(&self) -> Option<Duration> {
        let seconds = self.head_interval_s.unwrap_or(HEAD_INTERVAL_SECONDS);
        (seconds > 0).then(|| Duration::from_secs(seconds))
    }
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
}
