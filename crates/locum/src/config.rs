//! The config file, `locum.toml`. Unknown keys are errors.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use locum_database::directory::DirectoryOptions;
use locum_engine::model::WhenUnavailable;
use locum_server::Limits;
use locum_store::audit::{AuditOptions, Destination};
use locum_store::text_file;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::exit::CommandError;

/// The config, with every path resolved against the folder of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The file itself, as the command line names it.
    #[serde(skip)]
    pub(crate) file: PathBuf,
    #[serde(default)]
    pub(crate) listen: ListenAddress,
    /// Where metrics are served. Without it they are not, and nothing is measured.
    pub(crate) metrics_listen: Option<ListenAddress>,
    /// Where the Management API is served. Without it, it is beside the other endpoints.
    pub(crate) management_listen: Option<ListenAddress>,
    /// The directory of the plugin files; `plugins.lock` is beside it.
    pub(crate) plugins_dir: PathBuf,
    /// Where tenants, clients and users are.
    #[serde(default)]
    pub(crate) directory: DirectoryConfig,
    /// The tenant files, if they are there.
    #[serde(default)]
    pub(crate) tenants: Vec<PathBuf>,
    /// The file with the keys that seal the secrets of tenants in the database.
    pub(crate) master_keys_file: Option<PathBuf>,
    /// The Unix socket on which a running server takes orders about its plugins. Without it there is none.
    pub(crate) control: Option<PathBuf>,
    /// The SQLite file that keeps refresh tokens. Without it and `postgres` there are none.
    pub(crate) state: Option<PathBuf>,
    /// The PostgreSQL server that keeps them for several servers.
    pub(crate) postgres: Option<String>,
    /// A file that contains the URL of the PostgreSQL server, which may then hold a password.
    pub(crate) postgres_file: Option<PathBuf>,
    /// Whether the start makes the tables in PostgreSQL, or brings them to the version that it needs.
    #[serde(default)]
    pub(crate) migrate: bool,
    /// The Redis server in which several servers count requests together. Without it each counts its own.
    pub(crate) redis: Option<String>,
    /// A file that contains the URL of the Redis server, which may then hold a password.
    pub(crate) redis_file: Option<PathBuf>,
    /// Networks of the proxies whose `X-Forwarded-For` is trusted.
    #[serde(default, deserialize_with = "networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Whether files that others can change are refused; otherwise they are warned about.
    #[serde(default)]
    pub(crate) strict_permissions: bool,
    /// Whether plugins with a process of their own are refused where the kernel cannot do all that it could for them.
    #[serde(default)]
    pub(crate) strict_sandbox: bool,
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

/// Where tenants, clients and users are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DirectoryConfig {
    /// In the tenant files of `tenants`.
    #[default]
    Files,
    /// In the database of `state` or `postgres`.
    Database,
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
    connections_per_address: Option<usize>,
    write_deadline_ms: Option<u64>,
    request_deadline_ms: Option<u64>,
    drain_deadline_ms: Option<u64>,
    /// Longest time to issue one credential, including upstream calls.
    issue_deadline_ms: Option<u64>,
    /// Longest time that a reload may take before it is abandoned.
    reload_deadline_ms: Option<u64>,
    /// About how many bytes of clients and users of the database are kept in memory.
    directory_cache_bytes: Option<u64>,
    /// How long these are used while the database cannot be reached.
    directory_stale_ms: Option<u64>,
}

/// How often the head of the audit chain goes to the log by default.
const HEAD_INTERVAL_SECONDS: u64 = 600;

/// How long a reload may take, unless the config sets another time. Ten thousand users take about a second.
const RELOAD_DEADLINE: Duration = Duration::from_secs(60);

/// Host and port to listen on: an IP address or a name, such as `localhost:3000`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ListenAddress(String);

