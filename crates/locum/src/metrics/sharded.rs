//! Counters that threads do not share, so that they need not wait for each other's caches.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

/// A value for each of so many threads. With more threads, some share one: what is in it must be atomic.
pub(super) struct Sharded<T> {
    shards: Box<[Shard<T>]>,
}

/// Two cache lines, since processors fetch them in pairs.
#[repr(align(128))]
struct Shard<T>(T);

/// More shards only use memory.
const SHARDS_MAX: usize = 64;

/// Threads are numbered as they come.
static NEXT_THREAD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static THREAD: Cell<Option<usize>> = const { Cell::new(None) };
}

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let shards = (2 * cores).next_power_of_two().min(SHARDS_MAX);
        Self { shards: (0..shards).map(|_| Shard(T::default())).collect() }
    }
}

impl<T> Sharded<T> {
    /// That of this thread.
    pub(super) fn mine(&self) -> Option<&T> {
        // The number of shards is a power of two.
        self.shards.get(thread_number() & (self.shards.len() - 1)).map(|shard| &shard.0)
    }

    /// All of them, to be added up.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.shards.iter().map(|shard| &shard.0)
    }
}

impl<T> fmt::Debug for Sharded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("shards", &self.shards.len()).finish_non_exhaustive()
    }
}

fn thread_number() -> usize {
    THREAD.with(|thread| {
        thread.get().unwrap_or_else(|| {
            let number = NEXT_THREAD.fetch_add(1, Ordering::Relaxed);
            thread.set(Some(number));
            number
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn what_all_threads_have_counted_adds_up() {
        let counts: Sharded<AtomicU64> = Sharded::default();
        std::thread::scope(|scope| {
            for _ in 0..200 {
                scope.spawn(|| counts.mine().unwrap().fetch_add(1, Ordering::Relaxed));
            }
        });
        let all = counts.all().map(|count| count.load(Ordering::Relaxed));
        assert_eq!(all.sum::<u64>(), 200);
        // 200 threads are more than there are shards, and they use all.
        assert!(counts.all().all(|count| count.load(Ordering::Relaxed) > 0));
    }
}
