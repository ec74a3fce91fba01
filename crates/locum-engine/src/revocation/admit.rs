//! Admit: upstream calls cost, so revocations have a rate limit of each client at each address.

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

/// The answer of the rate limiter.
#[derive(Debug)]
pub enum RevocationAdmission {
    /// No upstream is to be asked, so nothing is counted. A token that nobody knows counts as revoked.
    NothingToRevoke,
    /// The bucket was asked.
    Counted {
        /// What the rate headers are made of; `None` if the buckets could not be asked.
        rate: Option<BucketDecision>,
        /// The request, or why it is refused.
        outcome: Result<AdmittedRevocation, Refusal>,
    },
}

/// Admits a revocation.
pub async fn admit(
    buckets: &dyn Buckets,
    revocable: Revocable,
    ip: IpAddr,
    now_unix_ms: u64,
) -> RevocationAdmission {
    if revocable.add_ons().next().is_none() {
        return RevocationAdmission::NothingToRevoke;
    }
    let key = BucketKey {
        tenant: revocable.tenant.domain(),
        ip: rate_limited_address(ip),
        subject: BucketSubject::Revocations(revocable.client.id()),
    };
    let exceeded = "rate limit of this client at this address exceeded";
    let Count { rate, outcome } =
        count(buckets, key, revocable.tenant.delegation(), exceeded, now_unix_ms).await;
    let outcome = outcome.map(|()| AdmittedRevocation { revocable, now_unix_ms });
    RevocationAdmission::Counted { rate, outcome }
}
