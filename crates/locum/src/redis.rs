//! The Redis server of the config, in which several servers count requests together.

use locum_redis::RedisBuckets;
use locum_store::text_file;

use crate::config::Config;
use crate::exit::CommandError;

/// Largest file with a URL, in bytes.
const URL_BYTES_MAX: u64 = 4096;

/// The buckets in the Redis server of the config, if it names one. It is connected to by the first request.
///
/// # Errors
/// The URL or its file cannot be used. No message shows the URL.
pub(crate) fn buckets(config: &Config) -> Result<Option<RedisBuckets>, CommandError> {
    let refused =
        |key: &str, why: String| CommandError::input_file(format!("{}: {key}: {why}", config.file.display()));
    let (key, url) = match (&config.redis, &config.redis_file) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(refused("redis", "set `redis` or `redis_file`, not both".to_owned()));
        }
        (Some(url), None) if url.contains('@') => {
            let why = "write a URL with a password in a file that others cannot read, and name it with `redis_file`";
            return Err(refused("redis", why.to_owned()));
        }
        (Some(url), None) => ("redis", url.clone()),
        (None, Some(path)) => {
            let unreadable = |error| refused("redis_file", format!("{}: {error}", path.display()));
            ("redis_file", text_file::read(path, URL_BYTES_MAX).map_err(unreadable)?.to_string())
        }
    };
    RedisBuckets::new(url.trim()).map(Some).map_err(|error| refused(key, error.to_string()))
}
