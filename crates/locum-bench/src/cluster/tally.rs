//! What came of the requests of a load, by kind, and what broke a promise.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cluster::http::Reply;

/// How long an answered change may take to be followed by every node.
pub(super) const CHANGES_REACH_NODES: Duration = Duration::from_secs(1);

/// A kind of request, by what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An exchange of an id_token: writes a bucket and nothing else. The node has served its user before.
    Exchange,
    /// The same for a user who was never seen.
    ExchangeOfNewUser,
    /// A use of a refresh token that rotates.
    Refresh,
    /// An exchange by a client that authenticates by an assertion.
    Assertion,
    /// A change by the Management API.
    Change,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Exchange, Self::ExchangeOfNewUser, Self::Refresh, Self::Assertion, Self::Change];

    /// Its name in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Exchange => "exchange",
            Self::ExchangeOfNewUser => "exchange, new user",
            Self::Refresh => "refresh",
            Self::Assertion => "assertion",
            Self::Change => "change",
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
    /// Since when each node that runs can learn what another has changed.
    pub(super) connected_since: Option<Instant>,
    pub(super) counts: BTreeMap<Kind, Count>,
    pub(super) bursts: Bursts,
    /// Refresh tokens that worked twice outside of the leeway.
    pub(super) double_spent: u64,
    /// Assertions that were accepted twice.
    pub(super) accepted_twice: u64,
    /// Refresh tokens that were answered and do not work, though their families were not revoked; and answered changes that are
    /// not there any more.
    pub(super) lost: u64,
    /// How often a node was asked whether it follows an answered change of a second ago, and gave an answer.
    pub(super) asked_for_changes: u64,
    /// How often it did not follow it, though it could have learned of it.
    pub(super) not_followed: u64,
    /// How often it did not, and could not.
    pub(super) not_learned: u64,
    /// Families without leeway that ended because a request whose outcome was unknown was repeated: after a connection that
    /// died, and after an answer 503.
    pub(super) ended_by_repetition: [u64; 2],
    /// What happened at each broken promise.
    pub(super) details: Vec<String>,
}

impl Tally {
    /// Nothing yet, of nodes that can learn of changes since this moment.
    pub(super) fn since(connected: Option<Instant>) -> Self {
        Self { connected_since: connected, ..Self::default() }
    }

    /// Counts a request that was sent at this time.
    pub(super) fn count(&mut self, kind: Kind, sent: Instant, reply: &Reply) {
        let since_end = self.fault_ended.map(|ended| ended.elapsed());
        let sent_after_end = self.fault_ended.is_some_and(|ended| sent >= ended);
        let count = self.counts.entry(kind).or_default();
        count.sent += 1;
        let failed = match reply {
            Reply::Answered(answer) if matches!(answer.status, 200 | 201) => {
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

    /// Counts what a node does about an answered change of a second ago.
    pub(super) fn count_follower(&mut self, asked: Instant, follows: bool, change: &str) {
        self.asked_for_changes += 1;
        if follows {
            return;
        }
        if self.connected_since.is_some_and(|since| asked >= since + CHANGES_REACH_NODES) {
            self.not_followed += 1;
            self.details.push(format!("a node does not follow a change of a second ago: {change}"));
        } else {
            self.not_learned += 1;
        }
    }

    /// Adds what was found broken later.
    pub(super) fn add_promises(&mut self, later: Self) {
        self.double_spent += later.double_spent;
        self.accepted_twice += later.accepted_twice;
        self.lost += later.lost;
        self.not_followed += later.not_followed;
        self.details.extend(later.details);
    }

    /// Broken promises; zero is right.
    pub(super) fn broken(&self) -> u64 {
        self.double_spent + self.accepted_twice + self.lost + self.not_followed
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

    #[test]
    fn a_node_that_cannot_learn_of_a_change_breaks_no_promise_and_one_that_can_does() {
        let mut tally = Tally::default();
        tally.count_follower(Instant::now(), false, "it could not");
        tally.connected_since = Some(Instant::now());
        tally.count_follower(Instant::now(), false, "it has had no time yet");
        let later = Instant::now() + CHANGES_REACH_NODES;
        tally.count_follower(later, true, "it does");
        assert_eq!((tally.asked_for_changes, tally.not_learned, tally.broken()), (3, 2, 0));
        tally.count_follower(later, false, "it does not");
        assert_eq!((tally.not_learned, tally.broken(), tally.details.len()), (2, 1, 1));
    }
}
