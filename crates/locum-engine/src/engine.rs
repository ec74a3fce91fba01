//! The engine: calls the steps of a delegation and of a revocation in order.

use jsonwebtoken::crypto::aws_lc;
use serde_json::{Map, Value};

use crate::bucket::BucketDecision;
use crate::credential::Issued;
use crate::delegation::{Caller, DelegationRequest, admit, authenticate, authorize, issue};
use crate::ports::{Directory, Found, Ports};
use crate::prepared::PreparedTenant;
use crate::recorder::Recorder;
use crate::refusal::Refusal;
use crate::revocation::{self, RevocationAdmission, RevocationRequest};

/// Answers delegation and revocation requests by means of its ports.
pub struct Engine {
    ports: Ports,
}

/// The answer to a delegation request.
#[derive(Debug)]
pub struct DelegationResponse {
    /// The credential, or the refusal.
    pub outcome: Result<Issued, Refusal>,
    /// The values of the rate-limit headers; absent if the request was not counted.
    pub rate: Option<BucketDecision>,
}

impl Engine {
    /// An engine that uses these ports.
    pub fn new(ports: Ports) -> Self {
        // Without this, jsonwebtoken panics at its first use in a program that enables a second backend. An error means
        // that a provider is installed already, which is sufficient.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        Self { ports }
    }

    /// The directory of tenants and clients.
    pub fn directory(&self) -> &dyn Directory {
        &*self.ports.directory
    }

    /// Answers a delegation request and records one audit event. `tenant` is what the directory found for
    /// [`Caller::host`].
    ///
    /// A refusal is a [`DelegationResponse`] too, so that its rate-limit headers are known.
    pub async fn delegate(
        &self,
        tenant: Found<PreparedTenant>,
        parameters: Map<String, Value>,
        caller: &Caller,
    ) -> DelegationResponse {
        let mut recorder = Recorder::open(&self.ports, caller);
        let outcome = self.delegated(tenant, parameters, caller, &mut recorder).await;
        let rate = recorder.rate;
        self.ports.audit.record(recorder.delegation_event(&outcome));
        DelegationResponse { outcome, rate }
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

    /// Refuses a request that was not read completely or not served, and records one audit event.
    pub fn refuse_unread(&self, refusal: Refusal, caller: &Caller) -> DelegationResponse {
        let outcome = Err(refusal);
        self.ports.audit.record(Recorder::open(&self.ports, caller).delegation_event(&outcome));
        DelegationResponse { outcome, rate: None }
    }

    /// Revokes a credential (RFC 7009) and records one audit event. An unknown token and one that is already revoked
    /// count as revoked (section 2.2). `tenant` is what the directory found for [`Caller::host`].
    ///
    /// # Errors
    /// The refusal. It is `unsupported_token_type` for a credential that cannot be revoked (section 2.2.1).
    pub async fn revoke(
        &self,
        tenant: Found<PreparedTenant>,
        parameters: Map<String, Value>,
        caller: &Caller,
    ) -> Result<(), Refusal> {
        let mut recorder = Recorder::open(&self.ports, caller);
        let outcome = self.revoked(tenant, parameters, caller, &mut recorder).await;
        self.ports.audit.record(recorder.revocation_event(&outcome));
        outcome
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
