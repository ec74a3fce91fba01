//! Log lines and panic messages of a plugin, kept as data for the reply.
//!
//! Each plugin links its own standard library, and so has its own logger and its own panic hook. Without the ones here,
//! log lines would be lost and panic messages would go to the process's standard error.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use locum_abi::answer::LogLine;

/// Lines kept for one call, so that a plugin that logs in a loop cannot make the reply grow without limit.
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
        install_logger();
        std::panic::set_hook(Box::new(keep_panic));
    });
}

/// If the plugin has installed a logger of its own, that one stays and its lines do not reach the host.
pub(crate) fn install_logger() {
    if log::set_logger(&Capture).is_ok() {
        log::set_max_level(log::LevelFilter::Debug);
    }
}

/// The lines logged on this thread since the last call of this function.
pub(crate) fn take_lines() -> Vec<LogLine> {
    LINES.with_borrow_mut(std::mem::take)
}

/// Puts the lines that `configure` logged before those of this call.
pub(crate) fn begin_with(of_configure: Vec<LogLine>) {
    if of_configure.is_empty() {
        return;
    }
    let lines = of_configure.into_iter().map(|LogLine { level, message }| {
        let message = truncated(format!("while it was configured: {message}"));
        LogLine { level, message }
    });
    LINES.set(lines.collect());
}

/// Message and source location of the last panic on this thread.
pub(crate) fn take_panic() -> String {
    PANIC.with_borrow_mut(Option::take).unwrap_or_else(|| "panicked without a message".to_owned())
}

fn keep_panic(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("a payload that is not a text");
    let place =
        panic.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
    PANIC.with_borrow_mut(|kept| *kept = Some(truncated(format!("{message}{place}"))));
}

fn truncated(mut text: String) -> String {
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
                lines.push(LogLine { level, message: truncated(record.args().to_string()) });
            }
        });
    }

    fn flush(&self) {}
}
