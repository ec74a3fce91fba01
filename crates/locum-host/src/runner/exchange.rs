//! One request and its answer on a lane. It can be interrupted anywhere and continued: nothing is lost.

use std::io::{Error, ErrorKind};
use std::os::unix::net::UnixStream as StdUnixStream;

use tokio::net::UnixStream;
use tokio::runtime::{Handle, Id};
use zeroize::Zeroizing;

use crate::runner::frames::FrameBuffer;
use crate::runner::messages::{ANSWER_FRAME_BYTES_MAX, Answer};

/// Why an exchange gave no answer. The lane cannot be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneFault {
    /// The runner has closed it: it has ended or is about to.
    Closed,
    /// The answer is too long, or is not one.
    BadFrame,
}

/// A connection to one thread of a runner.
pub(super) struct Lane {
    pub(super) number: u32,
    stream: StdUnixStream,
    /// The same connection in the runtime of the last request. It is kept, because registering costs as much as a call.
    registered: Option<(Id, UnixStream)>,
    buffer: FrameBuffer,
}

impl Lane {
    pub(super) fn new(number: u32, stream: StdUnixStream) -> Self {
        Self { number, stream, registered: None, buffer: FrameBuffer::new(ANSWER_FRAME_BYTES_MAX) }
    }

    /// Registers the connection with the runtime of this request, unless it is.
    fn register(&mut self) -> Result<(), LaneFault> {
        let runtime = Handle::try_current().map_err(|_| LaneFault::Closed)?.id();
        if self.registered.as_ref().is_none_or(|(registered, _)| *registered != runtime) {
            let stream = self.stream.try_clone().and_then(|stream| {
                stream.set_nonblocking(true)?;
                UnixStream::from_std(stream)
            });
            self.registered = Some((runtime, stream.map_err(|_| LaneFault::Closed)?));
        }
        Ok(())
    }
}

/// A request that is being sent, or whose answer is being received.
pub(super) struct Exchange {
    pub(super) lane: Lane,
    request: Zeroizing<Vec<u8>>,
    sent: usize,
}

impl Exchange {
    pub(super) fn new(mut lane: Lane, request: Zeroizing<Vec<u8>>) -> Result<Self, LaneFault> {
        lane.register()?;
        Ok(Self { lane, request, sent: 0 })
    }

    /// Sends the rest of the request and receives the rest of the answer.
    pub(super) async fn run(&mut self) -> Result<Answer, LaneFault> {
        let Lane { registered: Some((_, socket)), buffer, .. } = &mut self.lane else {
            return Err(LaneFault::Closed);
        };
        while let Some(rest) = self.request.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match socket.try_write(rest) {
                Ok(bytes) => self.sent += bytes,
                Err(error) if would_block(&error) => writable(socket).await?,
                Err(_) => return Err(LaneFault::Closed),
            }
        }
        loop {
            if let Some(frame) = buffer.take().map_err(|_| LaneFault::BadFrame)? {
                return Answer::parse(frame).filter(|_| buffer.is_empty()).ok_or(LaneFault::BadFrame);
            }
            match socket.try_read(buffer.space().map_err(|_| LaneFault::BadFrame)?) {
                Ok(0) => return Err(LaneFault::Closed),
                Ok(bytes) => buffer.advance(bytes),
                Err(error) if would_block(&error) => readable(socket).await?,
                Err(_) => return Err(LaneFault::Closed),
            }
        }
    }
}

fn would_block(error: &Error) -> bool {
    error.kind() == ErrorKind::WouldBlock
}

async fn writable(socket: &UnixStream) -> Result<(), LaneFault> {
    socket.writable().await.map_err(|_| LaneFault::Closed)
}

async fn readable(socket: &UnixStream) -> Result<(), LaneFault> {
    socket.readable().await.map_err(|_| LaneFault::Closed)
}
