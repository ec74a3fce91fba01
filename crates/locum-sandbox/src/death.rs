//! What ended a process, as it tells in its last message, and as people read it.

use std::fmt;

use crate::system_calls;

/// The first byte of a message that tells of a death.
const TAG: u8 = b'D';

/// The last message of a process: what ends it, in which thread.
///
/// The code in the process can forge it. Believe it only of a process that has ended, and never more than that it names
/// a thread of that process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Death {
    /// What ends the process.
    pub cause: DeathCause,
    /// The number that the thread gave [`prepare_thread`](crate::prepare_thread).
    pub thread: u32,
}

/// What ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathCause {
    /// It made a system call with this number, which the filter does not allow.
    ForbiddenCall(u32),
    /// It received this signal: it crashed, or aborted itself.
    Signal(u32),
    /// It used more stack than its thread has.
    StackOverflow,
}

impl Death {
    /// Bytes of a message.
    pub const BYTES: usize = 10;

    /// The message. Also called in signal handlers, so it allocates nothing.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        let (kind, number) = match self.cause {
            DeathCause::ForbiddenCall(number) => (0, number),
            DeathCause::Signal(number) => (1, number),
            DeathCause::StackOverflow => (2, 0),
        };
        let [n0, n1, n2, n3] = number.to_le_bytes();
        let [t0, t1, t2, t3] = self.thread.to_le_bytes();
        [TAG, kind, n0, n1, n2, n3, t0, t1, t2, t3]
    }

    /// Reads a message; `None` if it is not one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[TAG, kind, n0, n1, n2, n3, t0, t1, t2, t3] = bytes else { return None };
        let number = u32::from_le_bytes([n0, n1, n2, n3]);
        let cause = match kind {
            0 => DeathCause::ForbiddenCall(number),
            1 => DeathCause::Signal(number),
            2 if number == 0 => DeathCause::StackOverflow,
            _ => return None,
        };
        Some(Self { cause, thread: u32::from_le_bytes([t0, t1, t2, t3]) })
    }
}

impl fmt::Display for DeathCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForbiddenCall(number) => match system_calls::name(*number) {
                Some("exit_group") => f.write_str("it called exit"),
                Some(name) => write!(f, "it made the system call `{name}`, which plugins may not make"),
                None => write!(f, "it made the system call {number}, which plugins may not make"),
            },
            Self::Signal(number) => match signal(*number) {
                Some((name, meaning)) => write!(f, "{meaning} ({name})"),
                None => write!(f, "it received signal {number}"),
            },
            Self::StackOverflow => f.write_str("it used more stack than a thread has (SIGSEGV)"),
        }
    }
}

/// Name and meaning of the signals that the handlers report, by their numbers on Linux.
fn signal(number: u32) -> Option<(&'static str, &'static str)> {
    Some(match number {
        4 => ("SIGILL", "it ran an invalid instruction"),
        5 => ("SIGTRAP", "it ran a breakpoint"),
        6 => (
            "SIGABRT",
            "it aborted: by itself, for want of memory, or because of a panic that nothing caught",
        ),
        7 => ("SIGBUS", "it used memory that does not exist"),
        8 => ("SIGFPE", "it divided by zero"),
        11 => ("SIGSEGV", "it used memory that it may not use"),
        25 => ("SIGXFSZ", "it wrote into a file"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        for cause in [DeathCause::ForbiddenCall(42), DeathCause::Signal(6), DeathCause::StackOverflow] {
            let death = Death { cause, thread: 3 };
            assert_eq!(Death::from_bytes(&death.to_bytes()), Some(death));
        }
    }

    #[test]
    fn another_length_tag_or_kind_is_no_death() {
        let bytes = Death { cause: DeathCause::Signal(6), thread: 3 }.to_bytes();
        assert_eq!(Death::from_bytes(&bytes[..9]), None);
        for (index, value) in [(0, b'R'), (1, 3)] {
            let mut changed = bytes;
            changed[index] = value;
            assert_eq!(Death::from_bytes(&changed), None);
        }
    }

    #[test]
    fn a_cause_names_the_call_or_the_signal() {
        let text = |cause: DeathCause| cause.to_string();
        assert_eq!(
            text(DeathCause::ForbiddenCall(42)),
            "it made the system call `connect`, which plugins may not make"
        );
        assert_eq!(text(DeathCause::ForbiddenCall(231)), "it called exit");
        assert_eq!(
            text(DeathCause::ForbiddenCall(9999)),
            "it made the system call 9999, which plugins may not make"
        );
        assert_eq!(text(DeathCause::Signal(11)), "it used memory that it may not use (SIGSEGV)");
        assert_eq!(text(DeathCause::Signal(15)), "it received signal 15");
    }
}
