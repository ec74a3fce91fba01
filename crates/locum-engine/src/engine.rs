//! The engine: a delegation and a revocation, each on one screen.

use jsonwebtoken::crypto::aws_lc;
use serde_json::{Map, Value};

use crate::bucket::BucketDecision;
use crate::credential::Issued;
use crate::delegation::{Caller, DelegationRequest, admit, authenticate, authorize, issue};
use crate::ports::{Directory, Found, Ports, StoreUnavailable};
use crate::prepared::PreparedTenant;
use crate::recorder::Recorder;
use crate::refusal::{Refusal, RefusalKind};
use crate::revocation::{self, RevocationAdmission, RevocationRequest};

/// Decides and issues.
pub struct Engine {
    ports: Ports,
}

/// The answer to a delegation request.
#[derive(Debug)]
pub struct DelegationResponse {
    /// The credential, or why the request was refused.
    pub outcome: Result<Issued, Refusal>,
    /// What the rate headers are made of, once the user is known.
    pub rate: Option<BucketDecision>,
}

impl Engine {
    /// An engine on these ports.
    pub fn new(ports: Ports) -> Self {
        // A host that links jsonwebtoken with a second backend would make its first use panic without this. An error
        // says that a provider is installed already, which is what is needed.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        Self { ports }
    }

    /// Where tenants and clients are looked up.
    pub fn directory(&self) -> &dyn Directory {
        &*self.ports.directory
    }

    /// Answers a delegation request for the tenant that the directory found at the caller's host, and records one
    /// audit event.
    pub async fn delegate(
        &self,
        tenant: Found<PreparedTenant>,
        parameters: Map<String, Value>,
        caller: &Caller,
    ) -> DelegationResponse {
        let mut recorder = Recorder::open(&self.ports, caller);
        let outcome = self.delegated(tenant, parameters, caller, &mut recorder).await;
        let rate = recorder.rate;
        let recorded = self.ports.audit.record(recorder.delegation_event(&outcome)).wait().await;
        DelegationResponse { outcome: recorded.map_err(not_audited).and(outcome), rate }
    }

    /// The steps of a delegation.
    async fn delegated(
        &self,
        tenant: Found<PreparedTenant>,
        parameters: Map<String, Value>,
        caller: &Caller,
        recorder: &mut Recorder,
    ) -> Result<Issued, Refusal> {
        let Ports { entropy, directory, buckets, .. } = &self.ports;
        let request = DelegationRequest::parse(parameters)?;
        recorder.parsed(&request);
        let authenticated = authenticate(&**directory, tenant, request, recorder.now_unix_ms).await?;
        recorder.authenticated(&authenticated);
        let admission = admit(&**buckets, authenticated, caller.ip).await;
        recorder.counted(admission.rate, &admission.outcome);
        let authorized = authorize(&**directory, admission.outcome?, &recorder.reference).await?;
        recorder.authorized(&authorized);
        issue(&**entropy, authorized, &recorder.reference).await
    }

    /// Answers a request whose body could not be read, or that was not begun or not finished, and records one audit
    /// event. It does not wait for the audit sink, since nothing is handed out.
    pub fn refuse_unread(&self, refusal: Refusal, caller: &Caller) -> DelegationResponse {
        let outcome = Err(refusal);
        drop(self.ports.audit.record(Recorder::open(&self.ports, caller).delegation_event(&outcome)));
        DelegationResponse { outcome, rate: None }
    }

    /// Revokes a credential (RFC 7009), and records one audit event. A token that is unknown or already revoked counts
    /// as revoked.
    ///
    /// # Errors
    /// The refusal; `unsupported_token_type` for a credential that is valid until it expires, whoever asks.
    pub async fn revoke(
        &self,
        tenant: Found<PreparedTenant>,
        parameters: Map<String, Value>,
        caller: &Caller,
    ) -> Result<(), Refusal> {
        let mut recorder = Recorder::open(&self.ports, caller);
        let outcome = self.revoked(tenant, parameters, caller, &mut recorder).await;
        let recorded = self.ports.audit.record(recorder.revocation_event(&outcome)).wait().await;
        recorded.map_err(not_audited).and(outcome)
    }

    /// The steps of a revocation.
    async fn revoked(
        &self,
        tenant: Found<PreparedTenant>,
        parameters: Map<String, Value>,
        caller: &Caller,
        recorder: &mut Recorder,
    ) -> Result<(), Refusal> {
        let Ports { entropy, directory, buckets, .. } = &self.ports;
        let request = RevocationRequest::parse(parameters)?;
        let identified = revocation::identify(&**directory, tenant, request).await?;
        recorder.identified(&identified);
        let revocable = revocation::select(identified)?;
        match revocation::admit(&**buckets, revocable, caller.ip, recorder.now_unix_ms).await {
            RevocationAdmission::NothingToRevoke => Ok(()),
            RevocationAdmission::Counted { rate, outcome } => {
                recorder.counted(rate, &outcome);
                revocation::revoke(&**entropy, outcome?, &recorder.reference).await
            }
        }
    }
}

/// Refuses a request whose audit event is not kept, whatever its outcome was.
fn not_audited(unavailable: StoreUnavailable) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, "the audit log is unavailable; try again")
        .because(unavailable)
}
