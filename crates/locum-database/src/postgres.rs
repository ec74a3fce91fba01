//! The URL of a PostgreSQL server: what it may say, what is added to it, and how it is shown.

use std::fmt;
use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::error::DatabaseError;
use crate::limits::POSTGRES_TIME_LIMITS;

/// What a URL may say after `?`. sqlx ignores others, and logs their values.
const PARAMETERS: [&str; 10] = [
    "application_name",
    "dbname",
    "host",
    "options",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// The URL of a PostgreSQL server that can be used: `postgres://user:password@host:port/database`, or
/// `postgres:///database?host=/folder/of/the/socket`. A host that is not this machine must prove by its certificate that it is
/// what the URL names, unless `sslmode` in the URL says otherwise.
#[derive(Clone)]
pub struct PostgresUrl {
    /// With what was added.
    url: Url,
    /// Without a password.
    name: String,
}

impl FromStr for PostgresUrl {
    type Err = DatabaseError;

    /// # Errors
    /// Why it cannot be used, without its password.
    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        // The parser's own words may repeat a part of the password.
        let given: Url =
            text.parse().map_err(|_| refused("is not a URL; write postgres://user@host/database"))?;
        if !matches!(given.scheme(), "postgres" | "postgresql") {
            return Err(refused("must begin with postgres://"));
        }
        let parameters = parameters(&given)?;
        let url = with_defaults(&given, &parameters)?;
        PgConnectOptions::from_url(&url).map_err(|why| refused(&format!("cannot be used: {why}")))?;
        Ok(Self { url, name: name(&given, &parameters) })
    }
}

impl PostgresUrl {
    /// The options of a connection.
    pub(crate) fn options(&self) -> Result<AnyConnectOptions, sqlx::Error> {
        AnyConnectOptions::from_url(&self.url)
    }

    /// The URL without its password.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresUrl").field(&self.name).finish()
    }
}

/// What follows `?`.
fn parameters(url: &Url) -> Result<Vec<(String, String)>, DatabaseError> {
    let parameters: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    for (name, _) in &parameters {
        if name == "password" {
            return Err(refused("has its password after `?`; write postgres://user:password@host/database"));
        }
        if !PARAMETERS.contains(&name.as_str()) && !name.starts_with("options[") {
            let known = PARAMETERS.join(", ");
            return Err(refused(&format!("has an unknown parameter `{name}`; known are {known}")));
        }
    }
    Ok(parameters)
}

fn with_defaults(given: &Url, parameters: &[(String, String)]) -> Result<Url, DatabaseError> {
    let named = parameters.iter().rfind(|(name, _)| name == "host").map(|(_, value)| value.as_str());
    let host = named.or(given.host_str().filter(|host| !host.is_empty())).ok_or_else(|| {
        refused(
            "names no host; write postgres://user@host/database or postgres:///database?host=/run/postgresql",
        )
    })?;
    let mut url = given.clone();
    {
        let mut query = url.query_pairs_mut();
        query.clear().append_pair("application_name", "locum").extend_pairs(POSTGRES_TIME_LIMITS);
        if !is_this_machine(host) {
            query.append_pair("sslmode", "verify-full");
        }
        // Of two, the later counts.
        query.extend_pairs(parameters);
    }
    Ok(url)
}

/// The URL without its password, and without what nobody needs to find the server.
fn name(given: &Url, parameters: &[(String, String)]) -> String {
    let mut url = given.clone();
    let is_shown = |name: &str| matches!(name, "host" | "port" | "dbname" | "user");
    let shown = parameters.iter().filter(|(name, _)| is_shown(name));
    url.query_pairs_mut().clear().extend_pairs(shown);
    if url.query() == Some("") {
        url.set_query(None);
    }
    // It fails where there is no host, and then there is no password.
    let _ = url.set_password(None);
    url.into()
}

/// Nobody else reads what is sent to a socket of the file system or to the loopback interface.
fn is_this_machine(host: &str) -> bool {
    let is_socket =
        host.starts_with('/') || host.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("%2f"));
    is_socket || matches!(host, "localhost" | "127.0.0.1" | "[::1]" | "::1")
}

fn refused(why: &str) -> DatabaseError {
    DatabaseError::Url(why.to_owned())
}
