//! Runs the same work for many items on all cores.

use std::sync::{Mutex, PoisonError};
use std::thread;

/// A thread for fewer items is not worth its start.
const ITEMS_PER_WORKER_MIN: usize = 8;

/// What `work` makes of each item, in the order of the items.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.min(items.len() / ITEMS_PER_WORKER_MIN);
    if workers <= 1 {
        return items.into_iter().map(work).collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let take_next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let one_worker = || {
        let mut done = Vec::new();
        while let Some((place, item)) = take_next() {
            done.push((place, work(item)));
        }
        done
    };
    let mut done: Vec<(usize, R)> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(one_worker)).collect();
        let results = running.into_iter().map(|worker| worker.join());
        results.flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(map(items, |item| item * 2), (0..1000).map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(map(Vec::<u32>::new(), |item| item), Vec::<u32>::new());
    }
}
