//! How far the changes were read, and reads of them that several ask for at one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

use crate::error::DatabaseError;

/// How a read of the changes ended.
pub(crate) type Outcome = Result<(), Arc<DatabaseError>>;

/// Reads of the changes, one after another.
pub(crate) struct Followed {
    /// How many have begun.
    begun: AtomicU64,
    /// How many had begun when the last one ended.
    ended: AtomicU64,
    last: Mutex<LastRead>,
}

/// The last read that has ended.
pub(crate) struct LastRead {
    /// The last change that was applied.
    pub(crate) point: i64,
    number: u64,
    outcome: Outcome,
}

/// Somebody asks for a read.
pub(crate) struct Asked {
    begun: u64,
    ended: u64,
}

impl Followed {
    /// All changes up to this one are known.
    pub(crate) fn from(point: i64) -> Self {
        Self {
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            last: Mutex::new(LastRead { point, number: 0, outcome: Ok(()) }),
        }
    }

    /// Somebody asks now.
    pub(crate) fn ask(&self) -> Asked {
        Asked { begun: self.begun.load(Ordering::SeqCst), ended: self.ended.load(Ordering::SeqCst) }
    }

    /// Waits until no other read runs.
    pub(crate) async fn last(&self) -> MutexGuard<'_, LastRead> {
        self.last.lock().await
    }

    /// A read begins. Returns its number.
    pub(crate) fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The read with this number has ended.
    pub(crate) fn end(&self, last: &mut LastRead, number: u64, outcome: Outcome) -> Outcome {
        last.number = number;
        last.outcome = outcome.clone();
        self.ended.store(number, Ordering::SeqCst);
        outcome
    }
}

impl LastRead {
    /// The outcome for those who asked, if they need no read of their own: that of one which began after they asked, or the
    /// failure of one that was running then.
    pub(crate) fn outcome_for(&self, asked: &Asked) -> Option<Outcome> {
        let is_answer = self.number > asked.begun || (self.number > asked.ended && self.outcome.is_err());
        is_answer.then(|| self.outcome.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Outcome {
        Err(Arc::new(DatabaseError::TimedOut { database: "test".to_owned(), limit_ms: 1 }))
    }

    /// What those get who asked before a read, during it, and after it.
    async fn outcomes(outcome: Outcome) -> [Option<bool>; 3] {
        let followed = Followed::from(0);
        let before = followed.ask();
        let mut last = followed.last().await;
        let number = followed.begin();
        let during = followed.ask();
        let _ = followed.end(&mut last, number, outcome);
        let after = followed.ask();
        [before, during, after].map(|asked| last.outcome_for(&asked).map(|outcome| outcome.is_ok()))
    }

    #[tokio::test]
    async fn a_read_answers_those_who_asked_before_it_began() {
        assert_eq!(outcomes(Ok(())).await, [Some(true), None, None]);
    }

    #[tokio::test]
    async fn the_failure_of_a_read_answers_those_who_asked_before_it_ended() {
        assert_eq!(outcomes(failure()).await, [Some(false), Some(false), None]);
    }

    #[tokio::test]
    async fn a_read_that_was_given_up_answers_nobody() {
        let followed = Followed::from(0);
        let before = followed.ask();
        let last = followed.last().await;
        followed.begin();
        assert!(last.outcome_for(&before).is_none());
    }
}
