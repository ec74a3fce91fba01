//! References of requests: what links an answer to its audit event.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ports::Entropy;

/// Odd, so that the steps meet every number before they meet one again; and large, so that they look nothing like a count.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Makes references of 16 hexadecimal digits. They begin at a random one and are no secret, so that none needs random bytes
/// of its own.
pub(crate) struct References(AtomicU64);

impl References {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = entropy.draw();
        Self(AtomicU64::new(u64::from_be_bytes([a, b, c, d, e, f, g, h])))
    }

    /// A reference that no other request of this engine has.
    pub(crate) fn next(&self) -> String {
        let mut digits = [b'0'; 16];
        let written =
            hex::encode_to_slice(self.0.fetch_add(STEP, Ordering::Relaxed).to_be_bytes(), &mut digits);
        debug_assert!(written.is_ok(), "two digits for each of 8 bytes");
        String::from_utf8(digits.to_vec()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use locum_abi::operation::ENTROPY_BYTES;

    use super::*;

    struct Constant(u8);

    impl Entropy for Constant {
        fn draw(&self) -> [u8; ENTROPY_BYTES] {
            [self.0; ENTROPY_BYTES]
        }
    }

    #[test]
    fn references_begin_at_a_random_one_and_differ() {
        let references = References::new(&Constant(7));
        let first = references.next();
        assert_eq!(first, "0707070707070707");
        let all: HashSet<String> = (0..10_000).map(|_| references.next()).chain([first]).collect();
        assert_eq!(all.len(), 10_001);
        assert!(all.iter().all(|reference| reference.len() == 16));
        assert_ne!(References::new(&Constant(8)).next(), "0707070707070707");
    }
}
