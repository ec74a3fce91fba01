//! A tenant with its parsed keys.

use crate::model::{DelegationPolicy, Tenant};
use crate::prepared::tenant_key::TenantKey;
use crate::subject_token::InvalidKey;

/// A tenant with its parsed keys.
#[derive(Debug)]
pub struct PreparedTenant {
    tenant: Tenant,
    issuer: String,
    keys: Vec<TenantKey>,
}

/// A signing key of a tenant that is not usable. The text does not contain the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signing key {index}: {error}")]
pub struct InvalidSigningKey {
    /// Its index in [`Tenant::signing_keys`].
    pub index: usize,
    /// Why it is not usable.
    pub error: InvalidKey,
}

impl PreparedTenant {
    /// Parses the tenant's keys, and signs once with each.
    ///
    /// # Errors
    /// Names the first key that is not an RSA private key of 2048 to 8192 bits in PEM (PKCS#8 or PKCS#1).
    pub fn prepare(tenant: Tenant) -> Result<Self, InvalidSigningKey> {
        let keys = tenant.signing_keys.iter().enumerate().map(|(index, key)| {
            TenantKey::from_signing_key(key).map_err(|error| InvalidSigningKey { index, error })
        });
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { issuer: tenant.issuer(), keys, tenant })
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

    /// The public halves of the RSA keys, in the order of [`Tenant::signing_keys`].
    pub fn keys(&self) -> &[TenantKey] {
        &self.keys
    }
}
