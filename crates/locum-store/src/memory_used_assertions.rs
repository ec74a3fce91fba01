//! Used assertions in memory, which are forgotten when the process ends: for tests, and for trying things out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use locum_engine::ports::{PortReply, StoreReply, UsedAssertions};

/// Used assertions in a map.
#[derive(Debug, Default)]
pub struct MemoryUsedAssertions(Mutex<Used>);

/// When each expires, by the tenant's domain, the client and the `jti`.
type Used = HashMap<(String, String, String), i64>;

impl UsedAssertions for MemoryUsedAssertions {
    fn use_once<'a>(
        &'a self,
        tenant: &'a str,
        client_id: &'a str,
        jti: &'a str,
        expires_at: i64,
        now: i64,
    ) -> StoreReply<'a, bool> {
        // No method leaves the map half changed.
        let mut used = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, expires_at| *expires_at > now);
        let assertion = (tenant.to_owned(), client_id.to_owned(), jti.to_owned());
        let is_first = !used.contains_key(&assertion);
        used.entry(assertion).or_insert(expires_at);
        PortReply::Now(Ok(is_first))
    }
}
