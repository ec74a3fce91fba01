//! What an issuer is asked to revoke.

use std::fmt;

use crate::kept::Kept;

/// A credential that a client presents to have it revoked. Its `Debug` does not show the credential.
#[derive(Clone)]
#[non_exhaustive]
pub struct PresentedCredential {
    /// The credential. It may be anything that somebody sent.
    pub text: String,
    /// The client id of the caller; absent if the host does not state it.
    pub client_id: Option<String>,
    /// The values that earlier requests to this add-on had the host keep.
    pub kept: Kept,
}

impl fmt::Debug for PresentedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresentedCredential").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
