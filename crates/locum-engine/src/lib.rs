//! Decides and issues: the five calls of a delegation, with ports as traits.
//!
//! ```text
//! parameters + Caller
//!    │  understand      which request                → DelegationRequest
//!    │  authenticate    who: client, subject token   → Authenticated
//!    │  admit           how often: token bucket      → Admitted
//!    │  authorize       may: target, scope, lifetime → Authorized
//!    │  issue           the issuer, then the checks  → Issued
//!    ▼  audit           exactly one event, always
//! DelegationResponse
//! ```
//!
//! Each step takes what the one before it made, and nothing else can make it: a check cannot be skipped.
//!
//! **The engine performs no I/O.** It reads no clock, no environment, no socket and no file: time, randomness, stores
//! and issuers come in through [`ports`]. It knows no HTTP either: statuses and header values are numbers here.

mod admit;
mod audit;
mod authenticate;
mod authorize;
mod base64url;
mod bucket;
mod claims;
mod engine;
mod issue;
mod issuer_slot;
pub mod limits;
pub mod ports;
mod refusal;
mod request;
mod reuse;
mod revoke;
mod scope;
pub mod strict_json;
pub mod tenant;
mod tenant_key;
mod token;

pub use admit::{Admission, Admitted, admit, rate_limited_address};
pub use audit::{AuditCode, AuditEvent, AuditRefusal};
pub use authenticate::{Authenticated, authenticate};
pub use authorize::{Authorized, authorize};
pub use bucket::{BucketDecision, BucketRule, TokenBucket, take};
pub use engine::{AddOnProblem, DelegationResponse, Engine, Ports};
pub use issue::{Credential, Issued, issue};
pub use refusal::{Fault, Refusal, RefusalKind};
pub use request::{Caller, DelegationRequest, JWT_BEARER, SubjectToken};
pub use token::{Algorithm, KeyUnusable, VerificationKey};
