//! The engine: calls the steps of a delegation, a token exchange and a revocation in order.

mod management;
mod profiles;

use std::net::IpAddr;
use std::sync::Arc;

use jsonwebtoken::crypto::aws_lc;
use locum_abi::secret::Secret;

use crate::bucket::BucketDecision;
use crate::credential::Issued;
use crate::delegation::{
    Caller, DelegationRequest, ExchangeRequest, REFRESH_TOKEN_TYPE, Renewal, Wanted, admit, authenticate,
    authorize, issue, issue_refresh_token, issued_token_type,
};
use crate::introspection::{Introspection, IntrospectionRequest, introspect};
use crate::observation::{self, Observation};
use crate::observer::{Endpoint, Outcome, Step};
use crate::ports::{Directory, Found, PortReply, Ports, StoreUnavailable};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::recorder::Recorder;
use crate::references::References;
use crate::refusal::{Refusal, RefusalKind};
use crate::revocation::{self, RevocationAdmission, RevocationRequest};
use crate::token_request::{TokenGrant, TokenRequest};
use crate::unknown_names::{find_client, find_origin};

pub use management::ManagementRecord;
pub use profiles::ProfileResponse;

/// Answers delegation, token and revocation requests by means of its ports.
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

/// The answer to a token request.
#[derive(Debug)]
pub struct TokenResponse {
    /// The credential, or the refusal in the terms of OAuth.
    pub outcome: Result<IssuedToken, Refusal>,
    /// The values of the rate-limit headers; absent if the request was not counted.
    pub rate: Option<BucketDecision>,
}

/// A credential with what the answer to a token request says about it (RFC 8693 section 2.2.1).
#[derive(Debug)]
pub struct IssuedToken {
    /// The credential.
    pub issued: Issued,
    /// The URI of its type: the requested one, if there was one. Absent for a management token, which nothing was exchanged for.
    pub issued_token_type: Option<String>,
    /// For how many seconds it is valid from now; absent if the upstream does not state it.
    pub expires_in: Option<i64>,
    /// The granted scopes, separated by spaces; absent if they are the requested ones.
    pub scope: Option<String>,
    /// What takes the place of the refresh token of the request, which was replaced.
    pub refresh_token: Option<Secret>,
}

/// An issued credential, and what was granted.
struct Granted {
    issued: Issued,
    api_type: String,
    /// The granted scopes; absent if they are the requested ones.
    scope: Option<String>,
    /// The successor of the refresh token.
    refresh_token: Option<Secret>,
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

