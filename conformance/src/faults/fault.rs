//! The fault of a mutant: where it acts, and what it changes there.

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::{BucketKey, IssuerFailure};
use locum_engine::{AuditEvent, BucketDecision, BucketRule};
use locum_store::TenantData;

use crate::exchange::message::{Request, Response};
use crate::faults::context::FaultContext;
use crate::fixtures::tested_tenant::TestedTenant;

/// A change at one of the engine's ports, or between client and server. Each is a plain function over what passes
/// there.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The engine reads a changed manifest.
    Manifest(fn(&mut IssuerManifest)),
    /// The issuer is configured with changed settings.
    Configuration(fn(&mut Configuration, &IssuerManifest)),
    /// Settings are refused with a changed failure.
    Refusal(fn(Failure, &Configuration) -> Failure),
    /// Refused settings are accepted: the issuer that was configured last stays in use.
    AcceptsAllSettings,
    /// The issuer receives a changed grant.
    Grant(fn(&mut Grant, &FaultContext)),
    /// The issued credential is changed.
    Issued(fn(&mut Issued, &Grant, &FaultContext)),
    /// The issuer's result is changed.
    IssueResult(fn(Result<Issued, IssuerFailure>, &FaultContext) -> Result<Issued, IssuerFailure>),
    /// The issuer is called twice per credential.
    IssuesTwice,
    /// The issuer is not called to revoke a credential.
    SkipsRevocation,
    /// The result of a revocation is changed.
    RevocationResult(fn(Result<RevokeAnswer, IssuerFailure>) -> Result<RevokeAnswer, IssuerFailure>),
    /// Another bucket is used, or another rule.
    Bucket(for<'a> fn(BucketKey<'a>, BucketRule) -> (BucketKey<'a>, BucketRule)),
    /// The bucket's decision is changed.
    BucketDecision(fn(BucketDecision) -> BucketDecision),
    /// The audit event is changed, dropped or repeated.
    Audit(fn(AuditEvent) -> Vec<AuditEvent>),
    /// The engine sees a changed tenant.
    Tenant(fn(&mut TenantData)),
    /// The server receives a changed request.
    Request(fn(&mut Request, &TestedTenant)),
    /// The client receives a changed response.
    Response(fn(&mut Response, &Request)),
}
