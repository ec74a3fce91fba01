//! Refresh tokens in memory, which end with the process: for tests, and for trying things out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locum_engine::ports::{PortReply, RefreshToken, RefreshTokenHash, RefreshTokens, Rotation, StoreReply};

/// Refresh tokens in a map.
#[derive(Debug, Default)]
pub struct MemoryRefreshTokens(Mutex<Tokens>);

/// By the tenant's domain and the hash.
type Tokens = HashMap<(String, RefreshTokenHash), RefreshToken>;

impl MemoryRefreshTokens {
    /// How many tokens there are, those that have ended included.
    pub fn len(&self) -> usize {
        self.tokens().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tokens().is_empty()
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        // No method leaves the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RefreshTokens for MemoryRefreshTokens {
    fn find<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
    ) -> StoreReply<'a, Option<RefreshToken>> {
        PortReply::Now(Ok(self.tokens().get(&key(tenant, hash)).cloned()))
    }

    fn add<'a>(
        &'a self,
        tenant: &'a str,
        hash: RefreshTokenHash,
        token: RefreshToken,
    ) -> StoreReply<'a, bool> {
        let mut tokens = self.tokens();
        let is_revoked = tokens.iter().any(|((of, _), other)| {
            of == tenant && other.family == token.family && other.revoked_at.is_some()
        });
        if !is_revoked {
            tokens.insert(key(tenant, &hash), token);
        }
        PortReply::Now(Ok(!is_revoked))
    }

    fn keep_until<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        idle_expires_at: i64,
    ) -> StoreReply<'a, ()> {
        if let Some(token) = self.tokens().get_mut(&key(tenant, hash)) {
            token.idle_expires_at = Some(idle_expires_at);
        }
        PortReply::Now(Ok(()))
    }

    fn rotate<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        (successor, token): (RefreshTokenHash, RefreshToken),
        now: i64,
        leeway_seconds: u64,
    ) -> StoreReply<'a, Rotation> {
        let mut tokens = self.tokens();
        let Some(used) = tokens.get_mut(&key(tenant, hash)).filter(|used| used.revoked_at.is_none()) else {
            return PortReply::Now(Ok(Rotation::Gone));
        };
        match used.rotated_at {
            Some(rotated_at)
                if leeway_seconds == 0 || rotated_at.saturating_add_unsigned(leeway_seconds) <= now =>
            {
                let family = used.family.clone();
                revoke(&mut tokens, tenant, &family, now);
                return PortReply::Now(Ok(Rotation::Reused));
            }
            Some(_) => {}
            None => used.rotated_at = Some(now),
        }
        tokens.insert(key(tenant, &successor), token);
        PortReply::Now(Ok(Rotation::Done))
    }

    fn revoke_family<'a>(&'a self, tenant: &'a str, family: &'a str, now: i64) -> StoreReply<'a, ()> {
        revoke(&mut self.tokens(), tenant, family, now);
        PortReply::Now(Ok(()))
    }
}

fn key(tenant: &str, hash: &RefreshTokenHash) -> (String, RefreshTokenHash) {
    (tenant.to_owned(), *hash)
}

fn revoke(tokens: &mut Tokens, tenant: &str, family: &str, now: i64) {
    for ((of, _), token) in tokens {
        if of == tenant && token.family == family {
            token.revoked_at.get_or_insert(now);
        }
    }
}
