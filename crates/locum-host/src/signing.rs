//! Signing: the host holds private keys, and makes the signatures that plugins ask for.
//!
//! `issuer_keys` takes the keys out of a configuration, so that no plugin is given one. `signer` answers the requests of an
//! issuer; what it may sign with the tenant's key is decided by `tenant_tokens`.

mod issuer_keys;
mod private_key;
pub(crate) mod signer;
pub(crate) mod tenant_keys;
mod tenant_tokens;
