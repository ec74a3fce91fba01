//! The keys of one issuer: what is held, and one fetch at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use locum_egress::HttpClient;
use locum_engine::ports::StoreUnavailable;
use locum_engine::prepared::RemoteIssuer;
use locum_engine::{KeySet, printable};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::fetch::{Fetched, FetchedSet, fetch};
use crate::schedule::{Decision, Schedule};

/// Longest text about a failure, in characters: parts of it may come from the issuer.
const FAILURE_CHARS_MAX: usize = 300;

/// The keys of one issuer.
pub(crate) struct Entry {
    issuer: RemoteIssuer,
    http: HttpClient,
    state: Mutex<State>,
}

struct State {
    schedule: Schedule,
    held: Option<Held>,
    /// Closes when the last fetch ends, also by a panic or because the runtime stops.
    fetching: Option<watch::Receiver<()>>,
    /// Whether a fetch is ordered for the end of a pause.
    is_ordered: bool,
    failure: Option<String>,
    used_at: Instant,
}

/// The keys of the last fetch that succeeded.
struct Held {
    keys: Arc<KeySet>,
    etag: Option<String>,
}

/// What is known at once.
pub(crate) enum Look {
    /// The keys, or why there are none.
    Ready(Result<Arc<KeySet>, StoreUnavailable>),
    /// They are being fetched; ask [`Entry::after`] this ends.
    Fetching(watch::Receiver<()>),
}

/// What is known of an issuer's keys, for operators.
pub(crate) struct Status {
    pub(crate) age: Option<Duration>,
    pub(crate) failure: Option<String>,
}

impl Entry {
    pub(crate) fn new(issuer: RemoteIssuer, http: HttpClient) -> Self {
        let state = State {
            schedule: Schedule::default(),
            held: None,
            fetching: None,
            is_ordered: false,
            failure: None,
            used_at: Instant::now(),
        };
        Self { issuer, http, state: Mutex::new(state) }
    }

    /// The `iss` of the issuer.
    pub(crate) fn issuer(&self) -> &str {
        self.issuer.issuer()
    }

    /// Looks for the keys, among which is the one that a token names if it can be had. `stale_if_error` is the tenant's.
    pub(crate) fn look(self: &Arc<Self>, kid: Option<&str>, stale_if_error: Duration) -> Look {
        let now = Instant::now();
        let mut state = self.lock();
        state.used_at = now;
        let held = state.held.as_ref().map(|held| Arc::clone(&held.keys)).filter(|keys| keys.may_have(kid));
        // Whoever comes while a fetch is under way waits for that one.
        if let Some(fetching) = state.under_way().filter(|_| held.is_none()) {
            return Look::Fetching(fetching);
        }
        match state.schedule.decide(now, held.is_some(), stale_if_error) {
            Decision::Use => {}
            Decision::UseAndFetch => drop(self.start_fetch(&mut state)),
            Decision::UseAndFetchAt(at) => self.order_fetch(&mut state, at),
            Decision::Fetch => return Look::Fetching(self.start_fetch(&mut state)),
            Decision::Refuse => return Look::Ready(Err(state.unavailable())),
        }
        let keys = state.held.as_ref().map(|held| Arc::clone(&held.keys));
        Look::Ready(keys.ok_or_else(|| state.unavailable()))
    }

    /// The keys after a fetch that was waited for.
    pub(crate) fn after(
        &self,
        kid: Option<&str>,
        stale_if_error: Duration,
    ) -> Result<Arc<KeySet>, StoreUnavailable> {
        let state = self.lock();
        let may_use = state.schedule.may_use(Instant::now(), stale_if_error);
        match &state.held {
            Some(held) if state.failure.is_none() || (may_use && held.keys.may_have(kid)) => {
                Ok(Arc::clone(&held.keys))
            }
            _ => Err(state.unavailable()),
        }
    }

    /// How long no token has needed the keys.
    pub(crate) fn unused_for(&self) -> Duration {
        self.lock().used_at.elapsed()
    }

    pub(crate) fn status(&self) -> Status {
        let state = self.lock();
        Status { age: state.schedule.age(Instant::now()), failure: state.failure.clone() }
    }

    /// Starts a fetch, unless one is under way. What is returned closes when it ends.
    fn start_fetch(self: &Arc<Self>, state: &mut State) -> watch::Receiver<()> {
        if let Some(fetching) = state.under_way() {
            return fetching;
        }
        let (ends, fetching) = watch::channel(());
        state.fetching = Some(fetching.clone());
        let entry = Arc::clone(self);
        let etag = state.held.as_ref().and_then(|held| held.etag.clone());
        tokio::spawn(async move {
            let fetched = fetch(&entry.http, &entry.issuer, etag.as_deref()).await;
            entry.keep(fetched);
            drop(ends);
        });
        fetching
    }

    /// Orders a fetch for later, once.
    fn order_fetch(self: &Arc<Self>, state: &mut State, at: Instant) {
        if std::mem::replace(&mut state.is_ordered, true) {
            return;
        }
        let entry = Arc::downgrade(self);
        tokio::spawn(async move {
            sleep_until(at).await;
            if let Some(entry) = entry.upgrade() {
                let mut state = entry.lock();
                state.is_ordered = false;
                state.schedule.fetches_unknown_key(Instant::now());
                drop(entry.start_fetch(&mut state));
            }
        });
    }

    fn keep(&self, fetched: Result<Fetched, String>) {
        let now = Instant::now();
        let issuer = self.issuer.issuer();
        let mut state = self.lock();
        match fetched {
            Ok(Fetched { keys, lifetime }) => {
                if let Some(FetchedSet { keys, etag }) = keys {
                    for ignored in keys.ignored() {
                        tracing::warn!(%issuer, %ignored, "a key of the issuer is ignored");
                    }
                    state.held = Some(Held { keys: Arc::new(keys), etag });
                }
                state.schedule.fetched(now, lifetime);
                if state.failure.take().is_some() {
                    tracing::info!(%issuer, "the keys of the issuer are fetched again");
                }
            }
            Err(why) => {
                // Parts of it may come from the issuer.
                let why = printable(&why, FAILURE_CHARS_MAX);
                tracing::warn!(%issuer, %why, "the keys of the issuer cannot be fetched");
                state.schedule.failed(now);
                state.failure = Some(why);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The fetch under way.
    fn under_way(&self) -> Option<watch::Receiver<()>> {
        self.fetching.clone().filter(|fetching| fetching.has_changed().is_ok())
    }

    fn unavailable(&self) -> StoreUnavailable {
        let why = self.failure.as_deref().unwrap_or("they have not been fetched yet");
        StoreUnavailable(format!("the issuer's keys: {why}"))
    }
}
