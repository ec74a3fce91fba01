//! A tenant with its parsed keys, and those of the issuers that it trusts.

use crate::model::{DelegationPolicy, Tenant};
use crate::prepared::management::Management;
use crate::prepared::other_issuers::{InvalidIssuer, OtherIssuers, RemoteIssuer};
use crate::prepared::tenant_key::TenantKey;
use crate::subject_token::InvalidKey;

/// A tenant with its parsed keys, and those of the issuers that it trusts.
#[derive(Debug)]
pub struct PreparedTenant {
    tenant: Tenant,
    issuer: String,
    keys: Vec<TenantKey>,
    management: Option<Management>,
    other_issuers: OtherIssuers,
}

/// Why a tenant cannot be used. The text does not contain a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTenant {
    /// A signing key cannot be used.
    #[error(transparent)]
    SigningKey(#[from] InvalidSigningKey),
    /// A former or trusted issuer cannot be used.
    #[error(transparent)]
    Issuer(#[from] InvalidIssuer),
}

/// A signing key of a tenant that is not usable. The text does not contain the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signing key {index}: {error}")]
pub struct InvalidSigningKey {
    /// Its index in [`Tenant::signing_keys`]; that of [`Tenant::next_signing_key`] follows the last.
    pub index: usize,
    /// Why it is not usable.
    pub error: InvalidKey,
}

impl PreparedTenant {
    /// Parses the tenant's keys, and signs once with each, and reads the keys of its former and trusted issuers.
    ///
    /// # Errors
    /// Names the first key that is not an RSA private key of 2048 to 8192 bits in PEM (PKCS#8 or PKCS#1), or the first
    /// issuer that cannot be trusted so.
    pub fn prepare(tenant: Tenant) -> Result<Self, InvalidTenant> {
        let keys = tenant.signing_keys.iter().chain(&tenant.next_signing_key);
        let keys = keys.enumerate().map(|(index, key)| {
            TenantKey::from_signing_key(key).map_err(|error| InvalidSigningKey { index, error })
        });
        let keys = keys.collect::<Result<_, _>>()?;
        let (other_issuers, invalid) = OtherIssuers::read(&tenant);
        match invalid.into_iter().next() {
            Some(invalid) => Err(invalid.into()),
            None => {
                let management = Management::of(&tenant);
                Ok(Self { issuer: tenant.issuer(), keys, management, other_issuers, tenant })
            }
        }
    }

    /// All former and trusted issuers of a tenant that cannot be trusted so: [`prepare`](Self::prepare) names the first.
    pub fn invalid_issuers(tenant: &Tenant) -> Vec<InvalidIssuer> {
        OtherIssuers::read(tenant).1
    }

    /// The data that it was prepared from.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The canonical domain, in lower case.
    pub fn domain(&self) -> &str {
        &self.tenant.domain
    }

    /// The `iss` of the tenant's tokens: `https://{domain}/`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether and how the tenant delegates.
    pub fn delegation(&self) -> &DelegationPolicy {
        &self.tenant.delegation
    }

    /// The public halves of the RSA keys, in the order of [`Tenant::signing_keys`], and then that of
    /// [`Tenant::next_signing_key`].
    pub fn keys(&self) -> &[TenantKey] {
        &self.keys
    }

    /// Whether the tenant issues tokens of its Management API.
    pub fn has_management_tokens(&self) -> bool {
        self.management.is_some()
    }

    /// The former and trusted issuers whose keys are fetched.
    pub fn remote_issuers(&self) -> impl Iterator<Item = &RemoteIssuer> {
        self.other_issuers.remote()
    }

    /// What its management tokens are signed and verified with.
    pub(crate) fn management(&self) -> Option<&Management> {
        self.management.as_ref()
    }

    /// The issuers besides the tenant whose tokens are accepted.
    pub(crate) fn other_issuers(&self) -> &OtherIssuers {
        &self.other_issuers
    }
}
