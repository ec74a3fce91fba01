//! Entropy that is the same in each run.

use std::sync::atomic::{AtomicU64, Ordering};

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::Entropy;

/// Draws 1, 2, 3 and so on, so that every draw can be told from the others.
#[derive(Default)]
pub struct CountingEntropy(AtomicU64);

impl CountingEntropy {
    /// How often it was drawn from.
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
