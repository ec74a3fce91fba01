//! A refresh token, and what is stored of it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use locum_abi::operation::ENTROPY_BYTES;
use locum_abi::secret::Secret;
use serde_json::Value;

use crate::base64url;

/// What every token begins with, so that people and scanners recognise one.
const PREFIX: &str = "lrt_";

/// The characters after the prefix: 256 random bits in base64url.
const RANDOM_CHARACTERS: usize = 43;

/// What is stored of a refresh token. Times are in unix seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshToken {
    /// The `client_id` of the only client that can present it.
    pub client_id: String,
    /// The user's id.
    pub user_id: String,
    /// The name that the token shares with those that follow from it. It is random and no secret.
    pub family: String,
    /// The scopes that it can be exchanged for.
    pub scope: Vec<String>,
    /// The claim `act` of what is issued for it: who acts for the user (RFC 8693 section 4.1).
    pub act: Option<Value>,
    /// When the user signed in.
    pub signed_in_at: i64,
    /// The parameter `device` of the request that it was issued for.
    pub device: Option<String>,
    /// When it was issued.
    pub created_at: i64,
    /// When its family ends; `None` if it does not.
    pub expires_at: Option<i64>,
    /// When it ends unless it is used before; `None` if it does not.
    pub idle_expires_at: Option<i64>,
    /// When it was replaced by a successor.
    pub rotated_at: Option<i64>,
    /// When its family was revoked.
    pub revoked_at: Option<i64>,
}

impl RefreshToken {
    /// The name of a new family, of these random bytes.
    pub fn new_family(random: [u8; ENTROPY_BYTES]) -> String {
        hex::encode(random.first_chunk::<16>().unwrap_or(&[0; 16]))
    }

    /// When it ends by itself, unless it is used before; `None` if it does not.
    pub fn ends_at(&self) -> Option<i64> {
        [self.expires_at, self.idle_expires_at].into_iter().flatten().min()
    }

    /// Whether it has ended by itself.
    pub fn has_expired(&self, now: i64) -> bool {
        self.ends_at().is_some_and(|end| end <= now)
    }
}

/// SHA-256 of a refresh token. A token has 256 random bits, so nobody finds it by its hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RefreshTokenHash([u8; 32]);

impl RefreshTokenHash {
    /// The hash of what a client presents; `None` if that cannot be a refresh token, whatever is stored.
    pub fn of(token: &Secret) -> Option<Self> {
        let random = token.expose().strip_prefix(PREFIX)?;
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_token = random.len() == RANDOM_CHARACTERS && random.bytes().all(is_base64url);
        is_token.then(|| Self::of_text(token.expose()))
    }

    /// The token of these random bytes, and its hash.
    pub fn of_new_token(random: [u8; ENTROPY_BYTES]) -> (Secret, Self) {
        let token = format!("{PREFIX}{}", base64url::encode(&random));
        let hash = Self::of_text(&token);
        (token.into(), hash)
    }

    /// A stored hash.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of_text(token: &str) -> Self {
        Self(<[u8; 32]>::try_from(digest(&SHA256, token.as_bytes()).as_ref()).unwrap_or_default())
    }
}

impl fmt::Debug for RefreshTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshTokenHash({})", hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; ENTROPY_BYTES] = [0xfb; ENTROPY_BYTES];

    #[test]
    fn a_token_is_recognised_and_found_by_its_hash() {
        let (token, hash) = RefreshTokenHash::of_new_token(RANDOM);
        assert_eq!(token.expose(), "lrt_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
        assert_eq!(RefreshTokenHash::of(&token), Some(hash));
        assert_eq!(RefreshTokenHash::from_bytes(*hash.as_bytes()), hash);
        assert!(format!("{hash:?}").starts_with("RefreshTokenHash("));
        assert_eq!(RefreshToken::new_family(RANDOM), "fb".repeat(16));
    }

    #[test]
    fn what_cannot_be_a_token_has_no_hash() {
        let (token, _) = RefreshTokenHash::of_new_token(RANDOM);
        let token = token.expose();
        for other in
            ["", "lrt_", &token[4..], &token[..46], &format!("{token}A"), &token.replace('_', "."), "a.b.c"]
        {
            assert_eq!(RefreshTokenHash::of(&other.into()), None, "{other}");
        }
    }

    #[test]
    fn a_token_ends_with_its_family_or_without_use() {
        let token = |expires_at, idle_expires_at| RefreshToken {
            client_id: String::new(),
            user_id: String::new(),
            family: String::new(),
            scope: Vec::new(),
            act: None,
            signed_in_at: 0,
            device: None,
            created_at: 0,
            expires_at,
            idle_expires_at,
            rotated_at: None,
            revoked_at: None,
        };
        for (expires_at, idle_expires_at, has_expired) in [
            (None, None, false),
            (Some(101), Some(101), false),
            (Some(100), None, true),
            (Some(101), Some(100), true),
        ] {
            assert_eq!(token(expires_at, idle_expires_at).has_expired(100), has_expired);
        }
    }
}
