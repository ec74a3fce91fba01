//! The log lines that an issuer wrote while it was configured: the host logs them with the refusal of its settings, or with
//! its first answer.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::subscriber::with_default;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// The target of plugins' log lines.
const TARGET: &str = "plugin";

/// With this the SDK marks the lines of `configure` in the first answer.
const MARK: &str = "while it was configured: ";

/// Configures an issuer on the current thread. Returns the lines of a refusal, from level `info`.
pub(super) fn of_refusal<R>(configure: impl FnOnce() -> R) -> (R, Vec<String>) {
    let (result, lines) = logged(configure);
    (result, lines.iter().map(|(level, message)| shown(*level, message)).collect())
}

/// Calls an issuer for the first time, on the current thread. Returns the lines of `configure`, from level `info`.
pub(super) fn of_first_answer<R>(call: impl FnOnce() -> R) -> (R, Vec<String>) {
    let (result, lines) = logged(call);
    let marked = lines.iter().filter_map(|(level, message)| Some((*level, message.strip_prefix(MARK)?)));
    (result, marked.map(|(level, message)| shown(level, message)).collect())
}

fn shown(level: Level, message: &str) -> String {
    format!("logged {level} while it was configured: {message}")
}

fn logged<R>(run: impl FnOnce() -> R) -> (R, Vec<(Level, String)>) {
    let lines = Lines::default();
    let result = with_default(tracing_subscriber::registry().with(lines.clone()), run);
    let lines = std::mem::take(&mut *lines.0.lock().unwrap_or_else(PoisonError::into_inner));
    (result, lines)
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if event.metadata().target() != TARGET || level > Level::INFO {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((level, message.0));
    }
}

/// The message of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a String does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
