//! The host's end of the control socket, on which a runner receives its plugin and tells how it fares.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg,
    socketpair,
};

use crate::runner::messages::ControlMessage;

/// Longest message.
const CONTROL_BYTES_MAX: usize = 4096;

/// The two ends of a control socket.
pub(super) fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
}

/// What arrived on a control socket.
pub(super) enum Received {
    Message(ControlMessage),
    /// The process's file `/proc/self/status`. It can be sent only before the filter is in force.
    Status(OwnedFd),
    /// Bytes that are not a message.
    Unreadable,
    Closed,
    TimedOut,
}

/// Waits for the next message.
pub(super) fn next_message(control: &OwnedFd, deadline: Instant) -> Received {
    loop {
        let Some(wait) = deadline.checked_duration_since(Instant::now()) else { return Received::TimedOut };
        let mut polled = [PollFd::new(control, PollFlags::IN)];
        match poll(&mut polled, Some(&timespec(wait))) {
            Ok(0) => {}
            Ok(_) => return receive(control),
            Err(Errno::INTR) => {}
            Err(_) => return Received::Closed,
        }
    }
}

/// Reads the message that has arrived. An empty one counts as the end: the runner sends none.
pub(super) fn receive(control: &OwnedFd) -> Received {
    let mut bytes = [0; CONTROL_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let parts = &mut [IoSliceMut::new(&mut bytes)];
    match recvmsg(control, parts, &mut ancillary, RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC) {
        Ok(received) if received.bytes == 0 => Received::Closed,
        Ok(received) => {
            if let Some(RecvAncillaryMessage::ScmRights(mut descriptors)) = ancillary.drain().next()
                && let Some(status) = descriptors.next()
            {
                return Received::Status(status);
            }
            let message = ControlMessage::parse(bytes.get(..received.bytes).unwrap_or_default());
            message.map_or(Received::Unreadable, Received::Message)
        }
        // A process that ended before it read what was sent to it resets the connection once; what it said comes after.
        Err(Errno::AGAIN | Errno::INTR | Errno::CONNRESET) => Received::Unreadable,
        Err(_) => Received::Closed,
    }
}

/// The last death that a process told before it ended.
pub(super) fn last_death(control: &OwnedFd) -> Option<locum_sandbox::Death> {
    let deadline = Instant::now() + Duration::from_millis(100);
    let mut last = None;
    loop {
        match next_message(control, deadline) {
            Received::Message(ControlMessage::Death(death)) => last = Some(death),
            Received::Message(_) | Received::Status(_) | Received::Unreadable => {}
            Received::Closed | Received::TimedOut => return last,
        }
    }
}

pub(super) fn timespec(time: Duration) -> Timespec {
    // Rounded up to a millisecond, so that the last wait is not a busy one.
    let time = time + Duration::from_millis(1);
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use locum_sandbox::{Death, DeathCause};

    use super::*;

    #[test]
    fn what_a_process_said_is_read_although_it_never_read_what_it_was_sent() {
        let (control, far) = pair().unwrap();
        rustix::io::write(&control, b"setup").unwrap();
        let death = Death { cause: DeathCause::Signal(6), thread: 1 };
        rustix::io::write(&far, &death.to_bytes()).unwrap();
        drop(far);
        assert_eq!(last_death(&control), Some(death));
    }

    #[test]
    fn a_wait_is_rounded_up_to_a_millisecond() {
        let seconds = |milliseconds: u64| {
            let time = timespec(Duration::from_millis(milliseconds));
            (time.tv_sec, time.tv_nsec)
        };
        assert_eq!([0, 1500, 1999].map(seconds), [(0, 1_000_000), (1, 501_000_000), (2, 0)]);
    }
}
