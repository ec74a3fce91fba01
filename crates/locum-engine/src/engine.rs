//! The engine: its ports, and the life of a request on one screen.

use std::sync::Arc;

use jsonwebtoken::crypto::aws_lc;
use locum_abi::answer::Failure;
use serde_json::{Map, Value};

use crate::admit::admit;
use crate::audit::Record;
use crate::authenticate::authenticate;
use crate::authorize::{authorize, ready_issuer};
use crate::bucket::BucketDecision;
use crate::issue::{Issued, issue};
use crate::ports::{AuditSink, Buckets, Clock, Directory, Entropy, Issuers, StoreUnavailable};
use crate::refusal::Refusal;
use crate::request::{Caller, DelegationRequest};
use crate::revoke::revoke;
use crate::tenant::{AddOn, ClientVerification, Tenant};

/// All that the engine needs of the world.
#[derive(Clone)]
pub struct Ports {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The tenants.
    pub directory: Arc<dyn Directory>,
    /// The rate-limit buckets.
    pub buckets: Arc<dyn Buckets>,
    /// Where events go.
    pub audit: Arc<dyn AuditSink>,
    /// The issuers at hand.
    pub issuers: Arc<dyn Issuers>,
}

/// Decides and issues.
pub struct Engine {
    ports: Ports,
}

/// What a request comes to.
#[derive(Debug)]
pub struct DelegationResponse {
    /// The credential, or why there is none.
    pub outcome: Result<Issued, Refusal>,
    /// What the rate headers are made of, once the user is known.
    pub rate: Option<BucketDecision>,
}

/// An add-on that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddOnProblem {
    /// The client it stands at.
    pub client_id: String,
    /// The api_type.
    pub api_type: String,
    /// What its issuer says.
    pub failure: Failure,
}

impl Engine {
    /// An engine on these ports.
    pub fn new(ports: Ports) -> Self {
        // A host that links jsonwebtoken with a second backend would make its first use panic without this. An error
        // says that a provider is installed, which is all that is wanted.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        Self { ports }
    }

    /// Answers a delegation request, and records one audit event.
    pub async fn delegate(&self, parameters: Map<String, Value>, caller: &Caller) -> DelegationResponse {
        let mut record = Record::open(&self.ports, caller);
        let outcome = self.delegated(parameters, caller, &mut record).await;
        let rate = record.rate;
        self.ports.audit.record(record.of_delegation(&outcome));
        DelegationResponse { outcome, rate }
    }

    /// The life of a request.
    async fn delegated(
        &self,
        parameters: Map<String, Value>,
        caller: &Caller,
        record: &mut Record,
    ) -> Result<Issued, Refusal> {
        let Ports { entropy, directory, buckets, issuers, .. } = &self.ports;
        let request = DelegationRequest::understand(parameters)?;
        record.understood(&request);
        let authenticated = authenticate(&**directory, request, caller, record.now_unix_ms).await?;
        record.authenticated(&authenticated);
        let admission = admit(&**buckets, authenticated, caller.ip).await;
        record.counted(admission.rate, &admission.outcome);
        let authorized = authorize(&**issuers, admission.outcome?, &record.reference)?;
        record.authorized(&authorized);
        issue(&**entropy, authorized, &record.reference).await
    }

    /// Answers a request whose body could not be read, and records one audit event.
    pub fn refuse_unread(&self, refusal: Refusal, caller: &Caller) -> DelegationResponse {
        let outcome = Err(refusal);
        self.ports.audit.record(Record::open(&self.ports, caller).of_delegation(&outcome));
        DelegationResponse { outcome, rate: None }
    }

    /// Revokes a credential (RFC 7009), and records one audit event. A token that is unknown or already without power
    /// counts as revoked.
    ///
    /// # Errors
    /// The refusal; `unsupported_token_type` for a credential that lives until it expires, whoever asks.
    pub async fn revoke(&self, parameters: Map<String, Value>, caller: &Caller) -> Result<(), Refusal> {
        let mut record = Record::open(&self.ports, caller);
        let outcome = revoke(&self.ports, parameters, caller, &mut record).await;
        self.ports.audit.record(record.of_revocation(&outcome));
        outcome
    }

    /// The tenant that answers on a host.
    ///
    /// # Errors
    /// If the directory cannot be asked.
    pub async fn tenant(&self, host: &str) -> Result<Option<Arc<Tenant>>, StoreUnavailable> {
        self.ports.directory.tenant(host).await
    }

    /// Makes every issuer of a tenant ready, and says which cannot be.
    pub fn prepare(&self, tenant: &Tenant) -> Vec<AddOnProblem> {
        let mut problems: Vec<AddOnProblem> = Vec::new();
        for client in tenant.clients.values() {
            // A client without any key cannot be a target: there is nothing to sign its tokens with.
            let app = (!matches!(client.verification, ClientVerification::Nothing)).then_some(&client.app);
            for add_on in app.into_iter().chain(&client.add_ons) {
                if let Err(failure) = self.prepare_add_on(tenant, add_on) {
                    problems.push(AddOnProblem {
                        client_id: client.id.clone(),
                        api_type: add_on.api_type.clone(),
                        failure,
                    });
                }
            }
        }
        problems.sort_by(|a, b| (&a.client_id, &a.api_type).cmp(&(&b.client_id, &b.api_type)));
        problems
    }

    fn prepare_add_on(&self, tenant: &Tenant, add_on: &AddOn) -> Result<(), Failure> {
        let issuers = &*self.ports.issuers;
        let manifest = issuers.manifest(&add_on.api_type).ok_or_else(|| {
            Failure::internal(
                "no plugin that is loaded serves this api_type; load one or take the add-on out",
            )
        })?;
        ready_issuer(issuers, tenant, add_on, manifest).map(|_| ())
    }
}
