//! Rate buckets in memory.

use locum_store::MemoryBuckets;
use locum_testing::{check_bucket_store, finished};

#[test]
fn the_buckets_in_memory_do_what_all_must() {
    finished(check_bucket_store(&MemoryBuckets::default(), "memory"));
}
