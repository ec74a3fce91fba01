//! Admit: takes a token from the bucket of this client's revocations at this address, because upstream calls and writes are costly.

use std::net::IpAddr;

use crate::bucket::BucketDecision;
use crate::delegation::{Count, count};
use crate::ports::{BucketKey, BucketSubject, Buckets};
use crate::rate_limited_address::rate_limited_address;
use crate::refusal::Refusal;
use crate::revocation::select::Revocable;

/// A revocation within its rate limit.
#[derive(Debug)]
pub struct AdmittedRevocation {
    pub(super) revocable: Revocable,
    pub(super) now_unix_ms: u64,
}

/// The decision of the bucket, and the revocation if it is admitted.
#[derive(Debug)]
pub enum RevocationAdmission {
    /// It is no refresh token and no add-on of the client can revoke upstream, so nothing is counted. An unknown token counts as revoked.
    NothingToRevoke,
    /// The revocation was counted, unless the buckets were unavailable.
    Counted {
        /// The values of the rate-limit headers; `None` if the buckets were unavailable.
        rate: Option<BucketDecision>,
        /// The revocation, or why it is refused.
        outcome: Result<AdmittedRevocation, Refusal>,
    },
}

/// Admits a revocation, if the rate limit of its client at this address allows it. `now_unix_ms` is in milliseconds
/// since the unix epoch.
pub async fn admit(
    buckets: &dyn Buckets,
    revocable: Revocable,
    ip: IpAddr,
    now_unix_ms: u64,
) -> RevocationAdmission {
    if !revocable.is_asked_about() {
        return RevocationAdmission::NothingToRevoke;
    }
    let key = BucketKey {
        tenant: revocable.tenant.domain(),
        ip: rate_limited_address(ip),
        subject: BucketSubject::Revocations(revocable.client.id()),
    };
    let exceeded = "rate limit of this client at this address exceeded";
    let policy = revocable.tenant.delegation();
    let Count { rate, outcome } = count(buckets, key, policy.rate, policy, exceeded, now_unix_ms).await;
    let outcome = outcome.map(|()| AdmittedRevocation { revocable, now_unix_ms });
    RevocationAdmission::Counted { rate, outcome }
}
