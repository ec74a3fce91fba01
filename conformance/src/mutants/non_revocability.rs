//! Mutants of non-revocability: a credential that lives on is said to be gone.

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
                "says-revoked-when-it-is-not",
                "A credential that cannot be revoked is said to be revoked.",
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
                "calls-a-good-token-a-bad-request",
                "A credential that cannot be revoked is refused as if the request were wrong.",
                &[Feature::NotRevocable],
                &[],
                Fault::Response(|response, request| {
                    if request.target == REVOCATION {
                        response.body = response.body.replace("unsupported_token_type", "invalid_request");
                    }
                }),
            ),
            (
                "forgets-refused-revocations",
                "A revocation that was refused is not recorded.",
                &[Feature::NotRevocable],
                &[],
                Fault::Audit(|event| {
                    if event.code == AuditCode::RevocationFailure { Vec::new() } else { vec![event] }
                }),
            ),
            (
                "records-a-refused-revocation-as-done",
                "A revocation that was refused is recorded as done.",
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
                "revokes-for-anybody",
                "A revocation by an unknown client is answered as one by a known.",
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
