//! Mutants of non-revocability: a credential that lives on is said to be gone.

use locum_engine::AuditCode;

use super::Mutant;
use crate::asking::REVOCATION;
use crate::profile::{Feature, Profile};
use crate::weakening::Weakening;

pub(super) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::NonRevocability,
        vec![
            (
                "says-revoked-when-it-is-not",
                "A credential that cannot be revoked is said to be revoked.",
                &[Feature::NotRevocable],
                &[],
                Weakening::Answer(|answered, asked| {
                    if asked.target == REVOCATION && answered.body.contains("unsupported_token_type") {
                        answered.status = 200;
                        answered.body.clear();
                        answered.headers.retain(|(name, _)| name != "content-type");
                    }
                }),
            ),
            (
                "calls-a-good-token-a-bad-request",
                "A credential that cannot be revoked is refused as if the request were wrong.",
                &[Feature::NotRevocable],
                &[],
                Weakening::Answer(|answered, asked| {
                    if asked.target == REVOCATION {
                        answered.body = answered.body.replace("unsupported_token_type", "invalid_request");
                    }
                }),
            ),
            (
                "forgets-refused-revocations",
                "A revocation that was refused is not recorded.",
                &[Feature::NotRevocable],
                &[],
                Weakening::Audit(|event| {
                    if event.code == AuditCode::RevocationFailure { Vec::new() } else { vec![event] }
                }),
            ),
            (
                "records-a-refused-revocation-as-done",
                "A revocation that was refused is recorded as done.",
                &[Feature::NotRevocable],
                &[],
                Weakening::Audit(|mut event| {
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
                Weakening::Question(|asked, _| {
                    if asked.target == REVOCATION {
                        asked.body = asked.body.replace("nobody", "target");
                    }
                }),
            ),
        ],
    )
}