impl ListenAddress {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is any address of the machine.
    pub(crate) fn is_unspecified(&self) -> bool {
        self.0.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_unspecified())
    }

    /// Whether two listeners cannot have these addresses at the same time, as far as that is known without resolving
    /// names.
    fn overlaps(&self, other: &Self) -> bool {
        match (self.0.parse::<SocketAddr>(), other.0.parse::<SocketAddr>()) {
            (Ok(one), Ok(other)) => {
                let meets =
                    one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
                one.port() == other.port() && one.port() != 0 && meets
            }
            _ => self == other && !self.0.ends_with(":0"),
        }
    }
}

impl Default for ListenAddress {
    fn default() -> Self {
        Self("127.0.0.1:3000".to_owned())
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_name = |host: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
            !host.is_empty() && host.chars().all(allowed)
        };
        let is_named =
            text.rsplit_once(':').is_some_and(|(host, port)| is_name(host) && port.parse::<u16>().is_ok());
        if is_named || text.parse::<SocketAddr>().is_ok() {
            Ok(Self(text))
        } else {
            Err("expected an address and a port, such as \"127.0.0.1:3000\" or \"localhost:3000\"")
        }
    }
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.to_owned().try_into()
    }
}

/// Networks, or single addresses.
fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let network = |text: &String| {
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        text.parse::<IpNet>().ok().or_else(address)
    };
    let networks: Option<Vec<IpNet>> = texts.iter().map(network).collect();
    networks.ok_or_else(|| {
        D::Error::custom("expected addresses or networks, such as \"10.1.2.3\" or \"10.0.0.0/8\"")
    })
}

