//! What host and runner say to each other: requests and answers on lanes, and messages on the control socket.

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::printable;
use locum_sandbox::Death;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use crate::limits::{ANSWER_BYTES_MAX, RUNNER_MESSAGE_CHARS_MAX, RUNNER_REQUEST_BYTES_MAX};
use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::protections::Protections;
use crate::runner::frames::append_frame;

/// Changed with every change of a message: host and runner must be of the same release.
pub(super) const PROTOCOL: u32 = 2;

/// The lane on which issuers are configured. It belongs to the runner's main thread.
pub(super) const CONFIGURE_LANE: u32 = 0;

/// Longest answer frame: a tag, and one byte more than is accepted, so that a longer answer is recognised as too long.
pub(super) const ANSWER_FRAME_BYTES_MAX: usize = 1 + ANSWER_BYTES_MAX + 1;

/// What the host asks on a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// The manifest that the code states.
    Describe,
    /// Configure an issuer, which later requests call by this number.
    Create { issuer: u64, configuration: &'a [u8] },
    /// Call an issuer.
    Call { issuer: u64, op: u32, now_unix_ms: u64, entropy: [u8; ENTROPY_BYTES], input: &'a [u8] },
    /// Drop an issuer. It is not answered.
    Forget { issuer: u64 },
}

const DESCRIBE: u8 = 0;
const CREATE: u8 = 1;
const CALL: u8 = 2;
const FORGET: u8 = 3;

impl<'a> Request<'a> {
    /// The request as a frame; `None` if it is too long.
    pub(super) fn frame(&self) -> Option<RequestFrame> {
        match self {
            Self::Describe => RequestFrame::new(&[&[DESCRIBE]]),
            Self::Create { issuer, configuration } => {
                let mut frame = RequestFrame::new(&[&[CREATE], &issuer.to_le_bytes(), configuration])?;
                frame.holds_secrets = true;
                Some(frame)
            }
            Self::Call { issuer, op, now_unix_ms, entropy, input } => {
                let (issuer, op, now) = (issuer.to_le_bytes(), op.to_le_bytes(), now_unix_ms.to_le_bytes());
                RequestFrame::new(&[&[CALL], &issuer, &op, &now, entropy, input])
            }
            Self::Forget { issuer } => RequestFrame::new(&[&[FORGET], &issuer.to_le_bytes()]),
        }
    }

    /// Reads the body of a frame; `None` if it is not a request.
    pub(super) fn parse(body: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = body.split_first()?;
        if kind == DESCRIBE {
            return rest.is_empty().then_some(Self::Describe);
        }
        let (issuer, rest) = rest.split_first_chunk()?;
        let issuer = u64::from_le_bytes(*issuer);
        match kind {
            CREATE => Some(Self::Create { issuer, configuration: rest }),
            FORGET => rest.is_empty().then_some(Self::Forget { issuer }),
            CALL => {
                let (op, rest) = rest.split_first_chunk()?;
                let (now, rest) = rest.split_first_chunk()?;
                let (entropy, input) = rest.split_first_chunk()?;
                let (op, now_unix_ms) = (u32::from_le_bytes(*op), u64::from_le_bytes(*now));
                Some(Self::Call { issuer, op, now_unix_ms, entropy: *entropy, input })
            }
            _ => None,
        }
    }
}

/// A request as a frame.
pub(super) struct RequestFrame {
    bytes: Vec<u8>,
    /// Whether the bytes are overwritten when this is dropped, as those of a configuration are.
    holds_secrets: bool,
}

impl RequestFrame {
    fn new(parts: &[&[u8]]) -> Option<Self> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        (length <= RUNNER_REQUEST_BYTES_MAX).then(|| {
            let mut bytes = Vec::new();
            append_frame(&mut bytes, parts);
            Self { bytes, holds_secrets: false }
        })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for RequestFrame {
    fn drop(&mut self) {
        if self.holds_secrets {
            self.bytes.zeroize();
        }
    }
}

/// What the runner answers on a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// What the plugin replied: its manifest, or the reply of an issuer.
    Replied(Vec<u8>),
    /// The failure with which the plugin answered.
    Failed(Vec<u8>),
    /// The issuer is configured.
    Created,
    /// No issuer has this number.
    UnknownIssuer,
}

impl Answer {
    /// Appends the answer as a frame. What is too long is cut off after the first byte too many.
    pub(super) fn append_to(&self, to: &mut Vec<u8>) {
        let (tag, bytes): (u8, &[u8]) = match self {
            Self::Replied(bytes) => (0, bytes),
            Self::Failed(bytes) => (1, bytes),
            Self::Created => (2, &[]),
            Self::UnknownIssuer => (3, &[]),
        };
        append_frame(to, &[&[tag], bytes.get(..=ANSWER_BYTES_MAX).unwrap_or(bytes)]);
    }

    /// Reads the body of a frame; `None` if it is not an answer.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        match body.split_first()? {
            (0, reply) => Some(Self::Replied(reply.to_vec())),
            (1, failure) => Some(Self::Failed(failure.to_vec())),
            (2, []) => Some(Self::Created),
            (3, []) => Some(Self::UnknownIssuer),
            _ => None,
        }
    }
}

/// The first message on the control socket. With it come the descriptors: the plugin's memfd, the lane on which issuers
/// are configured, the other lanes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) protocol: u32,
    /// How many lanes there are besides the one on which issuers are configured.
    pub(super) lanes: u32,
    /// The libraries that the plugin needs. Under the filter they cannot be opened.
    pub(super) libraries: Vec<String>,
    /// Whether the plugin is none: a library that does nothing, for the trial.
    pub(super) is_trial: bool,
}

