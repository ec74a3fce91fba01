//! What a plugin writes to standard error: it is read, so that the process never waits for a reader, and discarded.

use std::io::Read as _;
use std::process::ChildStderr;
use std::time::{Duration, Instant};

use crate::limits::RUNNER_OUTPUT_BYTES_MAX;

/// How often it is read, at most.
const PERIOD: Duration = Duration::from_millis(10);

pub(super) struct DiscardedOutput {
    /// `None` after its end.
    pipe: Option<ChildStderr>,
    /// When it is read again at the earliest.
    due: Instant,
    has_written: bool,
}

impl DiscardedOutput {
    pub(super) fn new(pipe: Option<ChildStderr>) -> Self {
        Self { pipe, due: Instant::now(), has_written: false }
    }

    /// What to wait for before the next call of `discard`, and for how long, if not for ever.
    pub(super) fn awaited(&self) -> (Option<&ChildStderr>, Option<Duration>) {
        match &self.pipe {
            Some(_) if Instant::now() < self.due => (None, Some(PERIOD)),
            pipe => (pipe.as_ref(), None),
        }
    }

    /// Reads what there is, up to the limit. Returns whether it is the first that the process wrote.
    pub(super) fn discard(&mut self) -> bool {
        self.due = Instant::now() + PERIOD;
        let mut bytes = vec![0; RUNNER_OUTPUT_BYTES_MAX];
        match self.pipe.as_mut().and_then(|pipe| pipe.read(&mut bytes).ok()) {
            None | Some(0) => {
                self.pipe = None;
                false
            }
            Some(_) => !std::mem::replace(&mut self.has_written, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn only_the_first_output_is_news_and_the_end_is_none() {
        let script = "echo first >&2; read again; echo second >&2";
        let mut shell = Command::new("sh");
        let shell = shell.args(["-c", script]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        let mut output = DiscardedOutput::new(shell.stderr.take());
        assert!(output.awaited().0.is_some());
        assert!(output.discard());
        assert!(output.awaited().0.is_none() && output.awaited().1 == Some(PERIOD));
        std::thread::sleep(PERIOD);
        assert!(output.awaited().0.is_some());
        shell.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(!output.discard(), "the second");
        assert!(!output.discard(), "the end");
        assert!(output.awaited().0.is_none() && output.awaited().1.is_none());
        shell.wait().unwrap();
    }

    #[test]
    fn a_process_that_writes_nothing_is_no_news() {
        let mut program = Command::new("true").stderr(Stdio::piped()).spawn().unwrap();
        let mut output = DiscardedOutput::new(program.stderr.take());
        assert!(!output.discard());
        program.wait().unwrap();
    }
}
