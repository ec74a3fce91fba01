//! The clock and the random generator of the system.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{Clock, Entropy};

/// The system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_unix_ms(&self) -> u64 {
        // A clock before 1970 reads as 0, so that every token is refused as issued in the future.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
    }
}

/// The random generator of aws-lc, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::expect_used,
        reason = "without randomness no credential may be issued; the panic becomes a 500 of the request"
    )]
    fn draw(&self) -> [u8; ENTROPY_BYTES] {
        let mut bytes = [0; ENTROPY_BYTES];
        rand::fill(&mut bytes).expect("the random generator works");
        bytes
    }
}
