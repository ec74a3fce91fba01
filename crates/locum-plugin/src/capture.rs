//! What a plugin logs and how it panics, kept as data for the reply.
//!
//! Each plugin has a standard library of its own, and with it a logger and a panic hook of its own: without these
//! two, log lines would vanish and panics would print past the host's log.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use locum_abi::answer::LogLine;

/// Lines kept for one call; a plugin in a loop must not grow the reply without end.
const LINES_MAX: usize = 64;
/// Bytes kept of one line.
const LINE_BYTES_MAX: usize = 1024;

thread_local! {
    static LINES: RefCell<Vec<LogLine>> = const { RefCell::new(Vec::new()) };
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Installs logger and panic hook, once for each loaded file.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A plugin that brings a logger of its own keeps it: its lines are then its own affair.
        if log::set_logger(&Capture).is_ok() {
            log::set_max_level(log::LevelFilter::Debug);
        }
        std::panic::set_hook(Box::new(keep_panic));
    });
}

/// The lines logged on this thread since the last call of this.
pub(crate) fn take_lines() -> Vec<LogLine> {
    LINES.with_borrow_mut(std::mem::take)
}

/// The message and place of the last panic on this thread.
pub(crate) fn take_panic() -> String {
    PANIC.with_borrow_mut(Option::take).unwrap_or_else(|| "panicked without a message".to_owned())
}

fn keep_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a payload that is not a text");
    let place =
        panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    PANIC.with_borrow_mut(|kept| *kept = Some(cut(format!("{message}{place}"))));
}

fn cut(mut text: String) -> String {
    let end = text.floor_char_boundary(LINE_BYTES_MAX);
    text.truncate(end);
    text
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.with_borrow_mut(|lines| {
            if lines.len() < LINES_MAX {
                let level = record.level().as_str().to_ascii_lowercase();
                lines.push(LogLine { level, message: cut(record.args().to_string()) });
            }
        });
    }

    fn flush(&self) {}
}