/// What the runner says on the control socket. The plugin can forge each of them once it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ControlMessage {
    /// The plugin is mapped under the filter.
    Mapped(Protections),
    /// The runner cannot run the plugin.
    Refused(LoadFault),
    /// What ends the process.
    Death(Death),
}

const MAPPED: u8 = b'M';
const REFUSED: u8 = b'R';

impl ControlMessage {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Mapped(protections) => {
                vec![MAPPED, u8::from(protections.landlock), u8::from(protections.no_new_code)]
            }
            Self::Refused(LoadFault { code, cause }) => {
                [&[REFUSED], code.as_str().as_bytes(), b"\n", cause.as_bytes()].concat()
            }
            Self::Death(death) => death.to_bytes().to_vec(),
        }
    }

    /// Reads a message; `None` if it is not one. Its text is escaped and truncated.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [MAPPED, landlock @ 0..=1, no_new_code @ 0..=1] => {
                Some(Self::Mapped(Protections { landlock: *landlock == 1, no_new_code: *no_new_code == 1 }))
            }
            [REFUSED, text @ ..] => {
                let text = String::from_utf8_lossy(text);
                let (code, cause) = text.split_once('\n')?;
                let code = LoadErrorCode::ALL.into_iter().find(|known| known.as_str() == code)?;
                Some(Self::Refused(LoadFault::new(code, printable(cause, RUNNER_MESSAGE_CHARS_MAX))))
            }
            bytes => Death::from_bytes(bytes).map(Self::Death),
        }
    }
}

#[cfg(test)]
mod tests {
    use locum_sandbox::DeathCause;

    use super::*;

    fn requests() -> [Request<'static>; 4] {
        [
            Request::Describe,
            Request::Create { issuer: 7, configuration: b"{}" },
            Request::Call { issuer: 7, op: 1, now_unix_ms: 9, entropy: [3; ENTROPY_BYTES], input: b"{}" },
            Request::Forget { issuer: u64::MAX },
        ]
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        for request in requests() {
            assert_eq!(Request::parse(&request.frame().unwrap().bytes()[4..]), Some(request));
        }
    }

    #[test]
    fn a_request_that_is_cut_off_or_has_a_byte_too_many_is_refused() {
        for request in requests() {
            let frame = request.frame().unwrap();
            let body = &frame.bytes()[4..];
            let fixed = body.len()
                - if matches!(request, Request::Describe | Request::Forget { .. }) { 0 } else { 2 };
            for end in 0..fixed {
                assert_eq!(Request::parse(&body[..end]), None, "{request:?} {end}");
            }
        }
        assert_eq!(Request::parse(&[DESCRIBE, 0]), None);
        assert_eq!(Request::parse(&[9; 64]), None);
    }

    #[test]
    fn a_request_over_the_limit_has_no_frame() {
        let of = |bytes: usize| {
            let configuration = vec![b' '; bytes];
            Request::Create { issuer: 1, configuration: &configuration }.frame().is_some()
        };
        assert!(of(RUNNER_REQUEST_BYTES_MAX - 9));
        assert!(!of(RUNNER_REQUEST_BYTES_MAX - 8));
    }

    fn answer_frame(answer: &Answer) -> Vec<u8> {
        let mut frame = Vec::new();
        answer.append_to(&mut frame);
        frame
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        for answer in [
            Answer::Replied(b"{}".to_vec()),
            Answer::Failed(Vec::new()),
            Answer::Created,
            Answer::UnknownIssuer,
        ] {
            assert_eq!(Answer::parse(&answer_frame(&answer)[4..]), Some(answer));
        }
        for body in [&b""[..], &[4], &[2, 0], &[3, 0]] {
            assert_eq!(Answer::parse(body), None);
        }
    }

    #[test]
    fn a_long_answer_is_cut_off_after_the_first_byte_too_many() {
        let frame = answer_frame(&Answer::Replied(vec![b' '; 3 * ANSWER_BYTES_MAX]));
        assert_eq!(frame.len() - 4, ANSWER_FRAME_BYTES_MAX);
        assert_eq!(Answer::parse(&frame[4..]), Some(Answer::Replied(vec![b' '; ANSWER_BYTES_MAX + 1])));
    }

    #[test]
    fn a_control_message_is_read_as_it_was_written() {
        for message in [
            ControlMessage::Mapped(Protections { landlock: true, no_new_code: false }),
            ControlMessage::Refused(LoadFault::new(LoadErrorCode::LoaderRefused, "no such symbol")),
            ControlMessage::Death(Death { cause: DeathCause::Signal(6), thread: 2 }),
        ] {
            assert_eq!(ControlMessage::parse(&message.to_bytes()), Some(message));
        }
        for bytes in [&b""[..], b"M", b"M\x02\x00", b"Rno-such-code\nx", b"Rloader-refused", b"x"] {
            assert_eq!(ControlMessage::parse(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn a_forged_refusal_cannot_forge_log_lines() {
        let parsed = ControlMessage::parse(b"Rloader-refused\na\nb\x1b[31m");
        assert_eq!(
            parsed,
            Some(ControlMessage::Refused(LoadFault::new(LoadErrorCode::LoaderRefused, r"a\u{a}b\u{1b}[31m")))
        );
    }
}
