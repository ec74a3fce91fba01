//! Rate buckets in a real Redis server.

#![expect(clippy::unwrap_used, reason = "a failure here is a failure of the test")]

mod buckets;
mod refusals;
