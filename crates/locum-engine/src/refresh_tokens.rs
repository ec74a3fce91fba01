//! Refresh tokens: opaque texts that stand for a user's sign-in at one client, until they expire or are revoked.
//!
//! A token and those that follow from it are a *family*, which is revoked as a whole. Only SHA-256 of a token is stored.

mod record;
mod store;

pub use record::{RefreshToken, RefreshTokenHash};
pub use store::{NoRefreshTokens, RefreshTokens, Rotation};
