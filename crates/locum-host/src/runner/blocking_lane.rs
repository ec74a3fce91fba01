//! The lane on which issuers are configured: one request at a time, by threads that may block.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::runner::frames::FrameBuffer;
use crate::runner::messages::{ANSWER_FRAME_BYTES_MAX, Answer};

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
    pub(super) fn send(
        &mut self,
        request: &Zeroizing<Vec<u8>>,
        deadline: Instant,
    ) -> Result<(), BlockingFault> {
        self.stream.set_write_timeout(Some(remaining(deadline)?)).map_err(|_| BlockingFault::Closed)?;
        self.stream.write_all(request).map_err(|error| fault(&error))
    }

    pub(super) fn exchange(
        &mut self,
        request: &Zeroizing<Vec<u8>>,
        deadline: Instant,
    ) -> Result<Answer, BlockingFault> {
        self.send(request, deadline)?;
        loop {
            if let Some(frame) = self.buffer.take().map_err(|_| BlockingFault::BadFrame)? {
                let answer = Answer::parse(frame).filter(|_| self.buffer.is_empty());
                return answer.ok_or(BlockingFault::BadFrame);
            }
            self.stream.set_read_timeout(Some(remaining(deadline)?)).map_err(|_| BlockingFault::Closed)?;
            let space = self.buffer.space().map_err(|_| BlockingFault::BadFrame)?;
            match self.stream.read(space) {
                Ok(0) => return Err(BlockingFault::Closed),
                Ok(bytes) => self.buffer.advance(bytes),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(fault(&error)),
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
