//! What came of the requests of a load, by kind, and what broke a promise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cluster::http::Reply;

/// A kind of request, by what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An exchange of an id_token: writes a bucket and nothing else.
    Exchange,
    /// A use of a refresh token that rotates.
    Refresh,
    /// An exchange by a client that authenticates by an assertion.
    Assertion,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Exchange, Self::Refresh, Self::Assertion];

    /// Its name in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::Refresh => "refresh",
            Self::Assertion => "assertion",
        }
    }
}

/// The requests of one kind.
#[derive(Default)]
pub(super) struct Count {
    pub(super) sent: u64,
    pub(super) answered: u64,
    /// By status.
    pub(super) refused: BTreeMap<u16, u64>,
    /// By reason.
    pub(super) ambiguous: BTreeMap<String, u64>,
    pub(super) not_sent: u64,
    /// From the end of the fault to the first success of a request that was sent after it.
    pub(super) first_success: Option<Duration>,
    /// From the end of the fault to the last failure.
    pub(super) last_failure: Option<Duration>,
}

/// Bursts of twelve requests of one user at one address.
#[derive(Default)]
pub(super) struct Bursts {
    /// Ten were answered.
    pub(super) exact: u64,
    /// More than ten were answered, and each was counted: what was counted before was lost.
    pub(super) over: u64,
    /// More than ten were answered, some of which were not counted.
    pub(super) uncounted: u64,
    /// Not all of the twelve were answered by a node, or refused by the limit.
    pub(super) incomplete: u64,
}

/// All that is counted during one fault.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) fault_ended: Option<Instant>,
    pub(super) counts: BTreeMap<Kind, Count>,
    pub(super) bursts: Bursts,
    /// Refresh tokens that worked twice outside of the leeway.
    pub(super) double_spent: u64,
    /// Assertions that were accepted twice.
    pub(super) accepted_twice: u64,
    /// Refresh tokens that were answered and do not work, though their families were not revoked.
    pub(super) lost: u64,
    /// Families without leeway that ended because a request whose outcome was unknown was repeated: after a connection that
    /// died, and after an answer 503.
    pub(super) ended_by_repetition: [u64; 2],
    /// What happened at each broken promise.
    pub(super) details: Vec<String>,
}

impl Tally {
    /// Counts a request that was sent at this time.
    pub(super) fn count(&mut self, kind: Kind, sent: Instant, reply: &Reply) {
        let since_end = self.fault_ended.map(|ended| ended.elapsed());
        let sent_after_end = self.fault_ended.is_some_and(|ended| sent >= ended);
        let count = self.counts.entry(kind).or_default();
        count.sent += 1;
        let failed = match reply {
            Reply::Answered(answer) if answer.status == 200 => {
                count.answered += 1;
                if sent_after_end && count.first_success.is_none() {
                    count.first_success = since_end;
                }
                false
            }
            Reply::Answered(answer) => {
                *count.refused.entry(answer.status).or_default() += 1;
                answer.status >= 500
            }
            Reply::Ambiguous(why) => {
                *count.ambiguous.entry(why.clone()).or_default() += 1;
                true
            }
            Reply::NotSent => {
                count.not_sent += 1;
                true
            }
        };
        if failed && since_end.is_some() {
            count.last_failure = since_end;
        }
    }

    /// Adds what was found broken later.
    pub(super) fn add_promises(&mut self, later: Self) {
        self.double_spent += later.double_spent;
        self.accepted_twice += later.accepted_twice;
        self.lost += later.lost;
        self.details.extend(later.details);
    }

    /// Broken promises; zero is right.
    pub(super) fn broken(&self) -> u64 {
        self.double_spent + self.accepted_twice + self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_once_by_what_came_of_it() {
        let mut tally = Tally { fault_ended: Some(Instant::now()), ..Tally::default() };
        tally.count(Kind::Refresh, Instant::now(), &Reply::NotSent);
        tally.count(Kind::Refresh, Instant::now(), &Reply::Ambiguous("closed".to_owned()));
        let count = &tally.counts[&Kind::Refresh];
        assert_eq!((count.sent, count.not_sent, count.ambiguous["closed"], count.answered), (2, 1, 1, 0));
        assert!(count.last_failure.is_some() && count.first_success.is_none());
        assert_eq!(tally.broken(), 0);
    }
}
