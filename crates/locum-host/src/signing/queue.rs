//! The queue of slow signatures: bounded in number and in waiting time, and worked off between other requests.
//!
//! An RSA signature takes as long as some twenty requests that need none. Made where it is asked for, a flood of them would
//! be in front of every request that arrives later, and none would be refused. Here other tasks of the runtime run between
//! two signatures, or in an overload between short turns of several, and what has waited for too long is refused while the
//! client still listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use crate::limits::{
    SIGNING_AHEAD_MIN, SIGNING_EXPECTED_WAIT_MAX, SIGNING_GAP_MAX, SIGNING_QUEUE_MAX, SIGNING_TURN_MAX,
    SIGNING_WAIT_BUSY_MAX, SIGNING_WAIT_MAX,
};

/// A signature, or `None` if the key does not sign so.
pub(super) type Signature = Option<Vec<u8>>;

/// Signatures that wait, for all issuers together. Each worker of the runtime makes at most one at a time.
#[derive(Clone, Default)]
pub(crate) struct SigningQueue(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Tasks that sign.
    signers: usize,
    /// Since when there always was a signature that waited.
    busy_since: Option<Duration>,
    pace: Pace,
    clock: QueueClock,
}

impl State {
    /// Whether there has been no moment without a signature that waits for so long that this is no burst.
    fn is_overloaded(&self, now: Duration) -> bool {
        self.busy_since.is_some_and(|since| now.saturating_sub(since) > SIGNING_WAIT_MAX)
    }

    /// Whether a signature that is asked for at `now` would wait for too long.
    fn refuses(&self, now: Duration) -> bool {
        let ahead = self.waiting.len();
        ahead >= SIGNING_AHEAD_MIN
            && self.is_overloaded(now)
            && self.pace.expected_wait(ahead) > SIGNING_EXPECTED_WAIT_MAX
    }

    /// The longest wait. After a burst the queue empties soon, and all of it is signed. A queue that does not empty only delays
    /// every answer by its length, so it is kept short.
    fn wait_max(&self, now: Duration) -> Duration {
        if self.is_overloaded(now) { SIGNING_WAIT_BUSY_MAX } else { SIGNING_WAIT_MAX }
    }
}

/// How fast the queue is worked off.
#[derive(Default)]
struct Pace {
    /// When the last signature was taken, if it was made and others waited.
    taken: Option<Duration>,
    /// From one to the next, a mean in which the last ones count most.
    interval: Duration,
}

impl Pace {
    /// How many of the last signatures decide.
    const MEMORY: u32 = 16;

    /// A signature is taken at `now`.
    fn taken(&mut self, now: Duration, is_made: bool, others_wait: bool) {
        if let Some(before) = self.taken {
            let interval = now.saturating_sub(before);
            self.interval = self.interval - self.interval / Self::MEMORY + interval / Self::MEMORY;
        }
        self.taken = (is_made && others_wait).then_some(now);
    }

    /// How long a signature will wait that has so many ahead of it.
    fn expected_wait(&self, ahead: usize) -> Duration {
        self.interval.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX))
    }
}

/// The time that waiting is measured by. It stands still while nothing moves in the queue for longer than
/// [`SIGNING_GAP_MAX`]: then the machine pauses, and afterwards those who waited would all be refused for that.
struct QueueClock {
    time: Duration,
    moved_at: Instant,
}

impl Default for QueueClock {
    fn default() -> Self {
        Self { time: Duration::ZERO, moved_at: Instant::now() }
    }
}

impl QueueClock {
    /// The time when something moves in the queue at `now`.
    fn moved(&mut self, now: Instant) -> Duration {
        self.time += now.saturating_duration_since(self.moved_at).min(SIGNING_GAP_MAX);
        self.moved_at = self.moved_at.max(now);
        self.time
    }
}

struct Waiting {
    /// By the queue's clock.
    since: Duration,
    /// How many waited before it.
    ahead: usize,
    sign: Box<dyn FnOnce() -> Signature + Send>,
    answer: oneshot::Sender<Result<Signature, Overloaded>>,
}

/// The signature whose turn it is.
struct Next {
    waiting: Waiting,
    /// Not if it has waited for too long, or nobody waits for it any more.
    is_made: bool,
    is_overloaded: bool,
}

/// More signatures are asked for than can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overloaded;

