//! The check whether an address has presented too many invalid tokens. Where the buckets are elsewhere, they are asked for it
//! together with the bucket of the user, once the token has said who that is: each request then waits for one answer.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::failure_limit::FailureLimit;
use crate::ports::{BucketSubject, Ports};
use crate::prepared::PreparedTenant;
use crate::refusal::Refusal;

const TOO_MANY: &str = "too many invalid tokens from this address; wait before the next request";

/// The limit that this check is of.
pub(super) fn limit<'a>(
    ports: &'a Ports,
    tenant: &'a PreparedTenant,
    ip: IpAddr,
    now_unix_ms: u64,
) -> FailureLimit<'a> {
    FailureLimit::new(&*ports.buckets, tenant, ip, BucketSubject::InvalidTokens, now_unix_ms)
}

/// A check that may not have been made yet. Until it is, nobody may be told what became of the token.
#[derive(Default)]
pub(crate) struct GuessCheck(Option<Box<UnmadeCheck>>);

impl GuessCheck {
    /// Makes the check of this [`limit`] if the buckets are in memory.
    ///
    /// # Errors
    /// Those of [`FailureLimit::check`].
    pub(super) fn begin(
        limit_of_address: &FailureLimit<'_>,
        ports: &Ports,
        tenant: &Arc<PreparedTenant>,
        ip: IpAddr,
        now_unix_ms: u64,
    ) -> Result<Self, Refusal> {
        if let Some(made) = limit_of_address.check_at_once(TOO_MANY) {
            return made.map(|()| Self::default());
        }
        let (ports, tenant) = (ports.clone(), Arc::clone(tenant));
        Ok(Self(Some(Box::new(UnmadeCheck { ports, tenant, ip, now_unix_ms }))))
    }

    /// The check, if it was not made.
    pub(super) fn unmade(self) -> Option<Box<UnmadeCheck>> {
        self.0
    }

    /// Makes the check unless it was made.
    ///
    /// # Errors
    /// Those of [`FailureLimit::check`].
    pub(super) async fn make(self) -> Result<(), Refusal> {
        match self.0 {
            Some(unmade) => unmade.make().await,
            None => Ok(()),
        }
    }
}

impl fmt::Debug for GuessCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuessCheck").field("is_made", &self.0.is_none()).finish()
    }
}

/// What a check is made of.
pub(super) struct UnmadeCheck {
    ports: Ports,
    tenant: Arc<PreparedTenant>,
    ip: IpAddr,
    now_unix_ms: u64,
}

impl UnmadeCheck {
    pub(super) async fn make(&self) -> Result<(), Refusal> {
        limit(&self.ports, &self.tenant, self.ip, self.now_unix_ms).check(TOO_MANY).await
    }
}
