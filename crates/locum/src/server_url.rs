//! The URL of another server: in the config, or with a password in a file that the config names.

use std::path::Path;

use locum_store::text_file;

use crate::config::Config;
use crate::exit::CommandError;

/// Largest file with a URL, in bytes.
const URL_BYTES_MAX: u64 = 4096;

/// A URL as it was written, and where.
pub(crate) struct ServerUrl<'a> {
    pub(crate) url: String,
    config: &'a Config,
    key: String,
}

impl ServerUrl<'_> {
    /// The error for a URL that cannot be used.
    pub(crate) fn refused(&self, why: impl std::fmt::Display) -> CommandError {
        refused(self.config, &self.key, why)
    }
}

/// The URL of the key, or of the file that the key with `_file` names, if there is one.
///
/// # Errors
/// There are both, the file cannot be read, or the URL has a password and is not in a file. No message shows the URL.
pub(crate) fn read<'a>(
    config: &'a Config,
    key: &str,
    url: Option<&str>,
    file: Option<&Path>,
) -> Result<Option<ServerUrl<'a>>, CommandError> {
    let file_key = format!("{key}_file");
    let (key, url) = match (url, file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(refused(config, key, format!("set `{key}` or `{file_key}`, not both")));
        }
        (Some(url), None) if has_password(url) => {
            return Err(refused(
                config,
                key,
                format!(
                    "write a URL with a password in a file that others cannot read, and name it with `{file_key}`"
                ),
            ));
        }
        (Some(url), None) => (key.to_owned(), url.trim().to_owned()),
        (None, Some(path)) => {
            let text = text_file::read(path, URL_BYTES_MAX)
                .map_err(|error| refused(config, &file_key, format!("{}: {error}", path.display())))?;
            (file_key, text.trim().to_owned())
        }
    };
    Ok(Some(ServerUrl { url, config, key }))
}

/// Whether something between `//` and `@` follows a colon. What is no URL is left to whoever parses it.
fn has_password(url: &str) -> bool {
    let after_scheme = url.split_once("//").map_or(url, |(_, rest)| rest);
    after_scheme.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn refused(config: &Config, key: &str, why: impl std::fmt::Display) -> CommandError {
    CommandError::input_file(format!("{}: {key}: {why}", config.file.display()))
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn a_password_follows_a_colon_before_the_last_at_sign() {
        for url in
            ["redis://:pw@db:6379", "postgres://locum:p@w@db/locum", "postgres://locum:p/w?@db", "u:p@db"]
        {
            assert!(has_password(url), "{url}");
        }
        for url in ["redis://db:6379", "postgres://locum@db:5432/locum", "unix:///run/redis.sock", "db:1"] {
            assert!(!has_password(url), "{url}");
        }
    }
}
