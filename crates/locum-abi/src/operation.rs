//! The numbers of the operations that an issuer answers. A number never changes its meaning.

/// Issues a credential for a [`Grant`](crate::grant::Grant). Input: [`IssueInput`](crate::grant::IssueInput).
pub const ISSUE: u32 = 1;

/// Revokes a credential at the upstream. Input: [`RevokeInput`](crate::grant::RevokeInput). Hosts send it only to an
/// issuer whose manifest declares [`Revocation::Upstream`](crate::manifest::Revocation::Upstream).
pub const REVOKE: u32 = 2;

/// Bytes of entropy that the host draws for each request.
pub const ENTROPY_BYTES: usize = 32;
