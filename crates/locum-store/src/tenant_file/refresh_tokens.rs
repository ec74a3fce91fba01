//! `refresh_token` of a client, in the Management API's spelling.

use locum_engine::model::RefreshTokenRules;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::tenant_file::field_error::FieldErrors;

/// The grant that a client with refresh tokens names in `grant_types`.
pub(super) const GRANT: &str = "refresh_token";

/// `refresh_token` of a client. Times are in seconds.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshTokenEntry {
    rotation_type: Option<RotationEntry>,
    expiration_type: Option<ExpirationEntry>,
    #[serde(default)]
    leeway: u64,
    token_lifetime: Option<u64>,
    idle_token_lifetime: Option<u64>,
    #[serde(default)]
    infinite_token_lifetime: bool,
    #[serde(default)]
    infinite_idle_token_lifetime: bool,
    /// For several APIs of Auth0; it has no effect here.
    #[serde(default, rename = "policies")]
    _policies: IgnoredAny,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum RotationEntry {
    Rotating,
    NonRotating,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum ExpirationEntry {
    Expiring,
    NonExpiring,
}

/// The rules of a client whose `grant_types` are these. An exported client always has the entry, so without the grant it means
/// nothing.
pub(super) fn rules(
    grant_types: Option<&[String]>,
    entry: &RefreshTokenEntry,
    at: &str,
    errors: &mut FieldErrors,
) -> Option<RefreshTokenRules> {
    for (name, seconds) in
        [("token_lifetime", entry.token_lifetime), ("idle_token_lifetime", entry.idle_token_lifetime)]
    {
        if seconds == Some(0) {
            errors.add(format!("{at}/refresh_token/{name}"), "write at least 1 second");
        }
    }
    let default = RefreshTokenRules::default();
    let expires = entry.expiration_type != Some(ExpirationEntry::NonExpiring);
    let end = |infinite: bool, stated: Option<u64>, default: Option<u64>| {
        if expires && !infinite { stated.or(default) } else { None }
    };
    grant_types?.iter().any(|grant| grant == GRANT).then(|| RefreshTokenRules {
        rotates: entry.rotation_type == Some(RotationEntry::Rotating),
        leeway_seconds: entry.leeway,
        lifetime_seconds: end(entry.infinite_token_lifetime, entry.token_lifetime, default.lifetime_seconds),
        idle_seconds: end(
            entry.infinite_idle_token_lifetime,
            entry.idle_token_lifetime,
            default.idle_seconds,
        ),
    })
}
