//! The URL of a PostgreSQL server: what it may say, what is added to it, and how it is shown.

use sqlx::any::AnyConnectOptions;

use crate::error::DatabaseError;
use crate::limits::POSTGRES_TIME_LIMITS;

/// What a URL may say after `?`. sqlx ignores others, and logs their values.
const PARAMETERS: [&str; 11] = [
    "application_name",
    "dbname",
    "host",
    "options",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// A URL that was checked.
pub(crate) struct Address {
    /// With what was added.
    pub(crate) url: String,
    /// Without a password.
    pub(crate) name: String,
}

/// Checks a URL.
pub(crate) fn address(url: &str) -> Result<Address, DatabaseError> {
    let refused = |why: &str| DatabaseError::Url(why.to_owned());
    // The parser's own words may repeat a part of the password.
    let parsed = url.parse::<AnyConnectOptions>();
    let given =
        parsed.map_err(|_| refused("is not a URL; write postgres://user@host/database"))?.database_url;
    if !matches!(given.scheme(), "postgres" | "postgresql") {
        return Err(refused("must begin with postgres://"));
    }
    let parameters: Vec<(String, String)> =
        given.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    for (name, _) in &parameters {
        if name == "password" {
            return Err(refused("has its password after `?`; write postgres://user:password@host/database"));
        }
        if !PARAMETERS.contains(&name.as_str()) && !name.starts_with("options[") {
            return Err(DatabaseError::Url(format!(
                "has an unknown parameter `{name}`; known are {}",
                PARAMETERS.join(", ")
            )));
        }
    }
    let parameter =
        |name: &str| parameters.iter().rfind(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let host = parameter("host").or(given.host_str().filter(|host| !host.is_empty()));
    let host = host.ok_or_else(|| {
        refused(
            "names no host; write postgres://user@host/database or postgres:///database?host=/run/postgresql",
        )
    })?;

    let mut with_defaults = given.clone();
    {
        let mut query = with_defaults.query_pairs_mut();
        query.clear().append_pair("application_name", "locum").extend_pairs(POSTGRES_TIME_LIMITS);
        if !is_this_machine(host) {
            query.append_pair("sslmode", "verify-full");
        }
        // Of two, the later counts.
        query.extend_pairs(&parameters);
    }
    let mut name = given.clone();
    let shown =
        parameters.iter().filter(|(name, _)| matches!(name.as_str(), "host" | "port" | "dbname" | "user"));
    name.query_pairs_mut().clear().extend_pairs(shown);
    if name.query() == Some("") {
        name.set_query(None);
    }
    // It fails where there is no host, and then there is no password.
    let _ = name.set_password(None);
    Ok(Address { url: with_defaults.into(), name: name.into() })
}

/// Nobody else reads what is sent to a socket of the file system or to the loopback interface.
fn is_this_machine(host: &str) -> bool {
    let is_socket =
        host.starts_with('/') || host.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2f"));
    is_socket || matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1")
}
