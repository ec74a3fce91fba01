//! An engine whose ports are test doubles.

use std::collections::HashMap;
use std::sync::Arc;

use locum_engine::model::Client;
use locum_engine::ports::{Endpoint, Outcome, RefreshToken, RefreshTokenHash, RefreshTokens};
use locum_engine::{
    AuditCode, AuditEvent, CLIENT_CREDENTIALS, Caller, DelegationRequest, DelegationResponse, Engine, Issued,
    IssuedToken, Ports, REFRESH_TOKEN, Refusal, RefusalKind, RevocationRequest, TokenRequest, TokenResponse,
};
use locum_store::{MemoryDirectory, TenantData, TenantProblem, TenantSet};
use serde_json::{Map, Value};

use crate::audit_sink::RecordingSink;
use crate::buckets::RecordingBuckets;
use crate::clock::VirtualClock;
use crate::directory::{FaultyDirectory, tenant_at};
use crate::entropy::CountingEntropy;
use crate::faults::PortCalls;
use crate::issuer_keys::ScriptedKeys;
use crate::issuers::{IssuerScript, ScriptedIssuers};
use crate::observer::{Recorded, RecordingObserver};
use crate::refresh_tokens::FaultyRefreshTokens;
use crate::requests::{caller, object};
use crate::tenants::{client_of, tenant};
use crate::used_assertions::FaultyUsedAssertions;
use crate::{ACME, GLOBEX, NOW, finished};

/// What a [`TestEngine`] is made of; a test changes it first.
pub struct TestSetup {
    /// The tenant of most tests.
    pub acme: TenantData,
    /// Another tenant.
    pub globex: TenantData,
    /// The issuers.
    pub issuers: ScriptedIssuers,
    /// The JWK Sets of trusted issuers that publish them, by `iss`.
    pub issuer_keys: HashMap<String, String>,
    /// The calls of ports, which can be made to fail.
    pub calls: Arc<PortCalls>,
    /// Whether every bucket is empty at first.
    pub bucket_is_empty: bool,
}

impl TestSetup {
    /// The client of [`ACME`] with this id, which is added if there is none.
    pub fn client(&mut self, id: &str) -> &mut Client {
        client_of(&mut self.acme, id)
    }

    /// Removes the RSA keys of both tenants, which take most of the time to build an engine. Tokens under the clients'
    /// secrets are not affected.
    pub fn remove_signing_keys(&mut self) {
        self.acme.tenant.signing_keys.clear();
        self.globex.tenant.signing_keys.clear();
    }
}

/// An engine, and its test doubles.
pub struct TestEngine {
    /// The engine.
    pub engine: Arc<Engine>,
    /// The time, [`NOW`] at first.
    pub clock: Arc<VirtualClock>,
    /// The predictable random numbers.
    pub entropy: Arc<CountingEntropy>,
    /// The tenants.
    pub directory: Arc<FaultyDirectory>,
    /// The rate-limit buckets.
    pub buckets: Arc<RecordingBuckets>,
    /// The audit events.
    pub sink: Arc<RecordingSink>,
    /// The keys of trusted issuers.
    pub issuer_keys: Arc<ScriptedKeys>,
    /// The refresh tokens.
    pub refresh_tokens: Arc<FaultyRefreshTokens>,
    /// What was measured.
    pub observer: Arc<RecordingObserver>,
    /// The answers of issuers, and their recorded calls.
    pub script: Arc<IssuerScript>,
    /// The calls of ports, which can be made to fail.
    pub calls: Arc<PortCalls>,
}