/// Largest config file, in bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Reads a config file.
pub(crate) fn load(path: &Path) -> Result<Config, CommandError> {
    let shown = path.display();
    let text = text_file::read(path, CONFIG_BYTES_MAX).map_err(|error| {
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
    config.file = path.to_owned();
    let paths = [
        &mut config.audit.file,
        &mut config.audit.socket,
        &mut config.control,
        &mut config.master_keys_file,
        &mut config.state,
        &mut config.postgres_file,
        &mut config.redis_file,
    ];
    for path in paths.into_iter().flatten() {
        *path = base.join(&path);
    }
    if config.audit.file.is_some() && config.audit.socket.is_some() {
        return Err(CommandError::input_file(format!(
            "{shown}: set `audit.file` or `audit.socket`, not both"
        )));
    }
    config.check_listeners()?;
    Ok(config)
}

impl Config {
    /// # Errors
    /// Two listeners would have one address.
    pub(crate) fn check_listeners(&self) -> Result<(), CommandError> {
        let (metrics, management) = (self.metrics_listen.as_ref(), self.management_listen.as_ref());
        let pairs = [
            (METRICS_ALONE, metrics, "listen", Some(&self.listen)),
            (MANAGEMENT_ALONE, management, "listen", Some(&self.listen)),
            (MANAGEMENT_ALONE, management, "metrics_listen", metrics),
        ];
        for (needs, address, other_name, other) in pairs {
            let (Some(address), Some(other)) = (address, other) else { continue };
            if address.overlaps(other) {
                return Err(CommandError::input_file(format!(
                    "{}: {needs}; {} is taken by `{other_name}`",
                    self.file.display(),
                    address.as_str()
                )));
            }
        }
        Ok(())
    }

    /// A warning, if metrics can be read on every address of the machine.
    pub(crate) fn metrics_for_everybody(&self) -> Option<String> {
        let metrics = self.metrics_listen.as_ref().filter(|metrics| metrics.is_unspecified())?;
        Some(format!(
            "{}: metrics_listen: {} is every address of this machine, and metrics need no authentication; name a \
             private address",
            self.file.display(),
            metrics.as_str()
        ))
    }
}

const METRICS_ALONE: &str = "metrics_listen: metrics need an address or port of their own";

const MANAGEMENT_ALONE: &str = "management_listen: the Management API needs an address or port of its own";

const EXPECTED_NUMBER: &str = "expected a whole number of at least 0";

/// The error with file, line, column and field, without the library's drawing of the line, and without values.
fn located(file: &std::path::Display<'_>, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = without_value(error.message());
    // Names of Rust's types.
    let message = ["expected usize", "expected u64"]
        .iter()
        .fold(message, |message, name| message.replace(name, EXPECTED_NUMBER))
        .replace("expected a string", "expected a text in quotes")
        .replace("expected path string", "expected a text in quotes")
        .replace("expected a sequence", "expected a list, such as [\"a\"]")
        .replace("expected a boolean", "expected true or false")
        .replace("expected struct LimitsConfig", "expected a table, such as [limits]");
    let field = if message.starts_with("expected") { field_at(text, line) } else { None };
    match field {
        Some(field) => format!("{file}:{line}:{column}: {field}: {message}"),
        None => format!("{file}:{line}:{column}: {message}"),
    }
}

/// serde's messages about types show the value, which may be a secret in the wrong place.
fn without_value(message: &str) -> String {
    let shows_value = ["invalid type", "invalid value", "invalid length"];
    match message.rsplit_once(", expected ") {
        Some((_, expected)) if shows_value.iter().any(|start| message.starts_with(start)) => {
            format!("expected {expected}")
        }
        _ => match message.split_once("unknown variant `").and_then(|(_, rest)| rest.split_once("`, ")) {
            Some((_, expected)) => expected.to_owned(),
            None => message.to_owned(),
        },
    }
}

/// The name of the field that a line belongs to, with its table.
fn field_at(text: &str, line: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let (at, name) = lines.iter().enumerate().rev().find_map(|(at, line)| {
        let name = line.split_once('=')?.0.trim();
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
        (!name.is_empty() && name.chars().all(is_name)).then_some((at, name))
    })?;
    let tables = lines.get(..at)?.iter().rev();
    let mut tables = tables.filter_map(|line| line.trim().strip_prefix('[')?.strip_suffix(']'));
    Some(tables.next().map_or_else(|| name.to_owned(), |table| format!("{table}.{name}")))
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

    /// Longest time that a reload may take before it is abandoned.
    pub(crate) fn reload_deadline(&self) -> Duration {
        self.reload_deadline_ms.map_or(RELOAD_DEADLINE, Duration::from_millis)
    }

    /// How a directory in the database is kept in memory.
    pub(crate) fn directory(&self) -> DirectoryOptions {
        let mut options = DirectoryOptions::default();
        options.cache_bytes = self.directory_cache_bytes.unwrap_or(options.cache_bytes);
        options.stale_max = self.directory_stale_ms.map_or(options.stale_max, Duration::from_millis);
        options
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

    fn parsed(line: &str) -> Result<Config, String> {
        let text = format!("plugins_dir = \"p\"\ntenants = []\n{line}\n");
        toml::from_str(&text).map_err(|error| located(&Path::new("locum.toml").display(), &text, &error))
    }

    #[test]
    fn a_trusted_proxy_is_a_network_or_one_address() {
        let networks =
            parsed("trusted_proxies = [\"10.1.2.3\", \"::1\", \"10.0.0.0/8\"]").unwrap().trusted_proxies;
        let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.1.2.3/32", "::1/128", "10.0.0.0/8"]);
        assert_eq!(
            parsed("trusted_proxies = [\"10.1.2\"]").unwrap_err(),
            "locum.toml:3:19: trusted_proxies: expected addresses or networks, such as \"10.1.2.3\" or \"10.0.0.0/8\""
        );
    }

    #[test]
    fn listen_is_an_address_or_a_name_with_a_port() {
        for text in ["127.0.0.1:0", "[::1]:3000", "localhost:3000", "locum.internal:80"] {
            assert_eq!(parsed(&format!("listen = \"{text}\"")).unwrap().listen.as_str(), text);
        }
        for text in ["3000", "localhost", "localhost:99999", "http://localhost:3000", ":3000", "a b:1"] {
            let refused = parsed(&format!("listen = \"{text}\"")).unwrap_err();
            assert!(
                refused.starts_with("locum.toml:3:10: listen: expected an address and a port"),
                "{refused}"
            );
        }
    }

    #[test]
    fn metrics_have_an_address_or_a_port_of_their_own() {
        for (listen, metrics) in [
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("127.0.0.1:3000", "0.0.0.0:3000"),
            ("0.0.0.0:3000", "10.0.0.7:3000"),
            ("localhost:3000", "localhost:3000"),
        ] {
            let config = parsed(&format!("listen = \"{listen}\"\nmetrics_listen = \"{metrics}\"")).unwrap();
            let refused = config.check_listeners().unwrap_err().to_string();
            assert!(
                refused.contains("metrics_listen: metrics need an address or port of their own"),
                "{refused}"
            );
        }
        for (listen, metrics) in [
            ("127.0.0.1:3000", "127.0.0.1:3001"),
            ("10.0.0.7:3000", "10.0.0.8:3000"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:0", "localhost:0"),
            ("localhost:3000", "localhost:3001"),
        ] {
            let config = parsed(&format!("listen = \"{listen}\"\nmetrics_listen = \"{metrics}\"")).unwrap();
            assert!(config.check_listeners().is_ok(), "{listen} {metrics}");
        }
        assert!(
            parsed("metrics_listen = \"3000\"")
                .unwrap_err()
                .contains("3:18: metrics_listen: expected an address")
        );
        assert!(parsed("").unwrap().metrics_listen.is_none());
    }

    #[test]
    fn the_management_api_has_an_address_or_a_port_of_its_own() {
        let check = |others: &str| {
            let config = parsed(&format!("management_listen = \"127.0.0.1:3999\"\n{others}")).unwrap();
            config.check_listeners().map_err(|refused| refused.to_string())
        };
        for other in ["listen", "metrics_listen"] {
            let refused = check(&format!("{other} = \"0.0.0.0:3999\"")).unwrap_err();
            assert!(refused.contains("management_listen") && refused.contains(other), "{refused}");
            assert_eq!(check(&format!("{other} = \"127.0.0.1:3998\"")), Ok(()));
        }
    }

    #[test]
    fn metrics_on_every_address_are_warned_about() {
        let warning = |metrics: &str| {
            parsed(&format!("metrics_listen = \"{metrics}\"")).unwrap().metrics_for_everybody()
        };
        for everybody in ["0.0.0.0:9000", "[::]:9000"] {
            assert!(warning(everybody).unwrap().contains("name a private address"), "{everybody}");
        }
        for private in ["127.0.0.1:9000", "10.0.0.7:9000", "[::1]:9000", "localhost:9000"] {
            assert_eq!(warning(private), None);
        }
    }

    #[test]
    fn an_error_names_line_and_field_and_never_the_value() {
        for (line, expected) in [
            ("listen = 31337", "3:10: listen: expected a text in quotes"),
            ("log = \"hunter2\"", "3:7: log: expected `pretty` or `json`"),
            ("strict_permissions = \"hunter2\"", "3:22: strict_permissions: expected true or false"),
            ("trusted_proxies = \"hunter2\"", "3:19: trusted_proxies: expected a list, such as [\"a\"]"),
            ("limits = 31337", "3:10: limits: expected a table, such as [limits]"),
            (
                "[limits]\nbody_bytes = \"hunter2\"",
                "4:14: limits.body_bytes: expected a whole number of at least 0",
            ),
            (
                "[limits]\nissue_deadline_ms = -31337",
                "4:21: limits.issue_deadline_ms: expected a whole number of at least 0",
            ),
        ] {
            assert_eq!(parsed(line).unwrap_err(), format!("locum.toml:{expected}"));
        }
    }

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
