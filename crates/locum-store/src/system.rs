//! The machine's own time and randomness.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{Clock, Entropy};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_unix_ms(&self) -> u64 {
        // A clock before 1970 makes every token look as if it came from the future: everything is refused.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
    }
}

/// The machine's randomness, through the crypto library's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without randomness nothing may be issued; the request becomes a 500"
    )]
    fn draw(&self) -> [u8; ENTROPY_BYTES] {
        let mut bytes = [0; ENTROPY_BYTES];
        rand::fill(&mut bytes).expect("the operating system gives randomness");
        bytes
    }
}
