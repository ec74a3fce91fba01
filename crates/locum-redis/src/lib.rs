//! Keeps rate buckets in Redis, so that several nodes count together.

mod breaker;
mod connection;
mod redis_buckets;

pub use redis_buckets::{InvalidRedisUrl, RedisBuckets};
