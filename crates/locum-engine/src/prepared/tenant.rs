//! A tenant with its keys parsed.

use crate::model::{DelegationPolicy, Tenant};
use crate::prepared::tenant_key::TenantKey;
use crate::subject_token::InvalidKey;

/// A tenant that requests can be served for.
#[derive(Debug)]
pub struct PreparedTenant {
    tenant: Tenant,
    issuer: String,
    keys: Vec<TenantKey>,
}

/// A signing key of a tenant that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("signing key {index}: {error}")]
pub struct InvalidSigningKey {
    /// Its place in [`Tenant::signing_keys`].
    pub index: usize,
    /// What is wrong with it.
    pub error: InvalidKey,
}

impl PreparedTenant {
    /// Parses the tenant's keys and tries each.
    ///
    /// # Errors
    /// The first key that is not an RSA private key in PEM, or cannot sign.
    pub fn prepare(tenant: Tenant) -> Result<Self, InvalidSigningKey> {
        let keys = tenant.signing_keys.iter().enumerate().map(|(index, key)| {
            TenantKey::from_signing_key(key).map_err(|error| InvalidSigningKey { index, error })
        });
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { issuer: tenant.issuer(), keys, tenant })
    }

    /// The data it was made from.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The canonical domain, lower case.
    pub fn domain(&self) -> &str {
        &self.tenant.domain
    }

    /// The `iss` of the tenant's tokens: `https://{domain}/`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whether and how delegation works here.
    pub fn delegation(&self) -> &DelegationPolicy {
        &self.tenant.delegation
    }

    /// The public halves of the RSA keys; the first belongs to the key that signs.
    pub fn keys(&self) -> &[TenantKey] {
        &self.keys
    }
}
