//! What a document describes, and how large it may be.

use std::fmt;

/// A document may be nested this deep.
pub const DEPTH_MAX: usize = 32;

/// What a document describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// A tenant without its clients and users.
    Tenant,
    /// A client.
    Client,
    /// A user.
    User,
}

impl DocumentKind {
    /// Largest document of this kind, in bytes.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Tenant => 16 << 20,
            Self::Client | Self::User => 1 << 20,
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tenant => "tenant",
            Self::Client => "client",
            Self::User => "user",
        })
    }
}