impl Default for TestEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl TestEngine {
    /// An engine with both tenants and the usual issuers.
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// An engine whose setup is changed first.
    pub fn with(change: impl FnOnce(&mut TestSetup)) -> Self {
        let calls = Arc::new(PortCalls::default());
        let mut setup = TestSetup {
            acme: tenant(ACME),
            globex: tenant(GLOBEX),
            issuers: ScriptedIssuers::usual(Arc::clone(&calls)),
            issuer_keys: HashMap::new(),
            calls: Arc::clone(&calls),
            bucket_is_empty: false,
        };
        change(&mut setup);
        let TestSetup { acme, globex, issuers, issuer_keys, bucket_is_empty, .. } = setup;
        let set = TenantSet::prepare(vec![acme, globex], &issuers).unwrap();
        let clock = Arc::new(VirtualClock::at(NOW));
        let entropy = Arc::new(CountingEntropy::default());
        let directory = Arc::new(FaultyDirectory::new(MemoryDirectory::new(set), Arc::clone(&calls)));
        let buckets = Arc::new(RecordingBuckets::new(bucket_is_empty, Arc::clone(&calls)));
        let sink = Arc::new(RecordingSink::default());
        let script = Arc::clone(&issuers.script);
        let issuer_keys = Arc::new(ScriptedKeys::new(&issuer_keys, Arc::clone(&calls)));
        let observer = Arc::new(RecordingObserver::default());
        let mut ports = Ports::new(
            Arc::clone(&clock) as _,
            Arc::clone(&entropy) as _,
            Arc::clone(&directory) as _,
            Arc::clone(&buckets) as _,
            Arc::clone(&sink) as _,
        );
        ports.issuer_keys = Arc::clone(&issuer_keys) as _;
        let refresh_tokens = Arc::new(FaultyRefreshTokens::new(Arc::clone(&calls)));
        ports.refresh_tokens = Arc::clone(&refresh_tokens) as _;
        ports.used_assertions = Arc::new(FaultyUsedAssertions::new(Arc::clone(&calls)));
        ports.observer = Some(Arc::clone(&observer) as _);
        let engine = Arc::new(Engine::new(ports));
        Self {
            engine,
            clock,
            entropy,
            directory,
            buckets,
            sink,
            issuer_keys,
            refresh_tokens,
            observer,
            script,
            calls,
        }
    }

    /// The add-ons that do not work.
    pub fn problems(&self) -> Vec<TenantProblem> {
        self.directory.inner().current().problems()
    }

    /// Requests a delegation at [`ACME`].
    pub fn delegate(&self, parameters: Map<String, Value>) -> Reply {
        self.delegate_from(&caller(), parameters)
    }

    /// Requests a delegation. Panics unless it records one audit event and counts one request, with the same outcome.
    pub fn delegate_from(&self, caller: &Caller, parameters: Map<String, Value>) -> Reply {
        let tenant = tenant_at(&*self.directory, &caller.host);
        drop(self.observer.take());
        let response = match DelegationRequest::parse((&parameters).into()) {
            Ok(request) => finished(self.engine.delegate(tenant, request, caller)),
            Err(refusal) => {
                let found = tenant.as_ref().ok().and_then(Option::as_deref);
                self.engine.refuse_unread(refusal, found, caller)
            }
        };
        let event = self.sink.take_only_event();
        let code = match &response.outcome {
            Ok(_) => AuditCode::Success,
            Err(refusal) if refusal.status() == 429 => AuditCode::Limited,
            Err(refusal) if refusal.kind() == RefusalKind::RefreshTokenReused => {
                AuditCode::RefreshTokenReused
            }
            Err(_) => AuditCode::Failure,
        };
        assert_eq!(event.code, code, "{event:?}");
        let outcome = match &response.outcome {
            Ok(issued) if issued.reused => Outcome::Reused,
            Ok(_) => Outcome::Issued,
            Err(refusal) => Outcome::Refused(refusal.kind()),
        };
        let observed = self.observed_once(Endpoint::Delegation, outcome);
        Reply { response, event, observed }
    }

    /// Requests a token exchange at [`ACME`]. Panics unless it records one audit event and counts one request, with the same
    /// outcome.
    pub fn exchange(&self, parameters: Map<String, Value>) -> TokenReply {
        let tenant = tenant_at(&*self.directory, ACME);
        drop(self.observer.take());
        let caller = caller();
        let response = match TokenRequest::parse((&parameters).into(), None) {
            Ok(request) => finished(self.engine.exchange(tenant, request, &caller)),
            Err(refusal) => {
                let found = tenant.as_ref().ok().and_then(Option::as_deref);
                self.engine.refuse_unread_token_request(refusal, found, &caller)
            }
        };
        let event = self.sink.take_only_event();
        let is_grant = |name: &str| parameters.get("grant_type").is_some_and(|grant| grant == name);
        let (is_refreshed, is_own) = (is_grant(REFRESH_TOKEN), is_grant(CLIENT_CREDENTIALS));
        let (code, outcome) = match &response.outcome {
            Ok(_) if is_own => (AuditCode::ClientCredentials, Outcome::Issued),
            Err(refusal) if is_own && event.client_id.is_some() => {
                (AuditCode::ClientCredentialsFailure, refusal.into())
            }
            Ok(_) if is_refreshed => (AuditCode::Refreshed, Outcome::Issued),
            Err(refusal) if refusal.kind() == RefusalKind::RefreshTokenReused => {
                (AuditCode::RefreshTokenReused, refusal.into())
            }
            Ok(token) if token.issued.reused => (AuditCode::Exchanged, Outcome::Reused),
            Ok(_) => (AuditCode::Exchanged, Outcome::Issued),
            Err(refusal) if refusal.status() == 429 => (AuditCode::Limited, refusal.into()),
            // What cannot be read has no grant type.
            Err(refusal) if is_refreshed && event.client_id.is_some() => {
                (AuditCode::RefreshFailure, refusal.into())
            }
            Err(refusal) => (AuditCode::ExchangeFailure, refusal.into()),
        };
        assert_eq!(event.code, code, "{event:?}");
        let recorded = event.refusal.as_ref().map(|refusal| (refusal.status, refusal.code));
        let answered = response.outcome.as_ref().err().map(|refusal| (refusal.status(), refusal.code()));
        assert_eq!(recorded, answered, "{event:?}");
        self.observed_once(Endpoint::Token, outcome);
        TokenReply { response, event }
    }

