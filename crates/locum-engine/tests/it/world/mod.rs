//! A whole engine in memory: ports made for tests, and one question put to it at a time.

mod issuers;
mod ports;
mod tenant;
mod token;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use locum_engine::{
    AuditCode, AuditEvent, Caller, DelegationResponse, Engine, Issued, JWT_BEARER, Ports, Refusal,
    RefusalKind,
};
use serde_json::{Map, Value, json};

pub(crate) use issuers::{Issuances, ScriptedIssuers, manifest, well_behaved};
pub(crate) use ports::{
    BucketsInMemory, CountingEntropy, PortCalls, RecordingSink, TenantsInMemory, VirtualClock,
};
pub(crate) use tenant::{ACME, GLOBEX, client, tenant};
pub(crate) use token::{claims_for, hs256, id_token, rs256, signed_text};

/// Unix seconds at which every test starts.
pub(crate) const NOW: i64 = 1_900_000_000;

/// The reference of the first request of a world.
pub(crate) const REFERENCE: &str = "0000000000000001";

/// What a world is made of; a test changes it before the first request.
pub(crate) struct Given {
    pub(crate) acme: locum_engine::tenant::Tenant,
    pub(crate) globex: locum_engine::tenant::Tenant,
    pub(crate) issuers: ScriptedIssuers,
    pub(crate) calls: Arc<PortCalls>,
}

impl Given {
    /// A client of the tenant `acme.example.com`.
    pub(crate) fn client(&mut self, id: &str) -> &mut locum_engine::tenant::Client {
        self.acme.clients.entry(id.to_owned()).or_insert_with(|| client(id))
    }
}

/// An engine, and what can be seen of it from behind.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) entropy: Arc<CountingEntropy>,
    pub(crate) buckets: Arc<BucketsInMemory>,
    pub(crate) sink: Arc<RecordingSink>,
    pub(crate) issuances: Arc<Issuances>,
    pub(crate) calls: Arc<PortCalls>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::given(|_| {})
    }

    pub(crate) fn given(change: impl FnOnce(&mut Given)) -> Self {
        let calls = Arc::new(PortCalls::default());
        let mut given = Given {
            acme: tenant(ACME),
            globex: tenant(GLOBEX),
            issuers: ScriptedIssuers::usual(Arc::clone(&calls)),
            calls: Arc::clone(&calls),
        };
        change(&mut given);
        let clock = Arc::new(VirtualClock::at(NOW));
        let entropy = Arc::new(CountingEntropy::default());
        let buckets = Arc::new(BucketsInMemory::new(Arc::clone(&calls)));
        let sink = Arc::new(RecordingSink::default());
        let issuances = Arc::clone(&given.issuers.issuances);
        let engine = Engine::new(Ports {
            clock: Arc::clone(&clock) as _,
            entropy: Arc::clone(&entropy) as _,
            directory: Arc::new(TenantsInMemory::new([given.acme, given.globex], Arc::clone(&calls))),
            buckets: Arc::clone(&buckets) as _,
            audit: Arc::clone(&sink) as _,
            issuers: Arc::new(given.issuers),
        });
        Self { engine, clock, entropy, buckets, sink, issuances, calls }
    }

    /// Asks for a delegation at `acme.example.com`.
    pub(crate) fn asks(&self, parameters: Map<String, Value>) -> Reply {
        self.asks_from(&caller(), parameters)
    }

    /// Asks for a delegation. Whatever comes of it, it is one audit event that says the same as the answer.
    pub(crate) fn asks_from(&self, caller: &Caller, parameters: Map<String, Value>) -> Reply {
        let answer = finished(self.engine.delegate(parameters, caller));
        let event = self.sink.take_the_only_event();
        let code = match &answer.outcome {
            Ok(_) => AuditCode::Success,
            Err(refusal) if refusal.kind() == RefusalKind::TooManyRequests => AuditCode::Limited,
            Err(_) => AuditCode::Failure,
        };
        assert_eq!(event.code, code, "{event:?}");
        Reply { answer, event }
    }

    /// Asks for a revocation at `acme.example.com`, which is one audit event too.
    pub(crate) fn revokes(&self, parameters: Value) -> (Result<(), Refusal>, AuditEvent) {
        let outcome = finished(self.engine.revoke(object(parameters), &caller()));
        let event = self.sink.take_the_only_event();
        let code = if outcome.is_ok() { AuditCode::Revoked } else { AuditCode::RevocationFailure };
        assert_eq!(event.code, code, "{event:?}");
        (outcome, event)
    }
}

/// What a request came to, outside and inside.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: DelegationResponse,
    pub(crate) event: AuditEvent,
}

impl Reply {
    pub(crate) fn issued(&self) -> &Issued {
        self.answer.outcome.as_ref().unwrap()
    }

    pub(crate) fn refusal(&self) -> &Refusal {
        self.answer.outcome.as_ref().unwrap_err()
    }

    /// Status, code and description in one line, or `issued`.
    pub(crate) fn told(&self) -> String {
        match &self.answer.outcome {
            Ok(_) => "issued".to_owned(),
            Err(refusal) => told(refusal),
        }
    }
}

/// Status, code and description in one line.
pub(crate) fn told(refusal: &Refusal) -> String {
    format!("{} {} {}", refusal.status(), refusal.code(), refusal.description())
}

/// Alice's browser, at `acme.example.com`.
pub(crate) fn caller() -> Caller {
    Caller { host: ACME.to_owned(), ip: "203.0.113.7".parse().unwrap(), auth0_client: None, user_agent: None }
}

/// The parameters of a delegation from `caller` to itself that is good.
pub(crate) fn good() -> Map<String, Value> {
    good_with(json!({}))
}

/// The same with more, or other, parameters. An empty text takes a parameter away.
pub(crate) fn good_with(changes: Value) -> Map<String, Value> {
    let mut parameters = object(json!({
        "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"),
    }));
    parameters.extend(object(changes));
    parameters
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}

/// The outcome of a future that waits for nothing: all ports of a world answer at once.
pub(crate) fn finished<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the engine waits for something that is not a port"),
    }
}
