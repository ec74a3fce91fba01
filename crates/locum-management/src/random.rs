//! Random ids and secrets.

use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::Entropy as _;
use locum_store::SystemEntropy;

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(ENTROPY_BYTES) {
        let drawn = SystemEntropy.draw();
        chunk.iter_mut().zip(drawn).for_each(|(byte, drawn)| *byte = drawn);
    }
    bytes
}
