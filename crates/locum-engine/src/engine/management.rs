//! The engine's answers about management tokens, and what it does at each call of the Management API.

use std::net::{IpAddr, Ipv4Addr};

use crate::audit::AuditRefusal;
use crate::bucket::{BucketDecision, BucketRule};
use crate::credential::{Credential, Issued};
use crate::delegation::{Caller, Count, count};
use crate::engine::{Engine, IssuedToken, TokenResponse, not_audited};
use crate::limits::MANAGEMENT_TOKEN_SECONDS;
use crate::management::{
    self, ClientCredentialsRequest, GrantedToken, ManagementCaller, ManagementTokenError,
};
use crate::observation::Observation;
use crate::observer::{Endpoint, Outcome, Step};
use crate::ports::{BucketKey, BucketSubject, Found, StoreUnavailable};
use crate::prepared::PreparedTenant;
use crate::recorder::Recorder;
use crate::refusal::Refusal;

impl Engine {
    /// Issues a management token to a client, and records one audit event.
    pub(super) async fn grant_management(
        &self,
        tenant: Found<PreparedTenant>,
        request: ClientCredentialsRequest,
        caller: &Caller,
    ) -> TokenResponse {
        let mut observation = Observation::begin(self.ports.observer.as_ref());
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        recorder.found(tenant.as_ref().ok().and_then(Option::as_deref));
        recorder.client_credentials(&request);
        let now_unix_ms = recorder.now_unix_ms;
        let outcome = management::grant(&self.ports, tenant, &request, caller.ip, now_unix_ms).await;
        let outcome = outcome.map_err(Refusal::in_terms_of_oauth);
        observation.enter(Step::Audit);
        let event = recorder.client_credentials_event(outcome.as_ref());
        let recorded = self.ports.audit.record(event).wait().await;
        let outcome = recorded.map_err(|why| not_audited(why).in_terms_of_oauth()).and(outcome);
        let counted = outcome.as_ref().map_or_else(Outcome::from, |_| Outcome::Issued);
        let api_type = observation.api_type(None);
        observation.end(Endpoint::Token, api_type, counted);
        TokenResponse { outcome: outcome.map(answered), rate: None }
    }

    /// Who calls the Management API of a tenant. `tenant` is what the directory found for the host of the request, and `token`
    /// the token in its header `Authorization`. Each call reads the client afresh: what was withdrawn from its grant is gone.
    ///
    /// # Errors
    /// There is no token or no valid one, or the directory is unavailable.
    pub async fn management_caller(
        &self,
        tenant: Found<PreparedTenant>,
        token: Option<&str>,
    ) -> Result<ManagementCaller, ManagementTokenError> {
        let now = i64::try_from(self.ports.clock.now_unix_ms() / 1000).unwrap_or(i64::MAX);
        management::caller(&*self.ports.directory, tenant, token, now).await
    }

    /// Counts a call of the Management API by the `sub` of its token, from whichever address. Returns the values of the rate-limit
    /// headers if the buckets are available; otherwise the tenant's policy decides.
    pub async fn count_management(
        &self,
        caller: &ManagementCaller,
    ) -> (Option<BucketDecision>, Result<(), Refusal>) {
        let tenant = caller.tenant();
        let subject = caller.subject();
        let ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let key = BucketKey { tenant: tenant.domain(), ip, subject: BucketSubject::Management(&subject) };
        let now = self.ports.clock.now_unix_ms();
        let exceeded = "the token has made too many calls; try again later";
        let policy = tenant.delegation();
        let Count { rate, outcome } =
            count(&*self.ports.buckets, key, BucketRule::MANAGEMENT, policy, exceeded, now).await;
        (rate, outcome)
    }

    /// Tells the observer how a call of the Management API ended.
    pub fn management_ended(&self, outcome: Outcome) {
        if let Some(observer) = &self.ports.observer {
            observer.request_ended(Endpoint::Management, observer.api_type(None), outcome);
        }
    }

    /// Begins the audit event of a call of the Management API.
    pub fn open_management_record(&self, caller: &Caller) -> ManagementRecord {
        ManagementRecord(Recorder::open(&self.ports, self.references.next(), caller))
    }

    /// Records a change by the Management API, or with a refusal a call that was refused. `fields` are the names of those that
    /// were changed.
    ///
    /// # Errors
    /// The event is not kept. Then nothing may be changed.
    pub async fn record_management(
        &self,
        record: &ManagementRecord,
        operation: &'static str,
        resource: Option<&str>,
        fields: &[&str],
        refusal: Option<AuditRefusal>,
    ) -> Result<(), StoreUnavailable> {
        let event = record.0.management_event(operation, resource, fields, refusal);
        self.ports.audit.record(event).wait().await
    }
}

/// The audit event of a call of the Management API, as far as it is known.
pub struct ManagementRecord(Recorder);

impl ManagementRecord {
    /// The reference of the request, 16 hexadecimal digits.
    pub fn reference(&self) -> &str {
        &self.0.reference
    }

    /// When the request arrived, in unix seconds.
    pub fn at_unix_seconds(&self) -> i64 {
        i64::try_from(self.0.now_unix_ms / 1000).unwrap_or(i64::MAX)
    }

    /// Notes the tenant of the host, for a call without a valid token.
    pub fn found(&mut self, tenant: Option<&PreparedTenant>) {
        self.0.found(tenant);
    }

    /// Notes whose valid token the call has.
    pub fn called_by(&mut self, caller: &ManagementCaller) {
        self.0.managed_by(caller);
    }
}

/// Auth0's answer has no `issued_token_type`: nothing was exchanged.
fn answered(GrantedToken { token, scope, expires_at }: GrantedToken) -> IssuedToken {
    let expires_in = MANAGEMENT_TOKEN_SECONDS;
    IssuedToken {
        issued: Issued {
            credential: Credential::Bearer { token, expires_in },
            expires_at: Some(expires_at),
            reused: false,
        },
        issued_token_type: None,
        expires_in: Some(expires_in),
        scope: Some(scope),
        refresh_token: None,
    }
}
