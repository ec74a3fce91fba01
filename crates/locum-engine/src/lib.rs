//! Decides and issues: the five calls of a delegation, with ports as traits.
//!
//! ```text
//! DelegationRequest + Caller + PreparedTenant
//!    │  authenticate    client, subject token, user            → Authenticated
//!    │  admit           rate limit                             → Admitted
//!    │  authorize       target, api_type, scope, lifetime      → Authorized
//!    │  issue           the issuer's answer, checked           → Issued
//!    ▼  audit           one event, whatever the outcome
//! DelegationResponse
//! ```
//!
//! A [`TokenRequest`] goes through the same steps, as OAuth asks for it (RFC 8693). Revocation and introspection have their own
//! few: [`Engine::revoke`], [`Engine::introspect`]. A client that asks for a token of the Management API gets one for itself,
//! and [`Engine::management_caller`] verifies it.
//!
//! Each step takes the value that the step before it returns, and nothing else constructs that value, so no check can
//! be skipped.
//!
//! **The engine performs no I/O.** It reads no clock, environment, socket or file: time, randomness, stores and issuers
//! are behind [`ports`]. It knows no HTTP: statuses and header values are numbers.
//!
//! [`model`] is what operators configure, [`prepared`] is derived from it before the first request, and [`contract`] has
//! the types that issuers use.
//!
//! # Example
//!
//! An engine with one tenant, two clients and an issuer in code. The client `web` delegates to the client `api`.
//!
//! ```
//! use std::future::ready;
//! use std::sync::Arc;
//!
//! use locum_engine::contract::{
//!     Configuration, Credential, CredentialForm, Failure, Grant, Issued, IssuerManifest, Lifetime,
//! };
//! use locum_engine::model::{AddOn, Client, ClientKey, ClientSecret, Tenant};
//! use locum_engine::ports::{
//!     AuditSink, CallContext, Issuer, IssuerFailure, Issuers, PortFuture, PortReply, StoreUnavailable, TenantAudiences,
//! };
//! use locum_engine::{AuditEvent, Caller, DelegationRequest, Engine, Ports, PresentedKind, PresentedToken};
//! use locum_store::{MemoryBuckets, MemoryDirectory, SystemEntropy, TenantData, TenantSet};
//! use serde_json::Map;
//!
//! /// Issues the text `pass for USER`, which expires with its grant.
//! struct Passes;
//!
//! impl Issuer for Passes {
//!     fn issue<'a>(
//!         &'a self,
//!         grant: &'a Grant,
//!         context: CallContext,
//!         _: &'a dyn TenantAudiences,
//!     ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
//!         let issued_at = (context.now_unix_ms / 1000) as i64;
//!         Box::pin(ready(Ok(Issued {
//!             credential: Credential::Text(format!("pass for {}", grant.user_id)),
//!             issued_at,
//!             expires_at: Some(issued_at + grant.lifetime_seconds as i64),
//!         })))
//!     }
//! }
//!
//! /// Finds the issuer of the api_type `pass`.
//! struct PassIssuers;
//!
//! impl Issuers for PassIssuers {
//!     fn manifest(&self, api_type: &str) -> Option<Arc<IssuerManifest>> {
//!         (api_type == "pass").then(|| {
//!             let form = CredentialForm::Text { member: "pass".to_owned() };
//!             Arc::new(IssuerManifest {
//!                 lifetime: Lifetime {
//!                     minimum_seconds: 60,
//!                     default_seconds: 600,
//!                     maximum_seconds: 3600,
//!                     setting: None,
//!                 },
//!                 ..IssuerManifest::new("pass", form)
//!             })
//!         })
//!     }
//!
//!     fn configure(&self, _: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
//!         Ok(Arc::new(Passes))
//!     }
//! }
//!
//! /// Prints audit events.
//! struct Printer;
//!
//! impl AuditSink for Printer {
//!     fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
//!         println!("{event:?}");
//!         PortReply::Now(Ok(()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut web = Client::new("web");
//! web.key = ClientKey::Secret(ClientSecret::new(&locum_testing::SECRET.into(), false)?);
//! let mut api = Client::new("api");
//! api.add_ons = vec![AddOn::new("pass", Map::new())];
//! let data = TenantData::new(Tenant::new("acme.example.com"), vec![web, api]);
//! let tenants = TenantSet::prepare(vec![data], &PassIssuers)?;
//!
//! // A program uses `locum_store::SystemClock`; this clock makes the example repeatable.
//! let clock = locum_testing::VirtualClock::at(locum_testing::NOW);
//! let engine = Engine::new(Ports::new(
//!     Arc::new(clock),
//!     Arc::new(SystemEntropy),
//!     Arc::new(MemoryDirectory::new(tenants)),
//!     Arc::new(MemoryBuckets::default()),
//!     Arc::new(Printer),
//! ));
//!
//! let caller = Caller {
//!     host: "acme.example.com".to_owned(),
//!     ip: "203.0.113.7".parse()?,
//!     auth0_client: None,
//!     user_agent: None,
//! };
//! let id_token = PresentedToken::new(PresentedKind::IdToken, locum_testing::id_token("web"));
//! let mut request = DelegationRequest::new("web", id_token);
//! request.target = Some("api".to_owned());
//! let tenant = engine.directory().tenant(&caller.host).wait().await;
//! let response = engine.delegate(tenant, request, &caller).await;
//! let issued = response.outcome.map_err(|refusal| refusal.description().to_owned())?;
//! let locum_engine::Credential::Text { member, text } = issued.credential else { unreachable!() };
//! assert_eq!((member.as_str(), text.as_str()), ("pass", "pass for auth0|alice"));
//! assert_eq!(issued.expires_at, Some(locum_testing::NOW + 600));
//! # Ok(())
//! # }
//! ```

