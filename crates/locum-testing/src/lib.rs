//! Test doubles: ports in memory, scripted issuers, tokens and tenants for the tests of other crates.
//!
//! For tests only: it panics if a test is wrong.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is a failure of the test; the lints' own exception covers test functions only"
)]

mod audit_sink;
mod buckets;
mod clock;
mod directory;
mod entropy;
mod faults;
mod issuer_keys;
mod issuers;
mod observer;
mod postgres_server;
mod redis_server;
mod refresh_tokens;
mod requests;
mod tenants;
mod test_engine;
mod tokens;
mod used_assertions;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use audit_sink::RecordingSink;
pub use buckets::{RecordingBuckets, RequestedKey, check_bucket_store};
pub use clock::VirtualClock;
pub use directory::{FaultyDirectory, tenant_at};
pub use entropy::CountingEntropy;
pub use faults::{PortCalls, UNAVAILABLE};
pub use issuer_keys::ScriptedKeys;
pub use issuers::{IssuerScript, ScriptedIssuers, manifest, well_behaved};
pub use observer::{Recorded, RecordingObserver};
pub use postgres_server::{PostgresDatabase, PostgresServer, PostgresSession};
pub use redis_server::RedisServer;
pub use refresh_tokens::{FaultyRefreshTokens, check_refresh_token_store, refresh_token};
pub use requests::{caller, exchange_with, good, good_with, object, token_type};
pub use tenants::{blocked_user, both_tenants, bucket_rule, client, client_of, jwk_set, signing_key, tenant};
pub use test_engine::{Reply, TestEngine, TestSetup, TokenReply, summary};
pub use tokens::{SECRET, acme_key, claims_for, globex_key, hs256, hs256_by, id_token, rs256, signed_text};
pub use used_assertions::check_used_assertion_store;

/// The time at which every test starts, in unix seconds.
pub const NOW: i64 = 1_900_000_000;

/// The reference of the first request to a [`TestEngine`].
pub const REFERENCE: &str = "0000000000000001";

/// The tenant of most tests.
pub const ACME: &str = "acme.example.com";

/// Another tenant, with the same client ids, users and client secrets.
pub const GLOBEX: &str = "globex.example.com";

/// The output of a future that is ready at once, such as those of a [`TestEngine`]. Panics if it is not.
pub fn finished<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the engine waits for something that is not a port"),
    }
}
