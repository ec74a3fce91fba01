//! The thread that writes: it takes the buffer every few milliseconds, chains the lines and writes them.

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use locum_engine::ports::{Clock, StoreUnavailable};

use super::chain::Head;
use super::destination::{Destination, Output};
use super::line::{Incident, write_server_event};
use super::line_buffer::{Batch, LineBuffer};
use super::notice::Notice;
use super::waiter::Waiter;
use crate::system::SystemClock;

/// How long lines are collected before they are written together.
const COLLECT: Duration = Duration::from_millis(2);

/// How long after a failed write the next one is tried.
const RETRY: Duration = Duration::from_millis(100);

/// How often requests that have waited too long are looked for.
const EXPIRY_CHECK: Duration = Duration::from_millis(50);

/// Most references that one event about withheld credentials lists.
const WITHHELD_REFERENCES_MAX: usize = 1000;

/// What the requests, the writing thread and the program share.
pub(super) struct Shared {
    state: Mutex<State>,
    /// There is something to write or to do.
    work: Condvar,
    /// The writing thread has ended.
    ended: Condvar,
    notify: Box<dyn Fn(Notice) + Send + Sync>,
    deadline: Duration,
}

pub(super) struct State {
    pub(super) buffer: LineBuffer,
    /// The requests that wait for lines of the buffer.
    pub(super) waiting: Vec<Arc<Waiter>>,
    /// All requests that wait, oldest first.
    pub(super) unanswered: VecDeque<Arc<Waiter>>,
    withheld: Withheld,
    /// The writing thread waits until it is woken.
    pub(super) idle: bool,
    pub(super) reopen: bool,
    pub(super) stopping: bool,
    ended: bool,
    pub(super) head: Head,
    /// Events that were given to the log, and those of them that were written.
    pub(super) accepted: u64,
    pub(super) written: u64,
    /// Events that did not fit into the buffer, or came after the stop.
    pub(super) dropped: u64,
    /// Whether the last write failed.
    pub(super) failing: bool,
}

/// Requests that were refused although their events say otherwise.
#[derive(Default)]
struct Withheld {
    count: u64,
    references: Vec<String>,
}

impl Withheld {
    fn add(&mut self, waiter: &Waiter) {
        self.count += 1;
        if self.references.len() < WITHHELD_REFERENCES_MAX {
            self.references.push(waiter.reference.clone());
        }
    }
}

impl Shared {
    pub(super) fn new(
        buffer_bytes_max: usize,
        head: Head,
        deadline: Duration,
        notify: Box<dyn Fn(Notice) + Send + Sync>,
    ) -> Self {
        let state = State {
            buffer: LineBuffer::new(buffer_bytes_max),
            waiting: Vec::new(),
            unanswered: VecDeque::new(),
            withheld: Withheld::default(),
            idle: false,
            reopen: false,
            stopping: false,
            ended: false,
            head,
            accepted: 0,
            written: 0,
            dropped: 0,
            failing: false,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), ended: Condvar::new(), notify, deadline }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake(&self) {
        self.work.notify_all();
    }

    /// Waits for the writing thread to end, at most so long.
    pub(super) fn wait_for_end(&self, at_most: Duration) {
        let waited = self.ended.wait_timeout_while(self.lock(), at_most, |state| !state.ended);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The state after lines were collected. While they keep coming, no request has to wake the writing thread, which costs more
    /// than to write a line.
    fn collected(&self) -> MutexGuard<'_, State> {
        let state = self.lock();
        if state.stopping {
            return state;
        }
        drop(state);
        std::thread::sleep(COLLECT);
        self.lock()
    }

    fn wait_for_work<'a>(&self, state: MutexGuard<'a, State>, at_most: Duration) -> MutexGuard<'a, State> {
        let waited = self.work.wait_timeout(state, at_most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Refuses waiting requests: those that have waited for the deadline, or all of them.
    fn refuse_waiting(&self, reason: &str, who: impl Fn(&Waiter) -> bool) {
        let mut state = self.lock();
        while let Some(waiter) = state.unanswered.pop_front() {
            if !waiter.is_answered() && !who(&waiter) {
                state.unanswered.push_front(waiter);
                return;
            }
            if waiter.answer(Err(StoreUnavailable(reason.to_owned()))) {
                state.withheld.add(&waiter);
            }
        }
    }
}

/// Refuses requests whose events are not written in time. A thread of its own does this, because a write may block.
pub(super) fn expire(shared: &Shared) {
    loop {
        let state = shared.lock();
        if state.ended {
            return;
        }
        // Other news than the end also wake it; they do no harm.
        drop(shared.ended.wait_timeout(state, EXPIRY_CHECK).unwrap_or_else(PoisonError::into_inner));
        let deadline = shared.deadline;
        shared
            .refuse_waiting("the event was not written in time", |waiter| waiter.since.elapsed() >= deadline);
    }
}

/// The writing thread.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) destination: Destination,
    pub(super) output: Output,
    /// The head of all lines that were chained, written or not.
    pub(super) head: Head,
    /// Chained lines, of which the first `done` bytes are written.
    pub(super) pending: Vec<u8>,
    pub(super) done: usize,
    pub(super) failing: bool,
    /// Memory that is used again for the buffer.
    pub(super) spare: Vec<u8>,
}

/// Whether the thread goes on, or gives up because the log is stopped and cannot be written.
#[derive(PartialEq, Eq)]
enum Progress {
    GoesOn,
    GivenUp,
}

impl Writer {
    /// Writes until the log is stopped.
    pub(super) fn run(mut self) {
        self.write_until_stopped();
        let shared = Arc::clone(&self.shared);
        // Who waits for the end may open the file again, which is locked until it is closed.
        drop(self);
        shared.refuse_waiting("the audit log was stopped", |_| true);
        shared.lock().ended = true;
        shared.ended.notify_all();
    }

