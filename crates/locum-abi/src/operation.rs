//! The numbers of the operations that an issuer answers. Never renumbered.

/// Issue a credential for a [`Grant`](crate::grant::Grant): input [`IssueInput`](crate::grant::IssueInput).
pub const ISSUE: u32 = 1;

/// Revoke a credential upstream: input [`RevokeInput`](crate::grant::RevokeInput). Sent only to an issuer whose
/// manifest declares [`Revocation::Upstream`](crate::manifest::Revocation::Upstream).
pub const REVOKE: u32 = 2;

/// Bytes of entropy that the host draws for each call.
pub const ENTROPY_BYTES: usize = 32;
