//! The engine's ports in memory: each call is noted, and any can be made to fail.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{
    AuditSink, BucketKey, Buckets, Clock, Directory, Entropy, PortFuture, StoreUnavailable,
};
use locum_engine::tenant::Tenant;
use locum_engine::{AuditEvent, BucketDecision, BucketRule, TokenBucket, take};

/// What a port says of itself when it is away: only the log may read it.
pub(crate) const AWAY: &str = "db.internal:5432 refused the connection";

/// The calls of ports that can fail, in their order, and which of them do.
#[derive(Default)]
pub(crate) struct PortCalls {
    made: Mutex<Vec<&'static str>>,
    failing: Mutex<Failing>,
}

#[derive(Default)]
struct Failing {
    nth: Option<usize>,
    port: Option<&'static str>,
}

impl PortCalls {
    /// Lets the n-th call from now on fail, counted from 1.
    pub(crate) fn fail_nth(&self, n: usize) {
        self.made.lock().unwrap().clear();
        self.failing.lock().unwrap().nth = Some(n);
    }

    /// Lets every call of this port fail.
    pub(crate) fn fail_all_of(&self, port: &'static str) {
        self.failing.lock().unwrap().port = Some(port);
    }

    pub(crate) fn made(&self) -> Vec<&'static str> {
        self.made.lock().unwrap().clone()
    }

    /// Notes a call, and says whether it goes well.
    pub(super) fn goes_well(&self, port: &'static str) -> bool {
        let mut made = self.made.lock().unwrap();
        made.push(port);
        let failing = self.failing.lock().unwrap();
        failing.nth != Some(made.len()) && failing.port != Some(port)
    }
}

pub(crate) struct VirtualClock(AtomicI64);

impl VirtualClock {
    pub(crate) fn at(unix_seconds: i64) -> Self {
        Self(AtomicI64::new(unix_seconds))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now_unix_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap() * 1000
    }
}

/// Draws 1, 2, 3 and so on, so that every draw can be told from the others.
#[derive(Default)]
pub(crate) struct CountingEntropy(AtomicU64);

impl CountingEntropy {
    pub(crate) fn draws(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Entropy for CountingEntropy {
    fn draw(&self) -> [u8; ENTROPY_BYTES] {
        let mut bytes = [0; ENTROPY_BYTES];
        let draw = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        bytes[..8].copy_from_slice(&draw.to_be_bytes());
        bytes
    }
}

pub(crate) struct TenantsInMemory {
    tenants: HashMap<String, Arc<Tenant>>,
    calls: Arc<PortCalls>,
}

impl TenantsInMemory {
    pub(super) fn new(tenants: [Tenant; 2], calls: Arc<PortCalls>) -> Self {
        let by_domain = |tenant: Tenant| (tenant.domain.clone(), Arc::new(tenant));
        Self { tenants: tenants.into_iter().map(by_domain).collect(), calls }
    }
}

impl Directory for TenantsInMemory {
    fn tenant<'a>(&'a self, host: &'a str) -> PortFuture<'a, Result<Option<Arc<Tenant>>, StoreUnavailable>> {
        let answer = if self.calls.goes_well("directory") {
            Ok(self.tenants.get(host).cloned())
        } else {
            Err(StoreUnavailable(AWAY.to_owned()))
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Whose bucket was asked for: tenant, address, user.
pub(crate) type AskedKey = (String, IpAddr, String);

/// Buckets by the engine's own arithmetic.
pub(crate) struct BucketsInMemory {
    states: Mutex<HashMap<AskedKey, TokenBucket>>,
    asked: Mutex<Vec<AskedKey>>,
    calls: Arc<PortCalls>,
}

impl BucketsInMemory {
    pub(super) fn new(calls: Arc<PortCalls>) -> Self {
        Self { states: Mutex::default(), asked: Mutex::default(), calls }
    }

    pub(crate) fn asked(&self) -> Vec<AskedKey> {
        self.asked.lock().unwrap().clone()
    }
}

impl Buckets for BucketsInMemory {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> PortFuture<'a, Result<BucketDecision, StoreUnavailable>> {
        let key: AskedKey = (key.tenant.to_owned(), key.ip, key.user_id.to_owned());
        self.asked.lock().unwrap().push(key.clone());
        let answer = if self.calls.goes_well("buckets") {
            let mut states = self.states.lock().unwrap();
            let (state, taken) = take(states.get(&key).copied(), rule, now_unix_ms);
            states.insert(key, state);
            Ok(taken)
        } else {
            Err(StoreUnavailable(AWAY.to_owned()))
        };
        Box::pin(std::future::ready(answer))
    }
}

#[derive(Default)]
pub(crate) struct RecordingSink(Mutex<Vec<AuditEvent>>);

impl RecordingSink {
    /// The one event since the last one that was taken.
    pub(crate) fn take_the_only_event(&self) -> AuditEvent {
        let mut events = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }
}

impl AuditSink for RecordingSink {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}