mod app_tokens;
mod audit;
pub mod base64url;
mod bucket;
mod client_authentication;
pub mod contract;
mod credential;
pub mod delegation;
mod engine;
mod failure_limit;
mod introspection;
mod issuer_chain;
mod issuers;
mod jws_parts;
pub mod limits;
mod management;
mod mask;
pub mod model;
mod observation;
mod observer;
mod parameters;
mod port_reply;
pub mod ports;
pub mod prepared;
mod printable;
mod profiles;
mod rate_limited_address;
pub mod reach;
mod recorder;
mod references;
mod refresh_tokens;
mod refusal;
pub mod revocation;
pub mod strict_json;
mod subject_token;
mod token_request;
mod unknown_names;
mod used_assertions;

pub use audit::{AuditCode, AuditEvent, AuditRefusal, ManagementCall};
pub use bucket::{BucketDecision, BucketRule, TokenBucket};
pub use client_authentication::{BasicCredentials, ClientCredential};
pub use credential::{Credential, Issued};
pub use delegation::{
    CLIENT_CREDENTIALS, Caller, DelegationRequest, JWT_BEARER, PresentedKind, PresentedToken, REFRESH_TOKEN,
    TOKEN_EXCHANGE, Wanted,
};
pub use engine::{
    DelegationResponse, Engine, IssuedToken, ManagementRecord, ProfileResponse, RevocationResponse,
    TokenResponse,
};
pub use introspection::{Introspection, IntrospectionRequest};
pub use jws_parts::jws_parts;
pub use management::{ManagementActor, ManagementCaller, ManagementTokenError, OperatorToken};
pub use mask::mask_tokens;
pub use ports::Ports;
pub use printable::{needs_escape, printable};
pub use profiles::{ProfileRequest, ProfileToken};
pub use rate_limited_address::rate_limited_address;
pub use refusal::{Fault, Refusal, RefusalKind, Row};
pub use revocation::RevocationRequest;
pub use subject_token::{IgnoredKey, InvalidKey, InvalidKeySet, KeySet};
pub use token_request::TokenRequest;
