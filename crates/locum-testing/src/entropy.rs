//! Entropy that is the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::Entropy;

/// Draws 1, 2, 3 and so on, big-endian in the first eight bytes, so that each draw differs.
#[derive(Default)]
pub struct CountingEntropy(AtomicU64);

impl CountingEntropy {
    /// The number of draws so far.
    pub fn draws(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Entropy for CountingEntropy {
    fn draw(&self) -> [u8; ENTROPY_BYTES] {
        let mut bytes = [0; ENTROPY_BYTES];
        let draw = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        bytes[..8].copy_from_slice(&draw.to_be_bytes());
        bytes
    }
}
