//! Test doubles for the engine's ports. They depend neither on the time of the run nor on the machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{AuditSink, BucketKey, Buckets, Clock, Entropy, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, BucketDecision, BucketRule};
use locum_store::MemoryBuckets;
use serde_json::{Map, Value, json};
use tokio::task::yield_now;

/// A clock that moves only when told to.
pub(crate) struct VirtualClock(AtomicU64);

impl VirtualClock {
    pub(crate) fn at(unix_seconds: i64) -> Self {
        Self(AtomicU64::new(unix_seconds.unsigned_abs().saturating_mul(1000)))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds.saturating_mul(1000), Ordering::Relaxed);
    }

    pub(crate) fn now_unix_seconds(&self) -> i64 {
        i64::try_from(self.now_unix_ms() / 1000).unwrap_or(i64::MAX)
    }
}

impl Clock for VirtualClock {
    fn now_unix_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Entropy that differs with each draw and is the same in each run.
#[derive(Default)]
pub(crate) struct CountingEntropy(AtomicU64);

impl Entropy for CountingEntropy {
    fn draw(&self) -> [u8; ENTROPY_BYTES] {
        let drawn = self.0.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let mut bytes = [0; ENTROPY_BYTES];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let mixed = drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(index as u32 * 5 + 7);
            *byte = (mixed ^ (index as u64).wrapping_mul(0x1_0001)) as u8;
        }
        bytes
    }
}

/// Buckets that are always unavailable.
pub(crate) struct UnavailableBuckets;

impl Buckets for UnavailableBuckets {
    fn try_acquire<'a>(
        &'a self,
        _: BucketKey<'a>,
        _: BucketRule,
        _: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        PortReply::Now(Err(StoreUnavailable("the fixture makes the rate limiter unavailable".to_owned())))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        self.try_acquire(key, rule, now_unix_ms)
    }
}

/// Buckets that answer late, so that each request waits for them.
#[derive(Default)]
pub(crate) struct SlowBuckets(MemoryBuckets);

impl Buckets for SlowBuckets {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        late(self.0.try_acquire(key, rule, now_unix_ms))
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortReply<'a, Result<BucketDecision, StoreUnavailable>> {
        late(self.0.peek(key, rule, now_unix_ms))
    }
}

/// The same reply, which is there when it is asked for the second time.
fn late<'a, T: Send + 'a>(reply: PortReply<'a, T>) -> PortReply<'a, T> {
    PortReply::Later(Box::pin(async move {
        yield_now().await;
        reply.wait().await
    }))
}

/// Records the audit events of one request.
#[derive(Default)]
pub(crate) struct RecordingAuditSink(Mutex<Vec<Map<String, Value>>>);

impl RecordingAuditSink {
    pub(crate) fn clear(&self) {
        self.take();
    }

    pub(crate) fn take(&self) -> Vec<Map<String, Value>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AuditSink for RecordingAuditSink {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(as_members(&event));
        PortReply::Now(Ok(()))
    }
}

/// The event under the names that fixtures use, without members that are null.
fn as_members(event: &AuditEvent) -> Map<String, Value> {
    let refusal = event.refusal.as_ref();
    let members = json!({
        "code": event.code.as_str(),
        "reference": event.reference,
        "at": event.at_unix_ms / 1000,
        "host": event.host,
        "ip": event.ip,
        "tenant": event.tenant,
        "client_id": event.client_id,
        "user_id": event.user_id,
        "target": event.target,
        "api_type": event.api_type,
        "scope": event.scope,
        "device": event.device,
        "subject_token_sha256": event.subject_token_sha256,
        "expires_at": event.expires_at,
        "status": refusal.map(|refusal| refusal.status),
        "error": refusal.map(|refusal| refusal.code),
        "error_description": refusal.map(|refusal| &refusal.description),
        "inside": refusal.and_then(|refusal| refusal.inside.as_ref()),
        "auth0_client": event.auth0_client,
        "user_agent": event.user_agent,
        "uncounted": event.uncounted,
    });
    match members {
        Value::Object(members) => members.into_iter().filter(|(_, member)| !member.is_null()).collect(),
        _ => Map::new(),
    }
}