    fn write_until_stopped(&mut self) {
        // An incomplete line of an earlier run is ended and reported first.
        let mut progress = self.write_pending();
        while progress == Progress::GoesOn {
            let (batch, waiting, stopping) = self.next_batch();
            let lost = batch.lost;
            let lines = batch.lines;
            self.chain(&batch);
            self.spare = batch.bytes;
            progress = self.write_pending();
            if progress == Progress::GoesOn {
                self.publish(lines, &waiting);
                progress = self.report_recovery(lost);
            }
            if stopping && self.shared.lock().buffer.is_empty() {
                break;
            }
        }
    }

    fn next_batch(&mut self) -> (Batch, Vec<Arc<Waiter>>, bool) {
        let mut state = self.shared.collected();
        while state.buffer.is_empty() && !state.reopen && !state.stopping {
            state.idle = true;
            drop(self.shared.wait_for_work(state, Duration::from_secs(3600)));
            state = self.shared.collected();
        }
        let batch = state.buffer.take(std::mem::take(&mut self.spare));
        let waiting = std::mem::take(&mut state.waiting);
        let (reopen, stopping) = (std::mem::take(&mut state.reopen), state.stopping);
        drop(state);
        if reopen {
            self.reopen();
        }
        (batch, waiting, stopping)
    }

    fn chain(&mut self, batch: &Batch) {
        let mut rest = batch.bytes.as_slice();
        loop {
            let objects = rest;
            // A reader looks for the line break at many positions at once; `split` of a slice does not.
            let Ok(length @ 1..) = rest.skip_until(b'\n') else { return };
            let object = objects.get(..length).unwrap_or_default();
            self.head.append(object.strip_suffix(b"\n").unwrap_or(object), &mut self.pending);
        }
    }

    /// Writes all pending lines, however long it takes; it gives up only when the log is stopped while nothing can be
    /// written.
    fn write_pending(&mut self) -> Progress {
        while let Some(rest) = self.pending.get(self.done..).filter(|rest| !rest.is_empty()) {
            match self.output.write(&self.destination, rest) {
                Ok(written) => self.done += written,
                Err(fault) if fault.error.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => {
                    if fault.new_reader {
                        self.restart_line();
                    }
                    if self.wait_after(&fault.error) == Progress::GivenUp {
                        return Progress::GivenUp;
                    }
                }
            }
        }
        self.pending.clear();
        self.done = 0;
        Progress::GoesOn
    }

    /// After a failed write: says so once, refuses who waits, and waits until the next try.
    fn wait_after(&mut self, error: &io::Error) -> Progress {
        let reason = error.to_string();
        if !self.failing {
            self.failing = true;
            self.shared.lock().failing = true;
            (self.shared.notify)(Notice::Unavailable { error: reason.clone() });
        }
        self.shared.refuse_waiting(&reason, |_| true);
        let since = Instant::now();
        let mut state = self.shared.lock();
        loop {
            if state.stopping {
                return Progress::GivenUp;
            }
            if std::mem::take(&mut state.reopen) {
                drop(state);
                self.reopen();
                return Progress::GoesOn;
            }
            let Some(rest) = RETRY.checked_sub(since.elapsed()) else {
                return Progress::GoesOn;
            };
            state = self.shared.wait_for_work(state, rest);
        }
    }

    fn publish(&self, lines: u64, waiting: &[Arc<Waiter>]) {
        let mut state = self.shared.lock();
        state.head = self.head;
        state.written += lines;
        for waiter in waiting {
            if waiter.answer(Ok(())) && waiter.is_abandoned() {
                state.withheld.add(waiter);
            }
        }
        while state.unanswered.front().is_some_and(|waiter| waiter.is_answered()) {
            state.unanswered.pop_front();
        }
    }

    /// Writes how many events were lost or withheld, and tells the program that lines are written again.
    fn report_recovery(&mut self, lost: u64) -> Progress {
        let (withheld, more_lost) = {
            let mut state = self.shared.lock();
            (std::mem::take(&mut state.withheld), state.buffer.has_lost())
        };
        let happened = lost > 0 || withheld.count > 0;
        if happened {
            let mut object = Vec::new();
            let incident = Incident::Recovered {
                lost,
                withheld: withheld.count,
                withheld_references: withheld.references,
            };
            write_server_event(incident, SystemClock.now_unix_ms(), &mut object);
            self.head.append(&object, &mut self.pending);
            if self.write_pending() == Progress::GivenUp {
                return Progress::GivenUp;
            }
            self.shared.lock().head = self.head;
        }
        // What was lost during a failure is counted by the batch after it.
        if happened || (self.failing && !more_lost) {
            self.failing = false;
            self.shared.lock().failing = false;
            (self.shared.notify)(Notice::Recovered { lost, withheld: withheld.count });
        }
        Progress::GoesOn
    }

    fn reopen(&mut self) {
        // The pending lines are not in any file yet; a file that was moved back ends before them.
        let head = self.shared.lock().head;
        match self.destination.reopen(&mut self.output, head) {
            Ok(true) => self.restart_line(),
            Ok(false) => {}
            Err(error) => (self.shared.notify)(Notice::NotReopened { error: error.to_string() }),
        }
    }

    /// What is written next goes elsewhere, and begins with a whole line.
    fn restart_line(&mut self) {
        let written = self.pending.get(..self.done).unwrap_or_default();
        self.done = match written.iter().rposition(|byte| *byte == b'\n') {
            Some(line_break) => line_break + 1,
            // This one would have ended an incomplete line of the old file.
            None if self.pending.starts_with(b"\n") => 1,
            None => 0,
        };
    }
}
