//! The keys in a tenant's document: `signing_keys`, of which the first signs, and `next_signing_key`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use locum_store::NewSigningKey;
use serde_json::Value;

use crate::body::Members;
use crate::error::ApiError;
use crate::limits::SIGNING_KEYS_MAX;
use crate::moment::{moment, time};

/// The fields of the tenant.
pub(super) const LISTED: &str = "signing_keys";
pub(super) const NEXT: &str = "next_signing_key";

/// When a key began to be published, to sign, and when it ended to.
pub(super) const PUBLISHED_SINCE: &str = "published_since";
pub(super) const CURRENT_SINCE: &str = "current_since";
pub(super) const CURRENT_UNTIL: &str = "current_until";

/// The keys of a tenant.
pub(super) struct KeySet {
    /// The first one signs.
    listed: Vec<Members>,
    next: Option<Members>,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It signs.
    Current,
    /// It will sign.
    Next,
    /// It has signed.
    Previous,
}

impl KeySet {
    /// Those in the document of a tenant.
    pub(super) fn of(tenant: &Members) -> Self {
        let listed = tenant.get(LISTED).and_then(Value::as_array);
        let listed = listed.into_iter().flatten().filter_map(Value::as_object).cloned().collect();
        Self { listed, next: tenant.get(NEXT).and_then(Value::as_object).cloned() }
    }

    /// Puts them into the document of their tenant.
    pub(super) fn write(self, tenant: &mut Members) {
        let Self { listed, next } = self;
        if !listed.is_empty() || tenant.contains_key(LISTED) {
            tenant.insert(LISTED.to_owned(), listed.into_iter().map(Value::Object).collect());
        }
        match next {
            Some(next) => drop(tenant.insert(NEXT.to_owned(), Value::Object(next))),
            None => drop(tenant.shift_remove(NEXT)),
        }
    }

    /// All keys: the current one, the next one, and those before.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Members, Place)> {
        let current = self.listed.first().map(|entry| (entry, Place::Current));
        let next = self.next.as_ref().map(|entry| (entry, Place::Next));
        let previous = self.listed.iter().skip(1).map(|entry| (entry, Place::Previous));
        current.into_iter().chain(next).chain(previous)
    }

    pub(super) fn check_has_no_next(&self) -> Result<(), ApiError> {
        if self.next.is_none() {
            return Ok(());
        }
        let message =
            "the tenant has a next signing key already; rotate to use it, or revoke it to have another";
        Err(ApiError::conflict("signing_key_exists", message))
    }

    /// Checks that everybody knows the next key: it must have been published for so many seconds.
    pub(super) fn check_can_rotate(&self, wait_seconds: i64, now: i64) -> Result<(), ApiError> {
        let Some(next) = &self.next else {
            let message = "the tenant has no next signing key; make one by POST /api/v2/keys/signing, and rotate when it is known";
            return Err(ApiError::conflict("no_next_signing_key", message));
        };
        if self.listed.len() >= SIGNING_KEYS_MAX {
            let message = format!(
                "the tenant has {SIGNING_KEYS_MAX} signing keys besides the next one; revoke previous ones"
            );
            return Err(ApiError::conflict("too_many_signing_keys", message));
        }
        let since = next.get(PUBLISHED_SINCE).and_then(Value::as_str).unwrap_or_default();
        // The document was checked when it was written, so there is a time.
        let since: Timestamp = since.parse().map_err(ApiError::fault)?;
        let earliest = since.as_second().saturating_add(wait_seconds);
        if now >= earliest {
            return Ok(());
        }
        let message = format!(
            "the next signing key is published since {since}, and servers and verifiers may keep what was before it for \
             {wait_seconds} s; rotate at {} or later",
            time(earliest)
        );
        Err(ApiError::conflict("next_signing_key_too_new", message))
    }

    /// Publishes a key that is to sign next. Returns its entry.
    pub(super) fn publish_next(&mut self, key: NewSigningKey, now: i64) -> &Members {
        self.next.insert(entry(key, now))
    }

    /// Lets the next key sign, and publishes the one after it. Returns the entry of that one; `None` if there is no next key.
    pub(super) fn rotate(&mut self, key: NewSigningKey, now: i64) -> Option<&Members> {
        let mut promoted = self.next.take()?;
        promoted.shift_remove(PUBLISHED_SINCE);
        promoted.insert(CURRENT_SINCE.to_owned(), time(now).into());
        if let Some(replaced) = self.listed.first_mut() {
            replaced.insert(CURRENT_UNTIL.to_owned(), time(now).into());
        }
        self.listed.insert(0, promoted);
        Some(self.publish_next(key, now))
    }

    /// How many new keys are needed to revoke this one; `None` if there is no such key.
    pub(super) fn needed_to_revoke(&self, wanted: &str) -> Option<usize> {
        let (_, place) = self.all().find(|(entry, _)| kid(entry) == wanted)?;
        Some(match place {
            Place::Previous => 0,
            Place::Next => 1,
            Place::Current if self.next.is_some() => 1,
            Place::Current => 2,
        })
    }

    /// Removes a key, and returns its entry. The next one takes the place of the current one, and a new one that of the next one.
    /// `None` if there is no such key, or if there are fewer new keys than it needs.
    pub(super) fn revoke(
        &mut self,
        wanted: &str,
        mut new: impl ExactSizeIterator<Item = NewSigningKey>,
        now: i64,
    ) -> Option<Members> {
        if new.len() < self.needed_to_revoke(wanted)? {
            return None;
        }
        if let Some(next) = self.next.take_if(|next| kid(next) == wanted) {
            self.publish_next(new.next()?, now);
            return Some(next);
        }
        let place = self.listed.iter().position(|entry| kid(entry) == wanted)?;
        if place == 0 && self.next.is_none() {
            self.publish_next(new.next()?, now);
        }
        let revoked = self.listed.remove(place);
        if place == 0 {
            let previous = std::mem::take(&mut self.listed);
            self.rotate(new.next()?, now)?;
            self.listed.extend(previous);
        }
        Some(revoked)
    }
}

/// The `kid` of a key.
pub(super) fn kid(entry: &Members) -> &str {
    entry.get("kid").and_then(Value::as_str).unwrap_or_default()
}

/// The day in UTC of this moment.
pub(super) fn date(unix_seconds: i64) -> Date {
    moment(unix_seconds).to_zoned(TimeZone::UTC).date()
}

fn entry(key: NewSigningKey, now: i64) -> Members {
    let NewSigningKey { kid, private_key_pem, certificate_pem } = key;
    Members::from_iter([
        ("kid".to_owned(), kid.into()),
        ("private_key".to_owned(), private_key_pem.into()),
        ("certificate".to_owned(), certificate_pem.into()),
        (PUBLISHED_SINCE.to_owned(), time(now).into()),
    ])
}
