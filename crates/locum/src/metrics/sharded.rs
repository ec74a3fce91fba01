//! Counters that threads do not share, so that they need not wait for each other's caches.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;

/// A value for each of so many threads, and one for all further threads.
pub(super) struct Sharded<T> {
    own: Box<[Shard<T>]>,
    shared: Shard<T>,
}

/// Two cache lines, since processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Shard<T>(T);

/// A value of this thread, or one that it shares.
pub(super) struct Mine<'a, T> {
    pub(super) value: &'a T,
    adding: Adding,
}

/// How a counter is added to.
#[derive(Clone, Copy)]
pub(super) enum Adding {
    /// Nobody else writes to it: neither a lock nor an atomic addition is needed.
    Alone,
    Together,
}

impl Adding {
    pub(super) fn add(self, counter: &AtomicU64, number: u64) {
        match self {
            Self::Alone => counter.store(counter.load(Relaxed).wrapping_add(number), Relaxed),
            Self::Together => {
                counter.fetch_add(number, Relaxed);
            }
        }
    }
}

/// More shards only use memory.
const SHARDS_MAX: usize = 64;

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        // As many threads serve requests as there are cores, and a few begin and end meanwhile.
        let shards = (2 * cores).clamp(8, SHARDS_MAX);
        Self { own: (0..shards).map(|_| Shard::default()).collect(), shared: Shard::default() }
    }
}

impl<T> Sharded<T> {
    /// That of this thread.
    pub(super) fn mine(&self) -> Mine<'_, T> {
        match self.own.get(thread_number()) {
            Some(Shard(value)) => Mine { value, adding: Adding::Alone },
            None => Mine { value: &self.shared.0, adding: Adding::Together },
        }
    }

    /// All of them, to be added up.
    pub(super) fn all(&self) -> impl Iterator<Item = &T> {
        self.own.iter().chain([&self.shared]).map(|shard| &shard.0)
    }
}

impl<T> Mine<'_, T> {
    pub(super) fn adding(&self) -> Adding {
        self.adding
    }
}

impl<T> fmt::Debug for Sharded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("own", &self.own.len()).finish_non_exhaustive()
    }
}

/// The lowest number that no other thread has now. It has it alone until it ends; what it has written is seen by the
/// next one, because the numbers are behind a lock.
fn thread_number() -> usize {
    // It fails while the thread ends: then it shares.
    THREAD.try_with(ThreadNumber::get).unwrap_or(usize::MAX)
}

thread_local! {
    static THREAD: ThreadNumber = const { ThreadNumber(Cell::new(None)) };
}

struct ThreadNumber(Cell<Option<usize>>);

/// The numbers below [`SHARDS_MAX`] that threads have.
static TAKEN: Mutex<[bool; SHARDS_MAX]> = Mutex::new([false; SHARDS_MAX]);

fn taken() -> MutexGuard<'static, [bool; SHARDS_MAX]> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ThreadNumber {
    fn get(&self) -> usize {
        self.0.get().unwrap_or_else(|| {
            let mut taken = taken();
            let free = taken.iter_mut().enumerate().find(|(_, taken)| !**taken);
            let number = free.map_or(usize::MAX, |(number, taken)| {
                *taken = true;
                number
            });
            self.0.set(Some(number));
            number
        })
    }
}

impl Drop for ThreadNumber {
    fn drop(&mut self) {
        if let Some(number) = self.0.get()
            && let Some(taken) = taken().get_mut(number)
        {
            *taken = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// In one test, because the numbers are the process's.
    #[test]
    fn numbers_are_reused_and_what_all_threads_have_counted_adds_up() {
        for _ in 0..10 * SHARDS_MAX {
            let number = std::thread::spawn(thread_number).join().unwrap();
            assert!(number < SHARDS_MAX, "{number}");
        }

        const THREADS: usize = 2 * SHARDS_MAX;
        let counts: Sharded<AtomicU64> = Sharded::default();
        let begin = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    // More threads at once than there are shards.
                    let mine = counts.mine();
                    begin.wait();
                    (0..10_000).for_each(|_| mine.adding().add(mine.value, 1));
                });
            }
        });
        let all = counts.all().map(|count| count.load(Relaxed));
        assert_eq!(all.sum::<u64>(), 10_000 * THREADS as u64);
    }
}
