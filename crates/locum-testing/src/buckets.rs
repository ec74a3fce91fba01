//! Rate-limit buckets that record the requested keys, and can be made to fail; and what every store of them must do.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use locum_engine::ports::{BucketKey, BucketSubject, Buckets, PortReply, StoreUnavailable};
use locum_engine::{BucketDecision, BucketRule, TokenBucket};

use crate::faults::{PortCalls, UNAVAILABLE};

/// The key of a request to the buckets: the tenant's domain, the address, and the `Debug` text of the subject.
pub type RequestedKey = (String, IpAddr, String);

/// Buckets in memory, with the engine's arithmetic.
pub struct RecordingBuckets {
    states: Mutex<HashMap<RequestedKey, TokenBucket>>,
    requested: Mutex<Vec<RequestedKey>>,
    empty_at_first: bool,
    calls: Arc<PortCalls>,
}

impl RecordingBuckets {
    pub(crate) fn new(empty_at_first: bool, calls: Arc<PortCalls>) -> Self {
        Self { states: Mutex::default(), requested: Mutex::default(), empty_at_first, calls }
    }

    fn first_bucket(&self, rule: BucketRule, now_unix_ms: u64) -> TokenBucket {
        let mut bucket = TokenBucket::FULL;
        for _ in 0..if self.empty_at_first { rule.size.get() } else { 0 } {
            bucket = bucket.try_acquire(rule, now_unix_ms).0;
        }
        bucket
    }

    /// The keys of all requests, oldest first, including requests that failed.
    pub fn requested(&self) -> Vec<RequestedKey> {
        self.requested.lock().unwrap().clone()
    }
}

impl Buckets for RecordingBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        // What is taken for these changes no answer, so its failures are not among those that tests go through.
        let counts_failures =
            matches!(key.subject, BucketSubject::InvalidTokens | BucketSubject::UnknownNames);
        let key: RequestedKey = (key.tenant.to_owned(), key.ip, format!("{:?}", key.subject));
        self.requested.lock().unwrap().push(key.clone());
        let answer = if counts_failures || self.calls.succeeds("buckets") {
            let mut states = self.states.lock().unwrap();
            let bucket = states.get(&key).copied().unwrap_or_else(|| self.first_bucket(rule, now_unix_ms));
            let (bucket, decision) = bucket.try_acquire(rule, now_unix_ms);
            states.insert(key, bucket);
            Ok(decision)
        } else {
            Err(StoreUnavailable(UNAVAILABLE.to_owned()))
        };
        PortReply::Now(answer)
    }

    /// It always answers, and counts as no call: the buckets are asked again in any request that can succeed.
    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        let key: RequestedKey = (key.tenant.to_owned(), key.ip, format!("{:?}", key.subject));
        let bucket = self.states.lock().unwrap().get(&key).copied().unwrap_or(TokenBucket::FULL);
        PortReply::Now(Ok(bucket.peek(rule, now_unix_ms)))
    }
}

/// What every store of buckets must do that takes the time from its caller. Panics unless this one does. The keys are new ones
/// for each `tag`.
pub async fn check_bucket_store(store: &dyn Buckets, tag: &str) {
    counts_like_the_bucket(store, tag).await;
    separates_keys(store, tag).await;
    a_look_takes_nothing(store, tag).await;
}

/// Milliseconds since the unix epoch at which these tests begin.
const T0: u64 = 1_900_000_000_000;

/// By how many milliseconds the clock moves before each request: forwards, backwards or not at all.
const STEPS: [i64; 40] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 59_999, 1, 0, 30_000, 29_999, 2, 0, -600_000, 0, 59_999, 1, 0, 120_000,
    0, 0, 0, 600_000, 0, 0, 1, 999, -30_000, 0, 3_600_000, 0, 0, 86_400_000, 0, 0,
];

async fn counts_like_the_bucket(store: &dyn Buckets, tag: &str) {
    let odd = BucketRule { size: 3.try_into().unwrap(), per_minute: 7.try_into().unwrap() };
    for (index, rule) in
        [BucketRule::AUTH0_DEFAULT, BucketRule::INVALID_TOKENS_DEFAULT, odd].into_iter().enumerate()
    {
        let user = format!("{tag} {index}");
        let key = key_of(&user);
        let (mut bucket, mut now) = (TokenBucket::FULL, T0);
        for (at, step) in STEPS.into_iter().enumerate() {
            now = now.checked_add_signed(step).unwrap();
            assert_eq!(
                store.peek(key, rule, now).wait().await,
                Ok(bucket.peek(rule, now)),
                "{rule:?}, look {at}"
            );
            let (next, decision) = bucket.try_acquire(rule, now);
            bucket = next;
            assert_eq!(
                store.try_acquire(key, rule, now).wait().await,
                Ok(decision),
                "{rule:?}, request {at}"
            );
        }
    }
}

async fn separates_keys(store: &dyn Buckets, tag: &str) {
    let one = BucketRule { size: 1.try_into().unwrap(), per_minute: 1.try_into().unwrap() };
    let other = format!("{tag} other");
    let alice = key_of(tag);
    for key in [
        alice,
        key_of(&other),
        BucketKey { ip: [192, 0, 2, 2].into(), ..alice },
        BucketKey { tenant: crate::GLOBEX, ..alice },
        BucketKey { subject: BucketSubject::Revocations(tag), ..alice },
        BucketKey { subject: BucketSubject::UserInfo(tag), ..alice },
        BucketKey { subject: BucketSubject::WrongSecrets(tag), ..alice },
        BucketKey { subject: BucketSubject::Management(tag), ..alice },
    ] {
        for conforms in [true, false] {
            let decision = store.try_acquire(key, one, T0).wait().await.unwrap();
            assert_eq!(decision.conforms, conforms, "{key:?}");
        }
    }
}

async fn a_look_takes_nothing(store: &dyn Buckets, tag: &str) {
    let user = format!("{tag} look");
    for _ in 0..3 {
        let decision = store.peek(key_of(&user), BucketRule::AUTH0_DEFAULT, T0).wait().await.unwrap();
        assert_eq!((decision.conforms, decision.remaining), (true, 9));
    }
}

fn key_of(user_id: &str) -> BucketKey<'_> {
    BucketKey { tenant: crate::ACME, ip: [192, 0, 2, 1].into(), subject: BucketSubject::User(user_id) }
}
