//! Lines that wait to be written: bounded in bytes, in their order, and those that did not fit are counted.

/// A buffer of whole lines. It holds at most so many bytes; a line that does not fit is counted and dropped.
#[derive(Debug)]
pub struct LineBuffer {
    bytes: Vec<u8>,
    bytes_max: usize,
    lines: u64,
    lost: u64,
}

/// What a buffer held.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The lines, each with a line break at its end.
    pub bytes: Vec<u8>,
    /// How many lines these are.
    pub lines: u64,
    /// How many lines did not fit. All of them came after the lines of this batch.
    pub lost: u64,
}

impl LineBuffer {
    /// An empty buffer.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, lines: 0, lost: 0 }
    }

    /// Appends a line, which ends with a line break. False if it does not fit, or a line before it did not: the lines
    /// of a batch have no gap between them.
    pub fn push(&mut self, line: &[u8]) -> bool {
        if self.lost > 0 || self.bytes.len().saturating_add(line.len()) > self.bytes_max {
            self.lost += 1;
            return false;
        }
        self.bytes.extend_from_slice(line);
        self.lines += 1;
        true
    }

    /// Whether there is nothing to write and nothing to report.
    pub fn is_empty(&self) -> bool {
        self.lines == 0 && self.lost == 0
    }

    /// Whether lines did not fit since the last take.
    pub fn has_lost(&self) -> bool {
        self.lost > 0
    }

    /// Takes everything out. `spare` becomes the new memory, so that two allocations serve for ever.
    pub fn take(&mut self, mut spare: Vec<u8>) -> Batch {
        spare.clear();
        Batch {
            bytes: std::mem::replace(&mut self.bytes, spare),
            lines: std::mem::take(&mut self.lines),
            lost: std::mem::take(&mut self.lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_their_order() {
        let mut buffer = LineBuffer::new(100);
        assert!(buffer.is_empty());
        assert!(buffer.push(b"one\n"));
        assert!(buffer.push(b"two\n"));
        assert_eq!(buffer.take(Vec::new()), Batch { bytes: b"one\ntwo\n".to_vec(), lines: 2, lost: 0 });
        assert!(buffer.is_empty());
    }

    #[test]
    fn the_bound_is_in_bytes_and_the_line_that_reaches_it_fits() {
        let mut buffer = LineBuffer::new(8);
        assert!(buffer.push(b"one\n"));
        assert!(buffer.push(b"two\n"));
        assert!(!buffer.push(b"\n"));
        assert_eq!(buffer.take(Vec::new()).lost, 1);
    }

    #[test]
    fn after_a_lost_line_all_are_lost_until_the_buffer_is_taken() {
        let mut buffer = LineBuffer::new(8);
        assert!(buffer.push(b"one\n"));
        assert!(!buffer.push(b"too long\n"));
        // It would fit, but would stand before the report of the lost line.
        assert!(!buffer.push(b"2\n"));
        assert_eq!(buffer.take(Vec::new()), Batch { bytes: b"one\n".to_vec(), lines: 1, lost: 2 });
        assert!(buffer.push(b"2\n"));
    }

    #[test]
    fn a_buffer_that_only_lost_lines_is_not_empty() {
        let mut buffer = LineBuffer::new(0);
        assert!(!buffer.push(b"\n"));
        assert!(!buffer.is_empty());
    }
}