impl SigningQueue {
    /// How many signatures wait.
    pub(crate) fn length(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Whether a signature would be refused now, because it would wait for too long.
    pub(super) fn refuses(&self) -> bool {
        let mut state = self.lock();
        let now = state.clock.moved(Instant::now());
        state.refuses(now)
    }

    /// Signs when it is this signature's turn.
    ///
    /// # Errors
    /// Too many wait, or this one waited for too long or would. So does a signature that is asked for outside a tokio runtime.
    pub(super) async fn sign(
        &self,
        sign: impl FnOnce() -> Signature + Send + 'static,
    ) -> Result<Signature, Overloaded> {
        let Ok(runtime) = Handle::try_current() else { return Err(Overloaded) };
        let (answer, answered) = oneshot::channel();
        if self.push(Box::new(sign), answer, &runtime)? {
            runtime.spawn(self.clone().work());
        }
        answered.await.unwrap_or(Err(Overloaded))
    }

    /// Whether one more task must sign.
    fn push(
        &self,
        sign: Box<dyn FnOnce() -> Signature + Send>,
        answer: oneshot::Sender<Result<Signature, Overloaded>>,
        runtime: &Handle,
    ) -> Result<bool, Overloaded> {
        let mut state = self.lock();
        if state.waiting.len() >= SIGNING_QUEUE_MAX {
            return Err(Overloaded);
        }
        let since = state.clock.moved(Instant::now());
        // A refusal at once needs no task and no wake-up: that time is for those who are signed for.
        if state.refuses(since) {
            return Err(Overloaded);
        }
        state.busy_since.get_or_insert(since);
        let ahead = state.waiting.len();
        state.waiting.push_back(Waiting { since, ahead, sign, answer });
        let is_needed = state.signers < runtime.metrics().num_workers();
        state.signers += usize::from(is_needed);
        Ok(is_needed)
    }

    /// Makes signatures until none waits.
    async fn work(self) {
        let mut signer = Signer { queue: self, is_counted: true };
        let mut turn = Instant::now();
        while let Some(Next { waiting, is_made, is_overloaded }) = signer.next() {
            // Whoever asked may have gone meanwhile.
            if is_made {
                let _ = waiting.answer.send(Ok((waiting.sign)()));
                // A request alone between two signatures finds nothing of its path in the processor's caches. In an
                // overload that time is missing for those who are signed for.
                if !is_overloaded || turn.elapsed() >= SIGNING_TURN_MAX {
                    yield_now().await;
                    turn = Instant::now();
                }
            } else {
                let _ = waiting.answer.send(Err(Overloaded));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that signs.
struct Signer {
    queue: SigningQueue,
    is_counted: bool,
}

impl Signer {
    /// Without a next one the task ends.
    fn next(&mut self) -> Option<Next> {
        let mut state = self.queue.lock();
        let Some(waiting) = state.waiting.pop_front() else {
            // Under the same lock: whoever pushes next finds a task less.
            state.signers -= 1;
            self.is_counted = false;
            return None;
        };
        let now = state.clock.moved(Instant::now());
        let waited = now.saturating_sub(waiting.since);
        let waited_too_long = waiting.ahead >= SIGNING_AHEAD_MIN && waited > state.wait_max(now);
        let is_made = !waited_too_long && !waiting.answer.is_closed();
        let others_wait = !state.waiting.is_empty();
        state.pace.taken(now, is_made, others_wait);
        if !others_wait {
            state.busy_since = None;
        }
        let is_overloaded = state.is_overloaded(now);
        Some(Next { waiting, is_made, is_overloaded })
    }
}

impl Drop for Signer {
    /// After a panic, or when the runtime stops.
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let mut state = self.queue.lock();
        state.signers -= 1;
        // What waits would wait for the next push otherwise. Dropped, it is answered.
        state.waiting.clear();
        state.busy_since = None;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    /// Puts a signature into the queue and does not wait for it. It was put there so long ago.
    fn put(
        queue: &SigningQueue,
        ago: Duration,
        signed: &Arc<AtomicUsize>,
    ) -> oneshot::Receiver<Result<Signature, Overloaded>> {
        let (answer, answered) = oneshot::channel();
        let signed = Arc::clone(signed);
        let sign = Box::new(move || Some(vec![u8::try_from(signed.fetch_add(1, SeqCst)).unwrap()]));
        queue.push(sign, answer, &Handle::current()).unwrap();
        queue.lock().clock.time += ago;
        answered
    }

    #[tokio::test]
    async fn signatures_are_made_in_their_order() {
        let queue = SigningQueue::default();
        let signed = Arc::default();
        let answers: Vec<_> = (0..3).map(|_| put(&queue, Duration::ZERO, &signed)).collect();
        assert_eq!((queue.length(), queue.lock().signers), (3, 1));
        queue.clone().work().await;
        for (number, answer) in answers.into_iter().enumerate() {
            assert_eq!(answer.await.unwrap(), Ok(Some(vec![u8::try_from(number).unwrap()])));
        }
        assert_eq!((queue.length(), queue.lock().signers), (0, 0));
        assert_eq!(queue.lock().busy_since, None);
    }

    #[tokio::test]
    async fn a_signature_that_waited_for_too_long_is_refused_and_one_that_did_not_is_made() {
        for (wait, is_refused) in [
            (SIGNING_WAIT_MAX.checked_sub(Duration::from_millis(25)).unwrap(), false),
            (SIGNING_WAIT_MAX + Duration::from_millis(1), true),
        ] {
            let queue = SigningQueue::default();
            let signed = Arc::default();
            let ahead: Vec<_> =
                (0..SIGNING_AHEAD_MIN).map(|_| put(&queue, Duration::ZERO, &signed)).collect();
            let answer = put(&queue, wait, &signed);
            queue.clone().work().await;
            // With few ahead, it does not count how long it takes.
            for answer in ahead {
                assert!(answer.await.unwrap().is_ok(), "{wait:?}");
            }
            assert_eq!(answer.await.unwrap().is_err(), is_refused, "{wait:?}");
            assert_eq!(signed.load(SeqCst), SIGNING_AHEAD_MIN + usize::from(!is_refused));
        }
    }

    #[test]
    fn a_pause_of_the_machine_is_no_wait() {
        let mut clock = QueueClock::default();
        let start = clock.moved_at;
        let gap = SIGNING_GAP_MAX.checked_sub(Duration::from_millis(1)).unwrap();
        assert_eq!(clock.moved(start + gap), gap);
        assert_eq!(clock.moved(start + gap), gap);
        assert_eq!(clock.moved(start + gap + Duration::from_secs(60)), gap + SIGNING_GAP_MAX);
        // It does not go back.
        assert_eq!(clock.moved(start), gap + SIGNING_GAP_MAX);
        assert_eq!(clock.moved(start + gap), gap + SIGNING_GAP_MAX);
    }

    #[test]
    fn a_queue_that_does_not_empty_is_kept_short() {
        let mut state = State::default();
        let begin = Duration::from_secs(1);
        assert_eq!(state.wait_max(begin), SIGNING_WAIT_MAX);
        state.busy_since = Some(begin);
        assert_eq!(state.wait_max(begin + SIGNING_WAIT_MAX), SIGNING_WAIT_MAX);
        let later = begin + SIGNING_WAIT_MAX + Duration::from_millis(1);
        assert_eq!(state.wait_max(later), SIGNING_WAIT_BUSY_MAX);
    }

    #[test]
    fn the_pace_is_that_of_signatures_made_one_after_the_other() {
        let mut pace = Pace::default();
        assert_eq!(pace.expected_wait(1000), Duration::ZERO);
        let step = Duration::from_millis(1);
        let mut now = Duration::ZERO;
        for _ in 0..100 {
            now += step;
            pace.taken(now, true, true);
        }
        let expected = pace.expected_wait(10);
        assert!((step * 9..=step * 10).contains(&expected), "{expected:?}");
        // One that was not made took no time, and after the last one nothing was asked for.
        pace.taken(now, false, true);
        pace.taken(now, true, true);
        let expected = pace.expected_wait(10);
        pace.taken(now + step, true, false);
        pace.taken(now + step * 1000, true, true);
        assert!(pace.expected_wait(10) >= expected && pace.expected_wait(10) <= step * 10);
    }

    #[tokio::test]
    async fn whoever_would_wait_for_too_long_in_an_overload_is_refused_at_once() {
        let burst = SIGNING_WAIT_MAX.checked_sub(2 * SIGNING_GAP_MAX).unwrap();
        let overload = SIGNING_WAIT_MAX + SIGNING_GAP_MAX;
        for (interval_us, ahead, busy_for, is_refused) in [
            (1000, 40, overload, true),
            // A little more than the longest wait that may be expected, and just that.
            (276, 40, overload, true),
            (275, 40, overload, false),
            // A burst, fewer than are always signed, and a queue that is worked off fast enough.
            (1000, 40, burst, false),
            (1000, SIGNING_AHEAD_MIN - 1, overload, false),
            (200, 40, overload, false),
        ] {
            let queue = SigningQueue::default();
            let signed = Arc::default();
            let _answers: Vec<_> = (0..ahead).map(|_| put(&queue, Duration::ZERO, &signed)).collect();
            {
                let mut state = queue.lock();
                state.pace.interval = Duration::from_micros(interval_us);
                state.busy_since = Some(state.clock.time);
                state.clock.time += busy_for;
            }
            assert_eq!(queue.refuses(), is_refused, "{interval_us} {ahead} {busy_for:?}");
            let (answer, _answered) = oneshot::channel();
            let pushed = queue.push(Box::new(|| None), answer, &Handle::current());
            assert_eq!(pushed.is_err(), is_refused, "{interval_us} {ahead} {busy_for:?}");
        }
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let queue = SigningQueue::default();
        let signed = Arc::default();
        let answers: Vec<_> = (0..SIGNING_QUEUE_MAX).map(|_| put(&queue, Duration::ZERO, &signed)).collect();
        assert_eq!(queue.sign(|| None).await, Err(Overloaded));
        assert_eq!(queue.length(), SIGNING_QUEUE_MAX);
        drop(answers);
        queue.clone().work().await;
        // Nobody waits for them any more.
        assert_eq!((queue.length(), signed.load(SeqCst)), (0, 0));
        assert_eq!(queue.sign(|| Some(vec![7])).await, Ok(Some(vec![7])));
    }

    #[tokio::test]
    async fn a_task_that_panics_leaves_its_place_to_another() {
        let queue = SigningQueue::default();
        let panicking = queue.clone();
        let panicked = tokio::spawn(async move { panicking.sign(|| panic!("a signature panics")).await });
        assert_eq!(panicked.await.unwrap(), Err(Overloaded));
        assert_eq!((queue.length(), queue.lock().signers), (0, 0));
        assert_eq!(queue.sign(|| Some(vec![7])).await, Ok(Some(vec![7])));
    }

    /// Signs ten times for so long each, and says how many signatures another task saw at each of its turns.
    async fn seen_between(busy_for: Duration, each: Duration) -> Vec<usize> {
        let queue = SigningQueue::default();
        let signed = Arc::new(AtomicUsize::new(0));
        let mut answers = Vec::new();
        for _ in 0..10 {
            let (answer, answered) = oneshot::channel();
            let signed = Arc::clone(&signed);
            let sign = move || {
                std::thread::sleep(each);
                signed.fetch_add(1, SeqCst);
                None
            };
            queue.push(Box::new(sign), answer, &Handle::current()).unwrap();
            answers.push(answered);
        }
        {
            let mut state = queue.lock();
            state.busy_since = Some(state.clock.time);
            state.clock.time += busy_for;
        }
        tokio::spawn(queue.work());
        let mut seen = Vec::new();
        while signed.load(SeqCst) < 10 {
            seen.push(signed.load(SeqCst));
            yield_now().await;
        }
        seen
    }

    #[tokio::test]
    async fn other_tasks_run_between_two_signatures_and_in_an_overload_between_short_turns() {
        assert_eq!(seen_between(Duration::ZERO, Duration::ZERO).await, (0..10).collect::<Vec<_>>());
        let overload = SIGNING_WAIT_MAX + SIGNING_GAP_MAX;
        let seen = seen_between(overload, Duration::ZERO).await;
        assert!(seen.len() < 10, "{seen:?}");
        let seen = seen_between(overload, SIGNING_TURN_MAX * 2 / 3).await;
        assert!(seen.windows(2).all(|pair| pair[1] - pair[0] <= 2), "{seen:?}");
        // None is shorter than a signature.
        assert_eq!(seen_between(overload, SIGNING_TURN_MAX).await, (0..10).collect::<Vec<_>>());
    }
}