    /// Looks up a client by an id that somebody at this address has sent, for an answer that needs no authentication. Ids that do
    /// not exist are counted for each address if they are not found in memory.
    ///
    /// # Errors
    /// 429 if the address has sent too many of them, 503 if the directory or the buckets are unavailable.
    pub fn find_client<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        client_id: &'a str,
        ip: IpAddr,
    ) -> PortReply<'a, Result<Option<Arc<PreparedClient>>, Refusal>> {
        find_client(&self.ports, tenant, client_id, ip)
    }

    /// Looks up whether any client of the tenant allows this origin, which somebody at this address has sent. It counts as
    /// [`find_client`](Self::find_client) does.
    ///
    /// # Errors
    /// As those of `find_client`.
    pub fn allows_origin<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        origin: &'a str,
        ip: IpAddr,
    ) -> PortReply<'a, Result<bool, Refusal>> {
        find_origin(&self.ports, tenant, origin, ip)
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
        let request = Box::new(request);
        let outcome = self.delegated(tenant, request, caller, &mut recorder, &mut observation).await;
        let (outcome, rate) = self.audited(Endpoint::Delegation, recorder, observation, outcome).await;
        DelegationResponse { outcome: outcome.map(|granted| granted.issued), rate }
    }

    /// Answers a token request and records one audit event. `tenant` is what the directory found for [`Caller::host`]. Record
    /// a request that cannot be parsed with [`refuse_unread_token_request`](Self::refuse_unread_token_request).
    pub async fn exchange(
        &self,
        tenant: Found<PreparedTenant>,
        request: TokenRequest,
        caller: &Caller,
    ) -> TokenResponse {
        match request.0 {
            TokenGrant::Exchange(request) => self.exchange_token(tenant, *request, caller).await,
            // Few requests are, and otherwise it makes the future of each larger.
            TokenGrant::ClientCredentials(request) => {
                Box::pin(self.grant_management(tenant, request, caller)).await
            }
        }
    }

    async fn exchange_token(
        &self,
        tenant: Found<PreparedTenant>,
        request: ExchangeRequest,
        caller: &Caller,
    ) -> TokenResponse {
        let mut observation = Observation::begin(self.ports.observer.as_ref());
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        let now_unix_ms = recorder.now_unix_ms;
        let (request, requested_type) = request.into_parts();
        let request = Box::new(request);
        let outcome = self.delegated(tenant, request, caller, &mut recorder, &mut observation).await;
        let outcome = outcome.map_err(Refusal::in_terms_of_oauth);
        let (outcome, rate) = self.audited(Endpoint::Token, recorder, observation, outcome).await;
        let outcome = outcome.map(|Granted { issued, api_type, scope, refresh_token }| {
            let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
            IssuedToken {
                issued_token_type: Some(issued_token_type(requested_type, &api_type)),
                expires_in: issued.expires_at.map(|expires_at| expires_at.saturating_sub(now)),
                scope,
                refresh_token,
                issued,
            }
        });
        TokenResponse { outcome, rate }
    }

    /// Records the audit event of a delegation or token request, and tells the observer.
    async fn audited(
        &self,
        endpoint: Endpoint,
        recorder: Recorder,
        mut observation: Observation<'_>,
        outcome: Result<Granted, Refusal>,
    ) -> (Result<Granted, Refusal>, Option<BucketDecision>) {
        observation.enter(Step::Audit);
        let rate = recorder.rate;
        let api_type = observation.api_type(recorder.api_type());
        let event = recorder.delegation_event(endpoint, issued(&outcome));
        let recorded = self.ports.audit.record(event).wait().await;
        let outcome = recorded.map_err(not_audited).and(outcome);
        observation.end(endpoint, api_type, observation::delegation_outcome(issued(&outcome)));
        (outcome, rate)
    }

    /// The steps of a delegation, and of a token exchange.
    async fn delegated(
        &self,
        tenant: Found<PreparedTenant>,
        request: Box<DelegationRequest>,
        caller: &Caller,
        recorder: &mut Recorder,
        observation: &mut Observation<'_>,
    ) -> Result<Granted, Refusal> {
        let Ports { entropy, directory, buckets, .. } = &self.ports;
        recorder.found(found(&tenant));
        recorder.parsed(&request);
        let wants_refresh_token = request.wanted == Wanted::RefreshToken;
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
        let renewal = Renewal::of(&admitted);
        // What few requests need is boxed: otherwise it makes the future of each request larger, which is moved several times.
        let (issued, api_type, scope) = if wants_refresh_token {
            let (issued, scope) = Box::pin(issue_refresh_token(&self.ports, admitted)).await?;
            (issued, REFRESH_TOKEN_TYPE.to_owned(), scope)
        } else {
            let mut authorized = authorize(&**directory, admitted, &recorder.reference).await?;
            recorder.authorized(&authorized);
            let (api_type, scope) = (std::mem::take(&mut authorized.api_type), authorized.scope.take());
            observation.enter(Step::Issue);
            (issue(&**entropy, &**directory, authorized, &recorder.reference).await?, api_type, scope)
        };
        let refresh_token = match renewal {
            Some(renewal) => Box::pin(renewal.complete(&self.ports)).await?,
            None => None,
        };
        Ok(Granted { issued, api_type, scope, refresh_token })
    }

    /// Refuses a request that could not be read or was not served, and records one audit event. `tenant` is the one
    /// of [`Caller::host`], if it is known. It does not wait for the audit sink, since nothing is handed out.
    pub fn refuse_unread(
        &self,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> DelegationResponse {
        self.record_unread(Endpoint::Delegation, &refusal, tenant, caller);
        DelegationResponse { outcome: Err(refusal), rate: None }
    }

    /// The same for a token request.
    pub fn refuse_unread_token_request(
        &self,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> TokenResponse {
        let refusal = refusal.in_terms_of_oauth();
        self.record_unread(Endpoint::Token, &refusal, tenant, caller);
        TokenResponse { outcome: Err(refusal), rate: None }
    }

    /// The same for a revocation.
    pub fn refuse_unread_revocation(
        &self,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> RevocationResponse {
        let refusal = refusal.in_terms_of_oauth();
        self.record_unread(Endpoint::Revocation, &refusal, tenant, caller);
        RevocationResponse { outcome: Err(refusal), rate: None }
    }

    fn record_unread(
        &self,
        endpoint: Endpoint,
        refusal: &Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) {
        observation::refused(self.ports.observer.as_ref(), endpoint, refusal);
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        recorder.found(tenant);
        let event = match endpoint {
            Endpoint::Delegation | Endpoint::Token => recorder.delegation_event(endpoint, Err(refusal)),
            Endpoint::Revocation => recorder.revocation_event(Some(refusal)),
            Endpoint::Introspection => recorder.introspection_event(refusal),
            Endpoint::TokenInfo | Endpoint::UserInfo => recorder.profile_event(refusal),
            // Its calls have records of their own.
            Endpoint::Management => return,
        };
        drop(self.ports.audit.record(event));
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
        let outcome = outcome.map_err(Refusal::in_terms_of_oauth);
        observation.enter(Step::Audit);
        let rate = recorder.rate;
        let api_type = observation.api_type(recorder.api_type());
        let recorded =
            self.ports.audit.record(recorder.revocation_event(outcome.as_ref().err())).wait().await;
        let outcome = recorded.map_err(not_audited).and(outcome);
        observation.end(Endpoint::Revocation, api_type, observation::revocation_outcome(&outcome));
        RevocationResponse { outcome, rate }
    }

    /// Says whether a token is valid, and what it says (RFC 7662). Records an audit event if it refuses: an API may ask at each of
    /// its requests. `tenant` is what the directory found for [`Caller::host`].
    ///
    /// # Errors
    /// The client is unknown or does not authenticate, or a store is unavailable.
    pub async fn introspect(
        &self,
        tenant: Found<PreparedTenant>,
        request: IntrospectionRequest,
        caller: &Caller,
    ) -> Result<Introspection, Refusal> {
        let mut observation = Observation::begin(self.ports.observer.as_ref());
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        recorder.found(found(&tenant));
        let now_unix_ms = recorder.now_unix_ms;
        let outcome = introspect(&self.ports, tenant, &request, caller.ip, now_unix_ms).await;
        let outcome = outcome.map_err(Refusal::in_terms_of_oauth);
        let outcome = match outcome {
            Ok(about) => Ok(about),
            Err(refusal) => {
                observation.enter(Step::Audit);
                recorder.asked_about(&request.client_id, &request.token);
                let recorded = self.ports.audit.record(recorder.introspection_event(&refusal)).wait().await;
                Err(recorded.err().map_or(refusal, |why| not_audited(why).in_terms_of_oauth()))
            }
        };
        let counted = outcome.as_ref().map_or_else(Outcome::from, |_| Outcome::Introspected);
        let api_type = observation.api_type(None);
        observation.end(Endpoint::Introspection, api_type, counted);
        outcome
    }

    /// Refuses an introspection that could not be read.
    pub fn refuse_unread_introspection(
        &self,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> Refusal {
        let refusal = refusal.in_terms_of_oauth();
        self.record_unread(Endpoint::Introspection, &refusal, tenant, caller);
        refusal
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
        let Ports { buckets, .. } = &self.ports;
        recorder.found(found(&tenant));
        recorder.asked_about(&request.client_id, &request.token);
        let now_unix_ms = recorder.now_unix_ms;
        let identified = revocation::identify(&self.ports, tenant, request, caller.ip, now_unix_ms).await?;
        let revocable = revocation::select(identified)?;
        observation.enter(Step::Admit);
        match revocation::admit(&**buckets, revocable, caller.ip, now_unix_ms).await {
            RevocationAdmission::NothingToRevoke => Ok(()),
            RevocationAdmission::Counted { rate, outcome } => {
                recorder.counted(rate, &outcome);
                let admitted = outcome?;
                observation.enter(Step::Revoke);
                revocation::revoke(&self.ports, admitted, &recorder.reference).await
            }
        }
    }
}

fn issued(outcome: &Result<Granted, Refusal>) -> Result<&Issued, &Refusal> {
    outcome.as_ref().map(|granted| &granted.issued)
}

fn found(tenant: &Found<PreparedTenant>) -> Option<&PreparedTenant> {
    tenant.as_ref().ok()?.as_deref()
}

/// Refuses a request whose audit event is not kept, whatever its outcome was.
fn not_audited(unavailable: StoreUnavailable) -> Refusal {
    Refusal::new(RefusalKind::TemporarilyUnavailable, "the audit log is unavailable; try again")
        .because(unavailable)
}
