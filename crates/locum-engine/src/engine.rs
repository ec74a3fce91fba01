//! The engine: calls the steps of a delegation and of a revocation in order.

use jsonwebtoken::crypto::aws_lc;

use crate::bucket::BucketDecision;
use crate::credential::Issued;
use crate::delegation::{Caller, DelegationRequest, admit, authenticate, authorize, issue};
use crate::observation::{self, Observation};
use crate::observer::{Endpoint, Step};
use crate::ports::{Directory, Found, Ports, StoreUnavailable};
use crate::prepared::PreparedTenant;
use crate::recorder::Recorder;
use crate::references::References;
use crate::refusal::{Refusal, RefusalKind};
use crate::revocation::{self, RevocationAdmission, RevocationRequest};

/// Answers delegation and revocation requests by means of its ports.
pub struct Engine {
    ports: Ports,
    references: References,
}

/// The answer to a delegation request.
#[derive(Debug)]
pub struct DelegationResponse {
    /// The credential, or the refusal.
    pub outcome: Result<Issued, Refusal>,
    /// The values of the rate-limit headers; absent if the request was not counted.
    pub rate: Option<BucketDecision>,
}

/// The answer to a revocation request.
#[derive(Debug)]
pub struct RevocationResponse {
    /// Nothing, or why the request was refused; `unsupported_token_type` for a credential that is valid until it
    /// expires, whoever asks.
    pub outcome: Result<(), Refusal>,
    /// What the rate headers are made of, if the request was counted.
    pub rate: Option<BucketDecision>,
}

impl Engine {
    /// An engine that uses these ports.
    pub fn new(ports: Ports) -> Self {
        // Without this, jsonwebtoken panics at its first use in a program that enables a second backend. An error means
        // that a provider is installed already, which is sufficient.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        Self { references: References::new(&*ports.entropy), ports }
    }

    /// The directory of tenants and clients.
    pub fn directory(&self) -> &dyn Directory {
        &*self.ports.directory
    }

    /// Answers a delegation request and records one audit event. `tenant` is what the directory found for
    /// [`Caller::host`]. Record a request that cannot be parsed with [`refuse_unread`](Self::refuse_unread).
    ///
    /// A refusal is a [`DelegationResponse`] too, so that its rate-limit headers are known.
    pub async fn delegate(
        &self,
        tenant: Found<PreparedTenant>,
        request: DelegationRequest,
        caller: &Caller,
    ) -> DelegationResponse {
        let mut observation = Observation::begin(self.ports.observer.as_ref());
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        let outcome = self.delegated(tenant, request, caller, &mut recorder, &mut observation).await;
        observation.enter(Step::Audit);
        let rate = recorder.rate;
        let api_type = observation.api_type(recorder.api_type());
        let recorded = self.ports.audit.record(recorder.delegation_event(&outcome)).wait().await;
        let outcome = recorded.map_err(not_audited).and(outcome);
        observation.end(Endpoint::Delegation, api_type, observation::delegation_outcome(&outcome));
        DelegationResponse { outcome, rate }
    }

    /// The steps of a delegation.
    async fn delegated(
        &self,
        tenant: Found<PreparedTenant>,
        request: DelegationRequest,
        caller: &Caller,
        recorder: &mut Recorder,
        observation: &mut Observation<'_>,
    ) -> Result<Issued, Refusal> {
        let Ports { entropy, directory, buckets, .. } = &self.ports;
        recorder.found(found(&tenant));
        recorder.parsed(&request);
        let mut payload = Vec::new();
        let now_unix_ms = recorder.now_unix_ms;
        let authenticated =
            authenticate(&self.ports, tenant, request, caller.ip, now_unix_ms, &mut payload).await?;
        recorder.authenticated(&authenticated);
        observation.enter(Step::Admit);
        let admission = admit(&**buckets, authenticated, caller.ip).await;
        recorder.counted(admission.rate, &admission.outcome);
        let admitted = admission.outcome?;
        observation.enter(Step::Authorize);
        let authorized = authorize(&**directory, admitted, &recorder.reference).await?;
        recorder.authorized(&authorized);
        observation.enter(Step::Issue);
        issue(&**entropy, &**directory, authorized, &recorder.reference).await
    }

    /// Refuses a request that could not be read or was not served, and records one audit event. `tenant` is the one
    /// of [`Caller::host`], if it is known. It does not wait for the audit sink, since nothing is handed out.
    pub fn refuse_unread(
        &self,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> DelegationResponse {
        observation::refused(self.ports.observer.as_ref(), Endpoint::Delegation, &refusal);
        let outcome = Err(refusal);
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        recorder.found(tenant);
        drop(self.ports.audit.record(recorder.delegation_event(&outcome)));
        DelegationResponse { outcome, rate: None }
    }

    /// The same for a revocation.
    pub fn refuse_unread_revocation(
        &self,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> RevocationResponse {
        observation::refused(self.ports.observer.as_ref(), Endpoint::Revocation, &refusal);
        let outcome = Err(refusal);
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        recorder.found(tenant);
        self.ports.audit.record(recorder.revocation_event(&outcome));
        RevocationResponse { outcome, rate: None }
    }

    /// Revokes a credential (RFC 7009) and records one audit event. An unknown token and one that is already revoked
    /// count as revoked (section 2.2). `tenant` is what the directory found for [`Caller::host`].
    pub async fn revoke(
        &self,
        tenant: Found<PreparedTenant>,
        request: RevocationRequest,
        caller: &Caller,
    ) -> RevocationResponse {
        let mut observation = Observation::begin(self.ports.observer.as_ref());
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        let outcome = self.revoked(tenant, request, caller, &mut recorder, &mut observation).await;
        observation.enter(Step::Audit);
        let rate = recorder.rate;
        let api_type = observation.api_type(recorder.api_type());
        let recorded = self.ports.audit.record(recorder.revocation_event(&outcome)).wait().await;
        let outcome = recorded.map_err(not_audited).and(outcome);
        observation.end(Endpoint::Revocation, api_type, observation::revocation_outcome(&outcome));
        RevocationResponse { outcome, rate }
    }

    /// The steps of a revocation.
    async fn revoked(
        &self,
        tenant: Found<PreparedTenant>,
        request: RevocationRequest,
        caller: &Caller,
        recorder: &mut Recorder,
        observation: &mut Observation<'_>,
    ) -> Result<(), Refusal> {
        let Ports { entropy, directory, buckets, .. } = &self.ports;
        recorder.found(found(&tenant));
        let identified = revocation::identify(&**directory, tenant, request).await?;
        recorder.identified(&identified);
        let revocable = revocation::select(identified)?;
        observation.enter(Step::Admit);
        match revocation::admit(&**buckets, revocable, caller.ip, recorder.now_unix_ms).await {
            RevocationAdmission::NothingToRevoke => Ok(()),
            RevocationAdmission::Counted { rate, outcome } => {
                recorder.counted(rate, &outcome);
                let admitted = outcome?;
                observation.enter(Step::Revoke);
                revocation::revoke(&**entropy, admitted, &recorder.reference).await
            }
        }
    }
}

fn found(tenant: &Found<PreparedTenant>) -> Option<&PreparedTenant> {
    tenant.as_ref().ok()?.as_deref()
}

/// Refuses a request whose audit event is not kept, whatever its outcome was.
fn not_audited(unavailable: StoreUnavailable) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, "the audit log is unavailable; try again")
        .because(unavailable)
}
