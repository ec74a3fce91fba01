//! Mutants of revocation: said to be done, and not done.

use locum_abi::answer::{Failure, RevokeAnswer};
use locum_engine::AuditCode;
use locum_engine::ports::IssuerFailure;

use crate::exchange::request_builder::REVOCATION;
use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::Revocation,
        vec![
            (
                "never-asks-the-upstream-to-revoke",
                "A credential is said to be revoked, and nobody was asked to.",
                &[Feature::Revocable],
                &[],
                Fault::SkipsRevocation,
            ),
            (
                "says-revoked-when-the-upstream-failed",
                "A credential is said to be revoked though the upstream could not be asked.",
                &[Feature::Revocable],
                &[],
                Fault::RevocationResult(|outcome| outcome.or(Ok(RevokeAnswer::Revoked))),
            ),
            (
                "fails-every-revocation",
                "No credential can be revoked.",
                &[Feature::Revocable],
                &[],
                Fault::RevocationResult(|_| Err(IssuerFailure::Failed(Failure::internal("no")))),
            ),
            (
                "says-not-revocable",
                "A credential that was revoked is said not to be revocable.",
                &[Feature::Revocable],
                &[],
                Fault::RevocationResult(|outcome| outcome.map(|_| RevokeAnswer::NotRevocable)),
            ),
            (
                "revokes-for-clients-without-the-add-on",
                "A client without the add-on has its credentials revoked.",
                &[Feature::Revocable],
                &[],
                Fault::Request(|request, _| {
                    if request.target == REVOCATION {
                        request.body = request.body.replace("\"caller\"", "\"target\"");
                    }
                }),
            ),
            (
                "says-a-jwt-is-revoked",
                "A JWT is said to be revoked.",
                &[Feature::Revocable],
                &[],
                Fault::Response(|response, request| {
                    if request.target == REVOCATION && request.body.contains("eyJ") {
                        response.status = 200;
                        response.body.clear();
                    }
                }),
            ),
            (
                "does-not-record-revocations",
                "A revocation is not recorded.",
                &[Feature::Revocable],
                &[],
                Fault::Audit(|event| if event.code == AuditCode::Revoked { Vec::new() } else { vec![event] }),
            ),
        ],
    )
}
