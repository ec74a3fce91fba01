//! Frames: four bytes that state a length, then so many bytes. Both sides read them with a limit.

use zeroize::Zeroizing;

/// Bytes of the length, which is a number in little-endian order.
const LENGTH_BYTES: usize = 4;

/// Initial size of a buffer. Most frames fit, and are read with one call.
const BUFFER_BYTES: usize = 64 << 10;

/// The frame of these parts.
pub(super) fn frame(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Zeroizing::new(Vec::with_capacity(LENGTH_BYTES + length));
    // Both sides refuse frames far below this limit.
    frame.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    parts.iter().for_each(|part| frame.extend_from_slice(part));
    frame
}

/// A frame states a length over the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameTooLong;

/// Collects the bytes of frames as they arrive.
pub(super) struct FrameBuffer {
    bytes: Vec<u8>,
    /// How many of the bytes have arrived.
    filled: usize,
    /// Longest frame, without its length.
    bytes_max: usize,
}

impl FrameBuffer {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: vec![0; BUFFER_BYTES], filled: 0, bytes_max }
    }

    /// Where the next bytes go; never empty.
    ///
    /// # Errors
    /// The frame that has begun is too long. Nothing is allocated for it.
    pub(super) fn space(&mut self) -> Result<&mut [u8], FrameTooLong> {
        if let Some(length) = self.length()? {
            let needed = LENGTH_BYTES + length;
            if self.bytes.len() < needed {
                self.bytes.resize(needed, 0);
            }
        }
        if self.filled == self.bytes.len() {
            self.bytes.resize(self.filled + BUFFER_BYTES, 0);
        }
        Ok(self.bytes.get_mut(self.filled..).unwrap_or_default())
    }

    /// Counts bytes that were written into the space.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes).min(self.bytes.len());
    }

    /// Whether no byte of another frame has arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Removes the first frame, if all of it has arrived.
    ///
    /// # Errors
    /// It is too long.
    pub(super) fn take(&mut self) -> Result<Option<Vec<u8>>, FrameTooLong> {
        let Some(length) = self.length()? else { return Ok(None) };
        let end = LENGTH_BYTES + length;
        if self.filled < end {
            return Ok(None);
        }
        let frame = self.bytes.get(LENGTH_BYTES..end).map(<[u8]>::to_vec);
        self.bytes.copy_within(end..self.filled, 0);
        self.filled -= end;
        if self.bytes.len() > BUFFER_BYTES && self.filled <= BUFFER_BYTES {
            self.bytes.truncate(BUFFER_BYTES);
            self.bytes.shrink_to_fit();
        }
        Ok(frame)
    }

    fn length(&self) -> Result<Option<usize>, FrameTooLong> {
        let arrived = self.bytes.get(..self.filled).unwrap_or_default();
        let Some(length) = arrived.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        match usize::try_from(u32::from_le_bytes(*length)) {
            Ok(length) if length <= self.bytes_max => Ok(Some(length)),
            _ => Err(FrameTooLong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts bytes into the buffer as reads of at most this size would.
    fn receive(buffer: &mut FrameBuffer, mut bytes: &[u8], at_once: usize) {
        while !bytes.is_empty() {
            let space = buffer.space().unwrap();
            let count = space.len().min(at_once).min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            buffer.advance(count);
            bytes = &bytes[count..];
        }
    }

    #[test]
    fn a_frame_arrives_in_any_pieces() {
        for bytes in [0, 1, 5, BUFFER_BYTES, 3 * BUFFER_BYTES + 1] {
            let body: Vec<u8> = (0..bytes).map(|at| (at % 251) as u8).collect();
            for at_once in [1, 3, 7000, usize::MAX] {
                let mut buffer = FrameBuffer::new(bytes);
                receive(&mut buffer, &frame(&[&body]), at_once);
                assert_eq!(buffer.take().unwrap().unwrap(), body);
                assert!(buffer.is_empty() && buffer.take() == Ok(None));
            }
        }
    }

    #[test]
    fn an_incomplete_frame_is_not_taken() {
        let mut buffer = FrameBuffer::new(10);
        receive(&mut buffer, &frame(&[b"abc"])[..6], 10);
        assert_eq!(buffer.take(), Ok(None));
        assert!(!buffer.is_empty());
    }

    #[test]
    fn frames_that_arrive_together_are_taken_one_by_one() {
        let mut buffer = FrameBuffer::new(BUFFER_BYTES);
        let long = vec![7; BUFFER_BYTES];
        let both = [&frame(&[&long])[..], &frame(&[b"a", b"b"])[..]].concat();
        receive(&mut buffer, &both, usize::MAX);
        assert_eq!(buffer.take().unwrap().unwrap(), long);
        assert_eq!(buffer.take().unwrap().unwrap(), b"ab");
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_anything_is_allocated() {
        let mut buffer = FrameBuffer::new(10);
        receive(&mut buffer, &11_u32.to_le_bytes(), 4);
        assert_eq!((buffer.space().err(), buffer.take()), (Some(FrameTooLong), Err(FrameTooLong)));
        assert_eq!(buffer.bytes.len(), BUFFER_BYTES);
        let mut buffer = FrameBuffer::new(10);
        receive(&mut buffer, &10_u32.to_le_bytes(), 4);
        assert!(buffer.space().is_ok());
    }
}