    /// Stores a refresh token of [`ACME`], and returns the text that clients present.
    pub fn store_refresh_token(&self, record: RefreshToken) -> String {
        let (text, hash) = RefreshTokenHash::of_new_token([0; 32]);
        let store = self.refresh_tokens.inner();
        assert_eq!(finished(store.add(ACME, hash, record).wait()), Ok(true));
        text.expose().to_owned()
    }

    /// Requests a revocation at [`ACME`]. Panics unless it records one audit event and counts one request, with the same
    /// outcome.
    pub fn revoke(&self, parameters: Value) -> (Result<(), Refusal>, AuditEvent) {
        let tenant = tenant_at(&*self.directory, ACME);
        drop(self.observer.take());
        let caller = caller();
        let response = match RevocationRequest::parse((&object(parameters)).into(), None) {
            Ok(request) => finished(self.engine.revoke(tenant, request, &caller)),
            Err(refusal) => {
                let found = tenant.as_ref().ok().and_then(Option::as_deref);
                self.engine.refuse_unread_revocation(refusal, found, &caller)
            }
        };
        let outcome = response.outcome;
        let event = self.sink.take_only_event();
        let code = if outcome.is_ok() { AuditCode::Revoked } else { AuditCode::RevocationFailure };
        assert_eq!(event.code, code, "{event:?}");
        let counted = outcome.as_ref().map_or_else(Outcome::from, |()| Outcome::Revoked);
        self.observed_once(Endpoint::Revocation, counted);
        (outcome, event)
    }

    /// What the observer was told. Panics unless that is one request with this outcome.
    fn observed_once(&self, endpoint: Endpoint, outcome: Outcome) -> Recorded {
        let observed = self.observer.take();
        assert_eq!(observed.requests, [(endpoint, 0, outcome)], "{observed:?}");
        observed
    }
}

/// The response to a request, and its audit event.
#[derive(Debug)]
pub struct Reply {
    /// The response.
    pub response: DelegationResponse,
    /// The event.
    pub event: AuditEvent,
    /// What the observer was told.
    pub observed: Recorded,
}

impl Reply {
    /// The issued credential. Panics if the request was refused.
    pub fn issued(&self) -> &Issued {
        self.response.outcome.as_ref().unwrap()
    }

    /// The refusal. Panics if the request succeeded.
    pub fn refusal(&self) -> &Refusal {
        self.response.outcome.as_ref().unwrap_err()
    }

    /// `issued`, or [`summary`] of the refusal.
    pub fn summary(&self) -> String {
        match &self.response.outcome {
            Ok(_) => "issued".to_owned(),
            Err(refusal) => summary(refusal),
        }
    }
}

/// The response to a token request, and its audit event.
#[derive(Debug)]
pub struct TokenReply {
    /// The response.
    pub response: TokenResponse,
    /// The event.
    pub event: AuditEvent,
}

impl TokenReply {
    /// The issued credential. Panics if the request was refused.
    pub fn issued(&self) -> &IssuedToken {
        self.response.outcome.as_ref().unwrap()
    }

    /// `issued`, or [`summary`] of the refusal.
    pub fn summary(&self) -> String {
        self.response.outcome.as_ref().map_or_else(summary, |_| "issued".to_owned())
    }
}

/// Status, code and description of a refusal, separated by spaces.
pub fn summary(refusal: &Refusal) -> String {
    format!("{} {} {}", refusal.status(), refusal.code(), refusal.description())
}
