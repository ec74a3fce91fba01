//! Used assertions in memory.

use locum_engine::ports::UsedAssertions;
use locum_store::MemoryUsedAssertions;
use locum_testing::{ACME, NOW, check_used_assertion_store, finished};

#[test]
fn the_store_in_memory_does_what_every_store_must() {
    finished(check_used_assertion_store(&MemoryUsedAssertions::default()));
}

#[test]
fn what_has_expired_is_forgotten() {
    let store = MemoryUsedAssertions::default();
    let is_first = |expires_at, now| finished(store.use_once(ACME, "worker", "one", expires_at, now).wait());
    assert_eq!(is_first(NOW + 60, NOW), Ok(true));
    assert_eq!(is_first(NOW + 120, NOW + 59), Ok(false));
    assert_eq!(is_first(NOW + 120, NOW + 60), Ok(true));
}
