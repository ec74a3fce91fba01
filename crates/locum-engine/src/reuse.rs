//! Reuse: where a tenant says so, an upstream's credential answers the same grant again, and the upstream's quota is
//! spared.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Revocation};
use serde_json::{Map, Value};

use crate::issue::{Credential, Issued};
use crate::limits::REUSABLE_CREDENTIALS_MAX;
use crate::tenant::{AddOn, DelegationPolicy};

/// What answers one authorised grant, if anything does.
///
/// A grant is all that a credential may depend on besides the add-on, so an equal grant is due an equal credential.
/// Who asks has passed every check before there is one of these.
pub(crate) struct Reuse {
    credentials: Arc<ReusableCredentials>,
    grant: GrantDigest,
}

/// SHA-256 of a grant: the profiles of users are not kept here.
type GrantDigest = [u8; 32];

impl Reuse {
    /// None if each request is to have a credential of its own.
    pub(crate) fn of(
        policy: &DelegationPolicy,
        manifest: &IssuerManifest,
        add_on: &AddOn,
        grant: &Grant,
    ) -> Option<Self> {
        // Whoever revokes a credential means his own: one that another answer holds too would die there as well.
        let shareable = manifest.credential == CredentialForm::Object
            && !manifest.upstreams.is_empty()
            && manifest.revocation != Revocation::Upstream;
        if !(policy.reuse_upstream_credentials && shareable) {
            return None;
        }
        Some(Self { credentials: Arc::clone(&add_on.reusable), grant: digest_of(grant)? })
    }

    /// The credential that this grant was given before, if at least half of its life is left.
    pub(crate) fn given_before(&self, now: i64) -> Option<Issued> {
        let kept = self.credentials.lock();
        let kept = kept.get(&self.grant).filter(|kept| kept.is_reusable_at(now))?;
        let mut object = kept.object.clone();
        count_anew(&mut object, kept.expires_at - now);
        Some(Issued {
            credential: Credential::Object(object),
            expires_at: Some(kept.expires_at),
            reused: true,
        })
    }

    /// Keeps a credential for the same grant, if its end is known. At the bound, the one that ends first goes.
    pub(crate) fn keep(&self, issued: &Issued, now: i64) {
        let (Credential::Object(object), Some(expires_at)) = (&issued.credential, issued.expires_at) else {
            return;
        };
        let mut kept = self.credentials.lock();
        kept.retain(|grant, kept| *grant != self.grant && kept.is_reusable_at(now));
        if kept.len() >= REUSABLE_CREDENTIALS_MAX {
            let ends_first = kept.iter().min_by_key(|(_, kept)| kept.expires_at).map(|(grant, _)| *grant);
            ends_first.and_then(|grant| kept.remove(&grant));
        }
        kept.insert(self.grant, Kept { object: object.clone(), since: now, expires_at });
    }
}

/// None for a grant that JSON cannot say, which there is not.
fn digest_of(grant: &Grant) -> Option<GrantDigest> {
    let mut canonical = serde_json::to_value(grant).ok()?;
    canonical.sort_all_objects();
    let text = serde_json::to_vec(&canonical).ok()?;
    digest(&SHA256, &text).as_ref().try_into().ok()
}

/// `expires_in` counts from the answer that it stands in (RFC 6749 section 5.1), be it a number or, as SAP writes it,
/// a text.
fn count_anew(object: &mut Map<String, Value>, seconds_left: i64) {
    match object.get_mut("expires_in") {
        Some(Value::String(text)) => *text = seconds_left.to_string(),
        Some(seconds @ Value::Number(_)) => *seconds = seconds_left.into(),
        _ => {}
    }
}

/// The credentials of one add-on that may be given again. They are forgotten with the tenant that the add-on belongs
/// to, so a reload begins with none.
#[derive(Default)]
pub(crate) struct ReusableCredentials(Mutex<HashMap<GrantDigest, Kept>>);

struct Kept {
    object: Map<String, Value>,
    /// Unix seconds, as `expires_at`.
    since: i64,
    expires_at: i64,
}

impl ReusableCredentials {
    fn lock(&self) -> MutexGuard<'_, HashMap<GrantDigest, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ReusableCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReusableCredentials({})", self.lock().len())
    }
}

impl Kept {
    /// A clock that was put back makes it none: seen from there, the credential would outlive its grant.
    fn is_reusable_at(&self, now: i64) -> bool {
        let life = self.expires_at.saturating_sub(self.since);
        let left = self.expires_at.saturating_sub(now);
        left <= life && left.saturating_mul(2) >= life
    }
}
