//! Reuse: if the tenant allows it, a credential of an upstream is kept for equal grants, which saves upstream calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Revocation};
use serde_json::{Map, Value};

use crate::credential::{Credential, Issued};
use crate::limits::REUSABLE_CREDENTIALS_MAX;
use crate::model::DelegationPolicy;

/// Where the credential of one authorised grant is kept.
///
/// A credential depends only on the add-on and the grant, so it may be reused for an equal grant. The request has passed
/// every check before this is constructed.
pub(crate) struct Reuse {
    credentials: Arc<ReusableCredentials>,
    grant: GrantDigest,
}

/// SHA-256 of a grant. The grant itself is not kept, because it contains a user's profile.
type GrantDigest = [u8; 32];

impl Reuse {
    /// `None` if each request gets a new credential.
    pub(crate) fn of(
        policy: &DelegationPolicy,
        manifest: &IssuerManifest,
        reusable: &Arc<ReusableCredentials>,
        grant: &Grant,
    ) -> Option<Self> {
        // A client that revokes its credential must not revoke that of another.
        let shareable = manifest.reusable
            && manifest.credential == CredentialForm::Object
            && !manifest.upstreams.is_empty()
            && manifest.revocation != Revocation::Upstream;
        if !(policy.reuse_upstream_credentials && shareable) {
            return None;
        }
        Some(Self { credentials: Arc::clone(reusable), grant: digest_of(grant)? })
    }

    /// The credential kept for this grant, if at least half of its lifetime is left.
    pub(crate) fn find(&self, now: i64) -> Option<Issued> {
        let kept = self.credentials.lock();
        let kept = kept.get(&self.grant).filter(|kept| kept.is_reusable_at(now))?;
        let mut object = kept.object.clone();
        set_expires_in(&mut object, kept.expires_at - now);
        Some(Issued {
            credential: Credential::Object(object),
            expires_at: Some(kept.expires_at),
            reused: true,
        })
    }

    /// Keeps a credential for equal grants, if its expiry is known. At [`REUSABLE_CREDENTIALS_MAX`], the one that
    /// expires first is dropped.
    pub(crate) fn keep(&self, issued: &Issued, now: i64) {
        let (Credential::Object(object), Some(expires_at)) = (&issued.credential, issued.expires_at) else {
            return;
        };
        let mut kept = self.credentials.lock();
        kept.retain(|grant, kept| *grant != self.grant && kept.is_reusable_at(now));
        if kept.len() >= REUSABLE_CREDENTIALS_MAX {
            let expires_first = kept.iter().min_by_key(|(_, kept)| kept.expires_at).map(|(grant, _)| *grant);
            expires_first.and_then(|grant| kept.remove(&grant));
        }
        kept.insert(self.grant, ReusableCredential { object: object.clone(), since: now, expires_at });
    }
}

/// `None` for a grant that JSON cannot express, which does not occur.
fn digest_of(grant: &Grant) -> Option<GrantDigest> {
    let mut canonical = serde_json::to_value(grant).ok()?;
    canonical.sort_all_objects();
    let text = serde_json::to_vec(&canonical).ok()?;
    digest(&SHA256, &text).as_ref().try_into().ok()
}

/// `expires_in` counts from the time of the answer (RFC 6749 section 5.1). It is a number or, in answers of SAP, a
/// string.
fn set_expires_in(object: &mut Map<String, Value>, seconds_left: i64) {
    match object.get_mut("expires_in") {
        Some(Value::String(text)) => *text = seconds_left.to_string(),
        Some(seconds @ Value::Number(_)) => *seconds = seconds_left.into(),
        _ => {}
    }
}

/// The kept credentials of one add-on. A reload drops them with the prepared client.
#[derive(Default)]
pub(crate) struct ReusableCredentials(Mutex<HashMap<GrantDigest, ReusableCredential>>);

struct ReusableCredential {
    object: Map<String, Value>,
    /// Unix seconds, as `expires_at`.
    since: i64,
    expires_at: i64,
}

impl ReusableCredentials {
    fn lock(&self) -> MutexGuard<'_, HashMap<GrantDigest, ReusableCredential>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ReusableCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReusableCredentials({})", self.lock().len())
    }
}

impl ReusableCredential {
    /// Whether at least half of the lifetime is left. If the clock was set back, more than all of it is left; then the
    /// credential would outlive its grant, so it is not reused.
    fn is_reusable_at(&self, now: i64) -> bool {
        let lifetime = self.expires_at.saturating_sub(self.since);
        let left = self.expires_at.saturating_sub(now);
        left <= lifetime && left.saturating_mul(2) >= lifetime
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_nobody_can_get_any_more_are_dropped() {
        let credentials = Arc::new(ReusableCredentials::default());
        let reuse = |grant: u8| Reuse { credentials: Arc::clone(&credentials), grant: [grant; 32] };
        let issued = |expires_at| Issued {
            credential: Credential::Object(Map::new()),
            expires_at: Some(expires_at),
            reused: false,
        };
        reuse(1).keep(&issued(100), 0);
        reuse(2).keep(&issued(200), 0);
        assert_eq!(format!("{credentials:?}"), "ReusableCredentials(2)");
        // At 60 less than half is left of the first; the second is replaced by a newer one.
        reuse(2).keep(&issued(260), 60);
        assert_eq!(format!("{credentials:?}"), "ReusableCredentials(1)");
        assert_eq!(reuse(2).find(60).unwrap().expires_at, Some(260));
        assert!(reuse(1).find(60).is_none());
    }
}
