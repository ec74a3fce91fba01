//! Mutants of non-revocability: a credential that stays valid is reported as revoked.

use locum_engine::AuditCode;

use crate::exchange::request_builder::REVOCATION;
use crate::faults::fault::Fault;
use crate::feature::Feature;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::NonRevocability,
        vec![
            (
                "reports-a-non-revocable-credential-as-revoked",
                "Revoking a credential that is not revocable is reported as successful.",
                &[Feature::NotRevocable],
                &[],
                Fault::Response(|response, request| {
                    if request.target == REVOCATION && response.body.contains("unsupported_token_type") {
                        response.status = 200;
                        response.body.clear();
                        response.headers.retain(|(name, _)| name != "content-type");
                    }
                }),
            ),
            (
                "refuses-revocation-with-another-code",
                "Revoking a credential that is not revocable is refused with invalid_request.",
                &[Feature::NotRevocable],
                &[],
                Fault::Response(|response, request| {
                    if request.target == REVOCATION {
                        response.body = response.body.replace("unsupported_token_type", "invalid_request");
                    }
                }),
            ),
            (
                "drops-audit-events-of-refused-revocations",
                "A refused revocation has no audit event.",
                &[Feature::NotRevocable],
                &[],
                Fault::Audit(|event| {
                    if event.code == AuditCode::RevocationFailure { Vec::new() } else { vec![event] }
                }),
            ),
            (
                "records-refused-revocations-as-successes",
                "The audit event of a refused revocation has the code of a success.",
                &[Feature::NotRevocable],
                &[],
                Fault::Audit(|mut event| {
                    if event.code == AuditCode::RevocationFailure {
                        event.code = AuditCode::Revoked;
                    }
                    vec![event]
                }),
            ),
            (
                "ignores-the-client-of-a-revocation",
                "A revocation by an unknown client is treated like one by a known client.",
                &[Feature::NotRevocable],
                &[],
                Fault::Request(|request, _| {
                    if request.target == REVOCATION {
                        request.body = request.body.replace("nobody", "target");
                    }
                }),
            ),
        ],
    )
}
