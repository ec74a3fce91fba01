//! Writes the log to standard error without ever blocking who logs: a bounded buffer, and a thread that writes it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use locum_store::audit::{Batch, LineBuffer};
use tracing_subscriber::fmt::MakeWriter;

/// Most bytes of log lines that wait to be written. Further lines are lost, counted, and reported by a later line.
const BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long after a failed write the next one is tried.
const RETRY: Duration = Duration::from_millis(100);

/// The log's end of the buffer.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    idle: Condvar,
}

struct State {
    buffer: LineBuffer,
    /// A batch is being written.
    writing: bool,
    /// Nothing could be written at the last try.
    failing: bool,
}

impl LogWriter {
    /// Starts the thread that writes to standard error as it is now.
    pub(crate) fn start() -> io::Result<Self> {
        Self::start_on(File::from(io::stderr().as_fd().try_clone_to_owned()?), BUFFER_BYTES_MAX)
    }

    fn start_on(output: impl Write + Send + 'static, bytes_max: usize) -> io::Result<Self> {
        let state = State { buffer: LineBuffer::new(bytes_max), writing: false, failing: false };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), idle: Condvar::new() });
        let writer = Self(Arc::clone(&shared));
        thread::Builder::new().name("log-writer".to_owned()).spawn(move || shared.write_for_ever(output))?;
        Ok(writer)
    }

    /// Waits until all lines are written, at most so long. If they cannot be written, it does not wait.
    pub(crate) fn drain(&self, at_most: Duration) {
        let busy = |state: &mut State| !state.failing && (state.writing || !state.buffer.is_empty());
        let waited = self.0.idle.wait_timeout_while(self.0.lock(), at_most, busy);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_for_ever(&self, mut output: impl Write) {
        loop {
            let mut state = self.lock();
            state.writing = false;
            self.idle.notify_all();
            while state.buffer.is_empty() {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let Batch { mut bytes, lost, .. } = state.buffer.take(Vec::new());
            state.writing = true;
            drop(state);
            if lost > 0 {
                let report =
                    format!("locum: {lost} log lines were lost: the log could not be written in time\n");
                bytes.extend_from_slice(report.as_bytes());
            }
            self.write_all(&mut output, &bytes);
        }
    }

    fn write_all(&self, output: &mut impl Write, mut rest: &[u8]) {
        while !rest.is_empty() {
            match output.write(rest) {
                Ok(written) if written > 0 => {
                    rest = rest.get(written..).unwrap_or_default();
                    self.lock().failing = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.lock().failing = true;
                    self.idle.notify_all();
                    let failed = Instant::now();
                    thread::sleep(RETRY.saturating_sub(failed.elapsed()));
                }
            }
        }
    }
}

/// The log passes one whole line at a time.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        let was_empty = state.buffer.is_empty();
        state.buffer.push(line);
        drop(state);
        if was_empty {
            self.0.work.notify_one();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn lines_are_written_in_their_order() {
        let (mut reader, output) = io::pipe().unwrap();
        let mut log = LogWriter::start_on(output, 1000).unwrap();
        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();
        log.drain(LONG);
        let mut read = [0; 8];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"one\ntwo\n");
    }

    #[test]
    fn a_pipe_that_nobody_reads_blocks_nobody_and_the_lost_lines_are_counted() {
        let (reader, output) = io::pipe().unwrap();
        let mut log = LogWriter::start_on(output, 10_000).unwrap();
        let line = format!("{}\n", "x".repeat(99));
        let started = Instant::now();
        // The kernel's buffer takes 64 KiB of these 500 KB.
        for _ in 0..5000 {
            log.write_all(line.as_bytes()).unwrap();
        }
        log.drain(Duration::from_millis(10));
        assert!(started.elapsed() < LONG);

        let (sender, counted) = mpsc::channel();
        thread::spawn(move || {
            let (mut written, mut lost) = (0, 0);
            for line in BufReader::new(reader).lines().map(Result::unwrap) {
                match line.strip_prefix("locum: ") {
                    Some(report) => lost += report.split(' ').next().unwrap().parse::<u64>().unwrap(),
                    None => written += 1,
                }
                if written + lost >= 5000 {
                    sender.send((written, lost)).unwrap();
                    return;
                }
            }
        });
        let (written, lost) = counted.recv_timeout(LONG).unwrap();
        assert!(lost > 0);
        assert_eq!(written + lost, 5000);
    }

    #[test]
    fn a_full_disk_and_a_closed_pipe_are_not_waited_for() {
        let mut full =
            LogWriter::start_on(File::options().write(true).open("/dev/full").unwrap(), 1000).unwrap();
        let (reader, output) = io::pipe().unwrap();
        drop(reader);
        let mut closed = LogWriter::start_on(output, 1000).unwrap();
        let started = Instant::now();
        for log in [&mut full, &mut closed] {
            log.write_all(b"one\n").unwrap();
            log.drain(LONG);
        }
        assert!(started.elapsed() < LONG / 2);
    }
}
