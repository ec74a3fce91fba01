//! The lane on which issuers are configured: one request at a time, by threads that may block.

use std::io::{ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::runner::frames::{FrameBuffer, ReadFault, ReadOutcome};
use crate::runner::messages::{ANSWER_FRAME_BYTES_MAX, Answer, RequestFrame};

/// Why a blocking exchange gave no answer. The lane cannot be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockingFault {
    TimedOut,
    Closed,
    BadFrame,
}

/// The lane on which issuers are configured, by threads that may block.
pub(super) struct BlockingLane {
    stream: UnixStream,
    buffer: FrameBuffer,
}

impl BlockingLane {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, buffer: FrameBuffer::new(ANSWER_FRAME_BYTES_MAX) }
    }

    /// Sends a request that is not answered.
    pub(super) fn send(&mut self, request: &RequestFrame, deadline: Instant) -> Result<(), BlockingFault> {
        self.stream.set_write_timeout(Some(remaining(deadline)?)).map_err(|_| BlockingFault::Closed)?;
        self.stream.write_all(request.bytes()).map_err(|error| fault(&error))
    }

    pub(super) fn exchange(
        &mut self,
        request: &RequestFrame,
        deadline: Instant,
    ) -> Result<Answer, BlockingFault> {
        self.send(request, deadline)?;
        loop {
            if let Some(frame) = self.buffer.first().map_err(|_| BlockingFault::BadFrame)? {
                let answer = Answer::parse(frame);
                self.buffer.remove_first();
                return answer.filter(|_| self.buffer.is_empty()).ok_or(BlockingFault::BadFrame);
            }
            self.stream.set_read_timeout(Some(remaining(deadline)?)).map_err(|_| BlockingFault::Closed)?;
            match self.buffer.read(&self.stream) {
                Ok(ReadOutcome::Closed) => return Err(BlockingFault::Closed),
                Ok(ReadOutcome::All | ReadOutcome::Some) | Err(ReadFault::System(Errno::INTR)) => {}
                Err(ReadFault::TooLong) => return Err(BlockingFault::BadFrame),
                Err(ReadFault::System(error)) => return Err(fault(&error.into())),
            }
        }
    }
}

fn remaining(deadline: Instant) -> Result<Duration, BlockingFault> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() { Err(BlockingFault::TimedOut) } else { Ok(remaining) }
}

fn fault(error: &std::io::Error) -> BlockingFault {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => BlockingFault::TimedOut,
        _ => BlockingFault::Closed,
    }
}
