//! Weakenings: one fault, put between the suite and what it judges, to see whether a case notices.
//!
//! A weakening sits at one of the engine's ports, or between the suite and the server. Each is a plain function over
//! what passes there, so that a mutant is a name, a sentence and a few lines.

mod audit_sink;
mod buckets;
mod context;
mod issuers;

use locum_abi::answer::{Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::{BucketKey, IssuerFailure};
use locum_engine::tenant::Tenant;
use locum_engine::{AuditEvent, BucketDecision, BucketRule};

pub(crate) use self::audit_sink::FaultyAuditSink;
pub(crate) use self::buckets::FaultyBuckets;
pub(crate) use self::context::FaultContext;
pub(crate) use self::issuers::FaultyIssuers;
use crate::exchange::{Request, Response};
use crate::tenant::TenantDocument;

/// Where a fault sits, and what it does there.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    /// The engine reads another manifest than the plugin's.
    Manifest(fn(&mut IssuerManifest)),
    /// The issuer is configured with other settings.
    Configuration(fn(&mut Configuration, &IssuerManifest)),
    /// Settings are refused in other words.
    Refusal(fn(Failure, &Configuration) -> Failure),
    /// Settings that are refused are taken: the issuer that was made ready last goes on.
    TakesAllSettings,
    /// The issuer is told of another grant.
    Grant(fn(&mut Grant, &FaultContext)),
    /// Another credential comes out than the issuer gave.
    Issued(fn(&mut Issued, &Grant, &FaultContext)),
    /// Something else comes of the issuer's work.
    Outcome(fn(Result<Issued, IssuerFailure>, &FaultContext) -> Result<Issued, IssuerFailure>),
    /// The issuer is asked twice for each credential.
    AsksTwice,
    /// The issuer is not asked when a credential is to be revoked.
    RevokesWithoutAsking,
    /// Something else comes of a revocation.
    Revoked(fn(Result<RevokeAnswer, IssuerFailure>) -> Result<RevokeAnswer, IssuerFailure>),
    /// Another bucket is asked, by another rule.
    Bucket(for<'a> fn(BucketKey<'a>, BucketRule) -> (BucketKey<'a>, BucketRule)),
    /// The bucket says something else.
    Taken(fn(BucketDecision) -> BucketDecision),
    /// Other events are recorded.
    Audit(fn(AuditEvent) -> Vec<AuditEvent>),
    /// The engine knows another tenant.
    Tenant(fn(&mut Tenant)),
    /// The server reads another request.
    Question(fn(&mut Request, &TenantDocument)),
    /// The client reads another answer.
    Answer(fn(&mut Response, &Request)),
}
