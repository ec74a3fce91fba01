//! Mutants of revocation: reported as successful, but not performed.

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
                "skips-the-upstream-revocation",
                "A revocation is reported as successful without a request to the upstream.",
                &[Feature::Revocable],
                &[],
                Fault::SkipsRevocation,
            ),
            (
                "ignores-a-failed-upstream-revocation",
                "A revocation is reported as successful although the upstream failed.",
                &[Feature::Revocable],
                &[],
                Fault::RevocationResult(|outcome| outcome.or(Ok(RevokeAnswer::Revoked))),
            ),
            (
                "fails-every-revocation",
                "Every revocation fails.",
                &[Feature::Revocable],
                &[],
                Fault::RevocationResult(|_| Err(IssuerFailure::Failed(Failure::internal("no")))),
            ),
            (
                "reports-a-revoked-credential-as-not-revocable",
                "A successful revocation is reported as not possible.",
                &[Feature::Revocable],
                &[],
                Fault::RevocationResult(|outcome| outcome.map(|_| RevokeAnswer::NotRevocable)),
            ),
            (
                "revokes-for-clients-without-the-add-on",
                "A client without the add-on can revoke its credentials.",
                &[Feature::Revocable],
                &[],
                Fault::Request(|request, _| {
                    if request.target == REVOCATION {
                        request.body = request.body.replace("\"caller\"", "\"target\"");
                    }
                }),
            ),
            (
                "reports-a-jwt-as-revoked",
                "Revoking a JWT is reported as successful.",
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
                "drops-audit-events-of-revocations",
                "A revocation has no audit event.",
                &[Feature::Revocable],
                &[],
                Fault::Audit(|event| if event.code == AuditCode::Revoked { Vec::new() } else { vec![event] }),
            ),
        ],
    )
}
