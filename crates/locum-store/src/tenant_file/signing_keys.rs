//! `signing_keys` and `next_signing_key`: the RSA keys of a tenant.

use std::collections::HashSet;

use jiff::Timestamp;
use locum_abi::configuration::SigningKey;
use locum_abi::secret::Secret;
use locum_engine::model::Tenant;
use locum_engine::prepared::TenantKey;

use crate::tenant_file::field_error::FieldErrors;
use crate::tenant_file::model::{NextSigningKeyEntry, SigningKeyEntry};
use crate::tenant_file::pem_kind;

/// Adds the keys without an error to the tenant.
pub(super) fn add(
    tenant: &mut Tenant,
    entries: Vec<SigningKeyEntry>,
    next: Option<NextSigningKeyEntry>,
    errors: &mut FieldErrors,
) {
    let mut kids = HashSet::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let at = format!("/signing_keys/{index}");
        for (name, time) in [("current_since", &entry.current_since), ("current_until", &entry.current_until)]
        {
            check_time(time.as_deref(), &at, name, errors);
        }
        let SigningKeyEntry { kid, private_key, certificate, .. } = entry;
        tenant.signing_keys.extend(key(kid, private_key, certificate, &at, &mut kids, errors));
    }
    if let Some(NextSigningKeyEntry { kid, private_key, certificate, published_since }) = next {
        let at = "/next_signing_key";
        match published_since {
            None => errors.add(
                format!("{at}/published_since"),
                "write the time from which on the key is published, such as 2030-01-31T00:00:00Z",
            ),
            stated => check_time(stated.as_deref(), at, "published_since", errors),
        }
        tenant.next_signing_key = key(kid, private_key, certificate, at, &mut kids, errors);
    }
}

fn key(
    kid: String,
    private_key: Option<Secret>,
    certificate_pem: Option<String>,
    at: &str,
    kids: &mut HashSet<String>,
    errors: &mut FieldErrors,
) -> Option<SigningKey> {
    if kid.is_empty() || !kids.insert(kid.clone()) {
        errors.add(format!("{at}/kid"), "each signing key needs a kid that no other has");
    }
    let Some(private_key_pem) = private_key else {
        errors.add(format!("{at}/private_key"), "the field `private_key` is missing; add it");
        return None;
    };
    let key = SigningKey { kid, private_key_pem, certificate_pem };
    // Preparing the tenant parses the key again; only here are its line and field known.
    match TenantKey::from_signing_key(&key) {
        Ok(_) => Some(key),
        Err(error) => {
            let found = pem_kind::other_than_rsa_key(key.private_key_pem.expose());
            let message = found.map_or_else(|| error.to_string(), str::to_owned);
            errors.add(format!("{at}/private_key"), message);
            None
        }
    }
}

fn check_time(time: Option<&str>, at: &str, name: &str, errors: &mut FieldErrors) {
    if time.is_some_and(|time| time.parse::<Timestamp>().is_err()) {
        errors.add(format!("{at}/{name}"), "write a time as 2030-01-31T00:00:00Z (RFC 3339)");
    }
}
