//! Signing: the host holds private keys, and makes the signatures that plugins ask for.
//!
//! `issuer_keys` takes the keys out of a configuration, so that no plugin is given one. `signer` answers the requests of an
//! issuer, RSA signatures in the turn that `queue` gives them; what it may sign with the tenant's key is decided by `tenant_tokens`.

mod issuer_keys;
mod parsed_keys;
mod private_key;
pub(crate) mod queue;
pub(crate) mod signer;
mod tenant_tokens;

use parsed_keys::ParsedKeys;
use queue::SigningQueue;

/// What the signers of all issuers share.
#[derive(Default)]
pub(crate) struct SharedSigning {
    keys: ParsedKeys,
    pub(crate) queue: SigningQueue,
}
