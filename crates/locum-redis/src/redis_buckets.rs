//! Rate buckets in Redis: one script takes a token, so that nodes cannot take the same one.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use locum_engine::ports::{BucketKey, Buckets, PortReply, StoreReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule};
use redis::{Client, Script};
use tokio::time::{Instant, timeout_at};

use crate::breaker::Breaker;
use crate::connection::Connection;

/// How long a request waits for Redis, connecting included.
const DEADLINE: Duration = Duration::from_millis(50);

/// The bytes of the digest that names a user's bucket.
const DIGEST_BYTES: usize = 16;

/// Rate buckets that several nodes share.
///
/// A key is `locum:`, the tenant's domain, and 128 bits of the SHA-256 of address and subject; it lives until its bucket is
/// full. The time is that of Redis, so that nodes whose clocks differ count alike.
///
/// A request waits for 50 ms at most. After three failures in a row no request waits for a second, and then one tries.
pub struct RedisBuckets {
    connection: Connection,
    script: Script,
    breaker: Breaker,
    time: Time,
}

/// Whose time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    OfRedis,
    OfCaller,
}

/// The text is not the URL of a Redis server. It may hold a password, so it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the URL of a Redis server, such as redis://127.0.0.1:6379, rediss://name:password@host, or unix:///run/redis.sock"
)]
pub struct InvalidRedisUrl;

impl RedisBuckets {
    /// The buckets of this server, which is connected to by the first request.
    ///
    /// # Errors
    /// It is not the URL of a Redis server.
    pub fn new(url: &str) -> Result<Self, InvalidRedisUrl> {
        Ok(Self {
            connection: Connection::to(Client::open(url).map_err(|_| InvalidRedisUrl)?),
            script: Script::new(include_str!("take_token.lua")),
            breaker: Breaker::new(),
            time: Time::OfRedis,
        })
    }

    /// The same, by the time that each call states.
    #[must_use]
    pub fn by_callers_time(mut self) -> Self {
        self.time = Time::OfCaller;
        self
    }

    /// The decision, or why there is none.
    async fn decide(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
        mode: &str,
    ) -> Result<BucketDecision, StoreUnavailable> {
        if !self.breaker.may_call() {
            return Err(StoreUnavailable("Redis did not answer a moment ago".to_owned()));
        }
        let answer = self.answer(key, rule, now_unix_ms, mode).await;
        match answer.and_then(|numbers| decision(rule, &numbers)) {
            Ok(decision) => {
                if self.breaker.succeeded() {
                    tracing::info!("Redis counts requests again");
                }
                Ok(decision)
            }
            Err(why) => {
                if self.breaker.failed() {
                    tracing::warn!("Redis does not count requests: {why}");
                }
                Err(StoreUnavailable(format!("Redis: {why}")))
            }
        }
    }

    /// What the script answers, or why there is no answer.
    async fn answer(
        &self,
        key: BucketKey<'_>,
        rule: BucketRule,
        now_unix_ms: u64,
        mode: &str,
    ) -> Result<[String; 3], String> {
        let deadline = Instant::now() + DEADLINE;
        let no_answer = |_| format!("no answer within {} ms", DEADLINE.as_millis());
        let connected = timeout_at(deadline, self.connection.get()).await.map_err(no_answer)?;
        let (mut connection, number) = connected.map_err(|error| error.to_string())?;
        let now = match self.time {
            Time::OfRedis => String::new(),
            Time::OfCaller => now_unix_ms.saturating_mul(1000).to_string(),
        };
        let mut call = self.script.key(name(key));
        call.arg(rule.token_us()).arg(rule.capacity_us()).arg(mode).arg(now);
        let answer = timeout_at(deadline, call.invoke_async(&mut connection)).await;
        let answer = answer.map_err(no_answer).and_then(|answer| answer.map_err(|error| error.to_string()));
        if answer.is_err() {
            // Also after a timeout: whoever has vanished sends no end of the connection.
            self.connection.give_up(number).await;
        }
        answer
    }
}

/// The name of a bucket. It has no braces, so that the buckets of one tenant are not all on one node of a cluster.
fn name(key: BucketKey<'_>) -> String {
    let (kind, id) = key.subject.parts();
    let mut digest = Context::new(&SHA256);
    for part in [key.ip.to_string().as_str(), kind, id] {
        digest.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finish();
    let digest = digest.as_ref().get(..DIGEST_BYTES).unwrap_or_default();
    format!("locum:{}:{}", key.tenant, hex::encode(digest))
}

fn decision(rule: BucketRule, numbers: &[String; 3]) -> Result<BucketDecision, String> {
    let [conforms, missing, full_at] = numbers;
    let number = |text: &String| text.parse::<u64>().map_err(|_| "its script answered no numbers".to_owned());
    Ok(BucketDecision::of(rule, conforms == "1", number(missing)?, number(full_at)?))
}

impl Buckets for RedisBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        PortReply::Later(Box::pin(self.decide(key, rule, now_unix_ms, "take")))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        PortReply::Later(Box::pin(self.decide(key, rule, now_unix_ms, "peek")))
    }
}

// The URL may hold a password.
impl fmt::Debug for RedisBuckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBuckets").field("time", &self.time).finish_non_exhaustive()
    }
}
