//! One request and its answer on a lane. It can be interrupted anywhere and continued: nothing is lost.

use std::io::{ErrorKind, Write as _};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, Id};

use crate::runner::frames::{FrameBuffer, ReadFault, ReadOutcome};
use crate::runner::messages::{ANSWER_FRAME_BYTES_MAX, Answer, RequestFrame};

/// Why an exchange gave no answer. The lane cannot be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneFault {
    /// The runner has closed it: it has ended or is about to.
    Closed,
    /// The answer is too long, or is not one.
    BadFrame,
}

/// A connection to one thread of a runner. It never blocks, and so no signal interrupts it.
pub(super) struct Lane {
    pub(super) number: u32,
    stream: UnixStream,
    /// The same connection in the runtime of the last request. It is kept, because registering costs as much as a call.
    /// Only for reading: a socket that is registered for writing too wakes a thread whenever the runner reads from it.
    registered: Option<(Id, AsyncFd<UnixStream>)>,
    buffer: FrameBuffer,
}

impl Lane {
    pub(super) fn new(number: u32, stream: UnixStream) -> Self {
        Self { number, stream, registered: None, buffer: FrameBuffer::new(ANSWER_FRAME_BYTES_MAX) }
    }

    /// Registers the connection with the runtime of this request, unless it is.
    fn register(&mut self) -> Result<(), LaneFault> {
        let runtime = Handle::try_current().map_err(|_| LaneFault::Closed)?.id();
        if self.registered.as_ref().is_none_or(|(registered, _)| *registered != runtime) {
            self.stream.set_nonblocking(true).map_err(|_| LaneFault::Closed)?;
            self.registered = Some((runtime, registered(&self.stream, Interest::READABLE)?));
        }
        Ok(())
    }
}

#[expect(
    deprecated,
    reason = "it is unsound for types whose descriptor changes, and its successor needs unsafe code"
)]
fn registered(stream: &UnixStream, interest: Interest) -> Result<AsyncFd<UnixStream>, LaneFault> {
    let stream = stream.try_clone().map_err(|_| LaneFault::Closed)?;
    AsyncFd::with_interest(stream, interest).map_err(|_| LaneFault::Closed)
}

/// A request that is being sent, or whose answer is being received.
pub(super) struct Exchange {
    pub(super) lane: Lane,
    request: RequestFrame,
    sent: usize,
}

impl Exchange {
    pub(super) fn new(mut lane: Lane, request: RequestFrame) -> Result<Self, LaneFault> {
        lane.register()?;
        Ok(Self { lane, request, sent: 0 })
    }

    /// Sends the rest of the request and receives the rest of the answer.
    pub(super) async fn run(&mut self) -> Result<Answer, LaneFault> {
        while !self.send()? {
            // The request is larger than the socket's buffer.
            let writable = registered(&self.lane.stream, Interest::WRITABLE)?;
            writable.writable().await.map_err(|_| LaneFault::Closed)?.retain_ready();
        }
        let Lane { registered: Some((_, socket)), buffer, .. } = &mut self.lane else {
            return Err(LaneFault::Closed);
        };
        loop {
            if let Some(frame) = buffer.first().map_err(|_| LaneFault::BadFrame)? {
                let answer = Answer::parse(frame);
                buffer.remove_first();
                return answer.filter(|_| buffer.is_empty()).ok_or(LaneFault::BadFrame);
            }
            let mut ready = socket.readable().await.map_err(|_| LaneFault::Closed)?;
            match buffer.read(ready.get_inner()) {
                Ok(ReadOutcome::Closed) => return Err(LaneFault::Closed),
                Ok(ReadOutcome::Some) => ready.retain_ready(),
                // Nothing more has arrived; what does after this is told again.
                Ok(ReadOutcome::All) | Err(ReadFault::System(Errno::AGAIN)) => ready.clear_ready(),
                Err(ReadFault::TooLong) => return Err(LaneFault::BadFrame),
                Err(ReadFault::System(_)) => return Err(LaneFault::Closed),
            }
        }
    }

    /// Sends as much of the request as the socket takes. Returns whether all of it is sent.
    fn send(&mut self) -> Result<bool, LaneFault> {
        while let Some(rest) = self.request.bytes().get(self.sent..).filter(|rest| !rest.is_empty()) {
            match (&self.lane.stream).write(rest) {
                Ok(bytes) => self.sent += bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(_) => return Err(LaneFault::Closed),
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::runner::messages::Request;

    #[tokio::test]
    async fn a_request_to_a_runner_that_has_ended_is_given_up_at_once() {
        let (near, far) = UnixStream::pair().unwrap();
        drop(far);
        let mut exchange = Exchange::new(Lane::new(1, near), Request::Describe.frame().unwrap()).unwrap();
        let outcome = timeout(Duration::from_secs(5), exchange.run()).await;
        assert_eq!(outcome.expect("it is given up"), Err(LaneFault::Closed));
    }
}
