//! The audit log: the engine's port, and what the program does with it.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use locum_engine::AuditEvent;
use locum_engine::model::WhenUnavailable;
use locum_engine::ports::{AuditSink, Clock, PortReply, StoreUnavailable};

use super::chain::Head;
use super::destination::{Destination, OpenError, Opened};
use super::line::{Lifecycle, write_request_event, write_server_event};
use super::notice::Notice;
use super::waiter::Waiter;
use super::writer::{Shared, Writer, expire};
use crate::system::SystemClock;

/// How an audit log is kept.
#[non_exhaustive]
pub struct AuditOptions {
    /// Where lines go.
    pub destination: Destination,
    /// Whether requests are served while lines cannot be written. Open by default. Closed lets each request wait until
    /// its event is written, that is, given to the system; a power failure can lose what the system has not yet stored.
    pub when_unavailable: WhenUnavailable,
    /// Most bytes of events that wait to be written, 8 MiB by default. Twice as many are in memory while a batch is
    /// being written.
    pub buffer_bytes: usize,
    /// Longest time that a request waits for its event, 2 s by default. It matters only if the log is closed.
    pub deadline: Duration,
    /// Told what the program should log. It must not wait for the audit log.
    pub notify: Box<dyn Fn(Notice) + Send + Sync>,
}

impl AuditOptions {
    /// The defaults, which tell nobody of failures.
    pub fn new(destination: Destination) -> Self {
        Self {
            destination,
            when_unavailable: WhenUnavailable::Open,
            buffer_bytes: 8 * 1024 * 1024,
            deadline: Duration::from_secs(2),
            notify: Box::new(|_| {}),
        }
    }
}

/// An open audit log. It is stopped when it is dropped.
pub struct AuditLog {
    shared: Arc<Shared>,
    when_unavailable: WhenUnavailable,
}

/// How a log ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// The last line that was written.
    pub head: Head,
    /// Events that were taken and never written, in the whole time.
    pub lost: u64,
}

/// How long a log that is dropped waits for its lines.
const DROP_WAIT: Duration = Duration::from_secs(1);

thread_local! {
    /// Events become text outside the lock.
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl AuditLog {
    /// Opens the destination and starts the writing thread. Call it before plugins are loaded.
    ///
    /// # Errors
    /// If the file or socket cannot be opened, another process writes the file, or its last line is not an audit line.
    pub fn open(options: AuditOptions) -> Result<Self, OpenError> {
        let AuditOptions { destination, when_unavailable, buffer_bytes, deadline, notify } = options;
        let Opened { output, mut head, torn, unended } = destination.open()?;
        let shared = Arc::new(Shared::new(buffer_bytes, head, deadline, notify));
        let mut pending = Vec::new();
        if unended {
            pending.push(b'\n');
        }
        if let Some(torn) = torn {
            let mut object = Vec::new();
            write_server_event(torn, SystemClock.now_unix_ms(), &mut object);
            head.append(&object, &mut pending);
        }
        let writer = Writer {
            shared: Arc::clone(&shared),
            destination,
            output,
            head,
            pending,
            done: 0,
            failing: false,
            spare: Vec::new(),
        };
        start("audit-writer", move || writer.run())?;
        if when_unavailable == WhenUnavailable::Closed {
            let shared = Arc::clone(&shared);
            start("audit-deadline", move || expire(&shared))?;
        }
        Ok(Self { shared, when_unavailable })
    }

    /// Takes an event of the server itself. Nobody waits for it.
    pub fn record_lifecycle(&self, event: &Lifecycle<'_>) {
        self.with_text(
            |text| write_server_event(event, SystemClock.now_unix_ms(), text),
            |text| self.push(text, None),
        );
    }

    /// Opens the file again, before the next line is written, so that it can be moved away. The chain goes on.
    pub fn reopen(&self) {
        self.shared.lock().reopen = true;
        self.shared.wake();
    }

    /// The last line that was written.
    pub fn head(&self) -> Head {
        self.shared.lock().head
    }

    /// How many events were dropped, since the log was opened: they did not fit into the buffer, or came after the stop.
    pub fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Whether lines can be written, as far as is known: the last write succeeded.
    pub fn is_writable(&self) -> bool {
        !self.shared.lock().failing
    }

    /// Writes what is left, and waits for that at most so long. If lines cannot be written, it does not wait.
    pub fn stop(&self, at_most: Duration) -> Stopped {
        self.shared.lock().stopping = true;
        self.shared.wake();
        self.shared.wait_for_end(at_most);
        let state = self.shared.lock();
        Stopped { head: state.head, lost: state.accepted.saturating_sub(state.written) }
    }

    fn with_text<T>(&self, write: impl FnOnce(&mut Vec<u8>), push: impl FnOnce(&[u8]) -> T) -> T {
        TEXT.with_borrow_mut(|text| {
            text.clear();
            write(text);
            text.push(b'\n');
            push(text)
        })
    }

    /// False if the buffer is full, or the log was stopped.
    fn push(&self, line: &[u8], waiter: Option<&Arc<Waiter>>) -> bool {
        let mut state = self.shared.lock();
        state.accepted += 1;
        if state.stopping {
            state.dropped += 1;
            return false;
        }
        let fits = state.buffer.push(line);
        state.dropped += u64::from(!fits);
        if fits && let Some(waiter) = waiter {
            state.waiting.push(Arc::clone(waiter));
            state.unanswered.push_back(Arc::clone(waiter));
        }
        let was_idle = std::mem::take(&mut state.idle);
        drop(state);
        if was_idle {
            self.shared.wake();
        }
        fits
    }
}

impl AuditSink for AuditLog {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        let write = |text: &mut Vec<u8>| write_request_event(&event, text);
        match self.when_unavailable {
            WhenUnavailable::Open => {
                self.with_text(write, |text| self.push(text, None));
                PortReply::Now(Ok(()))
            }
            WhenUnavailable::Closed => {
                let waiter = Waiter::new(event.reference.clone());
                if self.with_text(write, |text| self.push(text, Some(&waiter))) {
                    PortReply::Later(Box::pin(waiter.future()))
                } else {
                    PortReply::Now(Err(StoreUnavailable("too many events wait to be written".to_owned())))
                }
            }
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        // Who stopped the log has waited for it already.
        let is_stopped = self.shared.lock().stopping;
        if !is_stopped {
            self.stop(DROP_WAIT);
        }
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
    match thread::Builder::new().name(name.to_owned()).spawn(run) {
        Ok(_) => Ok(()),
        Err(error) => Err(OpenError::new(None, format!("cannot start the thread {name}: {error}"))),
    }
}
