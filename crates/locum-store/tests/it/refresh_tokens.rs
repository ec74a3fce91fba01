//! Refresh tokens in memory.

use locum_store::MemoryRefreshTokens;
use locum_testing::{check_refresh_token_store, finished};

#[test]
fn the_store_in_memory_does_what_every_store_must() {
    let store = MemoryRefreshTokens::default();
    assert!(store.is_empty());
    finished(check_refresh_token_store(&store));
    assert_eq!(store.len(), 13);
}
