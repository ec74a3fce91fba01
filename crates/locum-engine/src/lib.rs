//! Decides and issues: the five calls of a delegation, with ports as traits.
//!
//! ```text
//! parameters + Caller + PreparedTenant
//!    │  parse           the request                            → DelegationRequest
//!    │  authenticate    client, subject token, user            → Authenticated
//!    │  admit           rate limit                             → Admitted
//!    │  authorize       target, api_type, scope, lifetime      → Authorized
//!    │  issue           the issuer's answer, then the checks   → Issued
//!    ▼  audit           exactly one event, always
//! DelegationResponse
//! ```
//!
//! Each step takes what the one before it made, and nothing else can make it: a check cannot be skipped.
//!
//! **The engine performs no I/O.** It reads no clock, no environment, no socket and no file: time, randomness, stores
//! and issuers come in through [`ports`]. It knows no HTTP either: statuses and header values are numbers here.
//!
//! [`model`] is what operators configure, [`prepared`] what is derived from it once, before the first request.

mod audit;
mod base64url;
mod bucket;
mod credential;
pub mod delegation;
mod engine;
mod issuer_chain;
mod issuers;
pub mod limits;
pub mod model;
mod port_reply;
pub mod ports;
pub mod prepared;
mod rate_limited_address;
mod recorder;
mod refusal;
pub mod revocation;
pub mod strict_json;
mod subject_token;

pub use audit::{AuditCode, AuditEvent, AuditRefusal};
pub use bucket::{BucketDecision, BucketRule, TokenBucket};
pub use credential::{Credential, Issued};
pub use delegation::{Caller, DelegationRequest, JWT_BEARER, SubjectToken};
pub use engine::{DelegationResponse, Engine, RevocationResponse};
pub use ports::Ports;
pub use rate_limited_address::rate_limited_address;
pub use refusal::{Fault, Refusal, RefusalKind};
pub use subject_token::InvalidKey;
