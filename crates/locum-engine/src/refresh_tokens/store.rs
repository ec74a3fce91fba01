//! The port that stores refresh tokens.

use crate::port_reply::{PortReply, StoreReply, StoreUnavailable};
use crate::refresh_tokens::record::{RefreshToken, RefreshTokenHash};

/// Stores refresh tokens by their hash. `tenant` is the tenant's domain; tokens of one tenant are unknown to others. Times are
/// in unix seconds.
pub trait RefreshTokens: Send + Sync {
    /// The token with this hash, whatever its state.
    fn find<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
    ) -> StoreReply<'a, Option<RefreshToken>>;

    /// Adds a new token, unless its family is revoked. Returns whether it did; the token then survives a crash.
    fn add<'a>(
        &'a self,
        tenant: &'a str,
        hash: RefreshTokenHash,
        token: RefreshToken,
    ) -> StoreReply<'a, bool>;

    /// Notes that a token was used: sets when it ends without further use.
    fn keep_until<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        idle_expires_at: i64,
    ) -> StoreReply<'a, ()>;

    /// Replaces the token with this hash by its successor, in one transaction: of two replacements at one moment, one is first.
    /// A token that was replaced before is replaced again until `leeway_seconds` after the first time. Later, its family is
    /// revoked in the same transaction.
    fn rotate<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        successor: (RefreshTokenHash, RefreshToken),
        now: i64,
        leeway_seconds: u64,
    ) -> StoreReply<'a, Rotation>;

    /// Revokes every token of a family. None is added to it later.
    fn revoke_family<'a>(&'a self, tenant: &'a str, family: &'a str, now: i64) -> StoreReply<'a, ()>;
}

/// What became of a replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// The successor is stored.
    Done,
    /// The token was replaced before, and its family is revoked now.
    Reused,
    /// There is no such token, or it is revoked.
    Gone,
}

/// Stores nothing: every token is unknown.
#[derive(Debug, Clone, Copy)]
pub struct NoRefreshTokens;

impl RefreshTokens for NoRefreshTokens {
    fn find<'a>(&'a self, _: &'a str, _: &'a RefreshTokenHash) -> StoreReply<'a, Option<RefreshToken>> {
        PortReply::Now(Ok(None))
    }

    fn add<'a>(&'a self, _: &'a str, _: RefreshTokenHash, _: RefreshToken) -> StoreReply<'a, bool> {
        PortReply::Now(Err(StoreUnavailable("this program stores no refresh tokens".to_owned())))
    }

    fn keep_until<'a>(&'a self, _: &'a str, _: &'a RefreshTokenHash, _: i64) -> StoreReply<'a, ()> {
        PortReply::Now(Ok(()))
    }

    fn rotate<'a>(
        &'a self,
        _: &'a str,
        _: &'a RefreshTokenHash,
        _: (RefreshTokenHash, RefreshToken),
        _: i64,
        _: u64,
    ) -> StoreReply<'a, Rotation> {
        PortReply::Now(Ok(Rotation::Gone))
    }

    fn revoke_family<'a>(&'a self, _: &'a str, _: &'a str, _: i64) -> StoreReply<'a, ()> {
        PortReply::Now(Ok(()))
    }
}
