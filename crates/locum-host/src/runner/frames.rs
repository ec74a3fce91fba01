//! Frames: four bytes that state a length, then so many bytes. Both sides read them with a limit.

use std::os::fd::AsFd;

use rustix::buffer::spare_capacity;
use rustix::io::{Errno, read};

/// Bytes of the length, which is a number in little-endian order.
const LENGTH_BYTES: usize = 4;

/// Initial size of a buffer. Most frames fit, and are read with one call.
const BUFFER_BYTES: usize = 64 << 10;

/// Appends the frame of these parts.
pub(super) fn append_frame(to: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    to.reserve(LENGTH_BYTES + length);
    // Both sides refuse frames far below this limit.
    to.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    parts.iter().for_each(|part| to.extend_from_slice(part));
}

/// A frame states a length over the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameTooLong;

/// Why nothing was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadFault {
    TooLong,
    System(Errno),
}

/// What a call to read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    /// All that had arrived.
    All,
    /// As much as there was room for.
    Some,
    Closed,
}

/// Collects the bytes of frames as they arrive.
pub(super) struct FrameBuffer {
    /// What has arrived. The memory behind it is not touched before something is read into it.
    bytes: Vec<u8>,
    /// Longest frame, without its length.
    bytes_max: usize,
}

impl FrameBuffer {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::with_capacity(BUFFER_BYTES), bytes_max }
    }

    /// Reads once.
    ///
    /// # Errors
    /// The frame that has begun is too long, and nothing is allocated for it; or the system's error.
    pub(super) fn read(&mut self, from: impl AsFd) -> Result<ReadOutcome, ReadFault> {
        self.make_room().map_err(|FrameTooLong| ReadFault::TooLong)?;
        let room = self.bytes.capacity() - self.bytes.len();
        match read(from, spare_capacity(&mut self.bytes)).map_err(ReadFault::System)? {
            0 => Ok(ReadOutcome::Closed),
            bytes if bytes < room => Ok(ReadOutcome::All),
            _ => Ok(ReadOutcome::Some),
        }
    }

    /// Makes room for the rest of the frame that has begun, and for one byte at least.
    fn make_room(&mut self) -> Result<(), FrameTooLong> {
        let end = self.length()?.map_or(0, |length| LENGTH_BYTES + length);
        let rest = end.saturating_sub(self.bytes.len());
        self.bytes.reserve_exact(rest);
        if self.bytes.len() == self.bytes.capacity() {
            self.bytes.reserve_exact(BUFFER_BYTES);
        }
        Ok(())
    }

    /// Whether no byte of another frame has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The first frame, if all of it has arrived.
    ///
    /// # Errors
    /// It is too long.
    pub(super) fn first(&self) -> Result<Option<&[u8]>, FrameTooLong> {
        Ok(self.length()?.and_then(|length| self.bytes.get(LENGTH_BYTES..LENGTH_BYTES + length)))
    }

    /// Removes the first frame, if all of it has arrived, and overwrites it: it may hold secrets.
    pub(super) fn remove_first(&mut self) {
        let Ok(Some(length)) = self.length() else { return };
        let (end, filled) = (LENGTH_BYTES + length, self.bytes.len());
        if filled < end {
            return;
        }
        self.bytes.copy_within(end.., 0);
        if let Some(rest) = self.bytes.get_mut(filled - end..) {
            rest.fill(0);
        }
        self.bytes.truncate(filled - end);
        if self.bytes.capacity() > BUFFER_BYTES {
            self.bytes.shrink_to(BUFFER_BYTES);
        }
    }

    fn length(&self) -> Result<Option<usize>, FrameTooLong> {
        let Some(length) = self.bytes.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        match usize::try_from(u32::from_le_bytes(*length)) {
            Ok(length) if length <= self.bytes_max => Ok(Some(length)),
            _ => Err(FrameTooLong),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn frame(parts: &[&[u8]]) -> Vec<u8> {
        let mut frame = Vec::new();
        append_frame(&mut frame, parts);
        frame
    }

    /// Sends these bytes in pieces of this size, and reads each.
    fn receive(buffer: &mut FrameBuffer, bytes: &[u8], piece: usize) {
        let (mut sender, receiver) = UnixStream::pair().unwrap();
        receiver.set_nonblocking(true).unwrap();
        for piece in bytes.chunks(piece) {
            sender.write_all(piece).unwrap();
            while buffer.read(&receiver).is_ok_and(|read| read == ReadOutcome::Some) {}
        }
    }

    #[test]
    fn a_frame_arrives_in_any_pieces() {
        for bytes in [0, 1, 5, BUFFER_BYTES, 3 * BUFFER_BYTES + 1] {
            let body: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            for piece in [1, 3, 7000, 100_000] {
                let mut buffer = FrameBuffer::new(bytes);
                receive(&mut buffer, &frame(&[&body]), piece);
                assert_eq!(buffer.first().unwrap().unwrap(), body);
                buffer.remove_first();
                assert!(buffer.is_empty() && buffer.first() == Ok(None));
            }
        }
    }

    #[test]
    fn an_incomplete_frame_is_not_taken() {
        let mut buffer = FrameBuffer::new(10);
        receive(&mut buffer, &frame(&[b"abc"])[..6], 10);
        assert_eq!(buffer.first(), Ok(None));
        buffer.remove_first();
        assert!(!buffer.is_empty());
    }

    #[test]
    fn frames_that_arrive_together_are_taken_one_by_one() {
        let mut buffer = FrameBuffer::new(BUFFER_BYTES);
        let long = vec![7; BUFFER_BYTES];
        receive(&mut buffer, &[frame(&[&long]), frame(&[b"a", b"b"])].concat(), 100_000);
        assert_eq!(buffer.first().unwrap().unwrap(), long);
        buffer.remove_first();
        assert_eq!(buffer.first().unwrap().unwrap(), b"ab");
        buffer.remove_first();
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_closed_connection_is_seen_and_an_empty_one_is_the_systems_error() {
        let mut buffer = FrameBuffer::new(10);
        let (sender, receiver) = UnixStream::pair().unwrap();
        receiver.set_nonblocking(true).unwrap();
        assert_eq!(buffer.read(&receiver), Err(ReadFault::System(Errno::AGAIN)));
        drop(sender);
        assert_eq!(buffer.read(&receiver), Ok(ReadOutcome::Closed));
    }

    #[test]
    fn the_memory_of_a_long_frame_is_given_back() {
        let mut buffer = FrameBuffer::new(3 * BUFFER_BYTES);
        receive(&mut buffer, &frame(&[&vec![7; 3 * BUFFER_BYTES]]), 100_000);
        buffer.remove_first();
        assert!(buffer.bytes.capacity() < 2 * BUFFER_BYTES);
    }

    #[test]
    fn there_is_room_for_a_long_frame_as_soon_as_its_length_is_known() {
        let mut buffer = FrameBuffer::new(3 * BUFFER_BYTES);
        let frame = frame(&[&vec![7; 2 * BUFFER_BYTES]]);
        let (mut sender, receiver) = UnixStream::pair().unwrap();
        sender.write_all(&frame[..LENGTH_BYTES]).unwrap();
        assert_eq!(buffer.read(&receiver), Ok(ReadOutcome::All));
        assert_eq!(buffer.bytes.capacity(), BUFFER_BYTES);
        sender.write_all(&frame[LENGTH_BYTES..]).unwrap();
        while buffer.first() == Ok(None) {
            buffer.read(&receiver).unwrap();
        }
        assert_eq!(buffer.bytes.capacity(), frame.len());
        // It is full, and room is made to see what follows.
        receiver.set_nonblocking(true).unwrap();
        assert_eq!(buffer.read(&receiver), Err(ReadFault::System(Errno::AGAIN)));
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_anything_is_allocated() {
        let mut buffer = FrameBuffer::new(10);
        receive(&mut buffer, &11_u32.to_le_bytes(), 4);
        let (_sender, receiver) = UnixStream::pair().unwrap();
        assert_eq!(buffer.read(&receiver), Err(ReadFault::TooLong));
        assert_eq!(buffer.first(), Err(FrameTooLong));
        assert_eq!(buffer.bytes.capacity(), BUFFER_BYTES);
        let mut buffer = FrameBuffer::new(10);
        receive(&mut buffer, &10_u32.to_le_bytes(), 4);
        assert_eq!(buffer.first(), Ok(None));
    }
}
