//! The Redis server of the config, in which several servers count requests together.

use locum_redis::RedisBuckets;

use crate::config::Config;
use crate::exit::CommandError;
use crate::server_url;

/// The buckets in the Redis server of the config, if it names one. It is connected to by the first request.
///
/// # Errors
/// The URL or its file cannot be used. No message shows the URL.
pub(crate) fn buckets(config: &Config) -> Result<Option<RedisBuckets>, CommandError> {
    let url = server_url::read(config, "redis", config.redis.as_deref(), config.redis_file.as_deref())?;
    url.map(|url| RedisBuckets::new(&url.url).map_err(|error| url.refused(error))).transpose()
}
