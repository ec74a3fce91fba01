//! Finds where in a text one of many needles may begin, by a few bytes of them: most positions are passed with one look, and
//! most of a credential without one.

use crate::limits::SECRET_IN_TEXT_BYTES_MIN;

/// Bytes of a piece. No needle is shorter.
pub(super) const PIECE_BYTES: usize = SECRET_IN_TEXT_BYTES_MIN;

/// Most positions of a text from one look to the next.
const STRIDE_MAX: usize = 16;

/// Bits for each piece, so that a position of another text is rarely taken for one of a needle.
const BITS_PER_PIECE: usize = 8;

/// Largest filter, in words of 64 bits.
const WORDS_MAX: usize = 64;

/// Two bits for each hash of a piece: of the first bytes of each needle and, where a needle is looked for in strides, of the
/// bytes from each position before the stride.
pub(super) struct PieceFilter {
    /// A power of two of them.
    words: Box<[u64]>,
    stride: usize,
}

impl PieceFilter {
    /// A filter for these needles: their bytes, and whether they are looked for in strides.
    pub(super) fn of<'n>(needles: impl Iterator<Item = (&'n [u8], bool)> + Clone) -> Self {
        let words = needles.clone().count().next_power_of_two().min(WORDS_MAX);
        let in_strides = needles.clone().filter(|(_, in_strides)| *in_strides).map(|(bytes, _)| bytes.len());
        let pieces_each = (words * 64 / BITS_PER_PIECE).checked_div(in_strides.clone().count()).unwrap_or(1);
        // The shortest needle has a piece at one of so many positions.
        let positions = in_strides.min().unwrap_or(0).saturating_sub(PIECE_BYTES - 1);
        let stride = positions.min(pieces_each).clamp(1, STRIDE_MAX);
        let mut filter = Self { words: vec![0; words].into_boxed_slice(), stride };
        for (bytes, in_strides) in needles {
            for piece in bytes.windows(PIECE_BYTES).take(if in_strides { stride } else { 1 }) {
                let (word, bits) = filter.place(piece);
                if let Some(word) = filter.words.get_mut(word) {
                    *word |= bits;
                }
            }
        }
        filter
    }

    /// The positions at which any needle may begin.
    pub(super) fn candidates(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let pieces = text.windows(PIECE_BYTES).enumerate();
        pieces.filter(|(_, piece)| self.may_contain(piece)).map(|(position, _)| position)
    }

    /// The positions at which a needle may begin that is looked for in strides.
    pub(super) fn candidates_in_strides(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let looks = text.windows(PIECE_BYTES).enumerate().step_by(self.stride);
        let before = |(position, _): (usize, &[u8])| (position + 1).saturating_sub(self.stride)..position + 1;
        let positions = looks.filter(|(_, piece)| self.may_contain(piece)).flat_map(before);
        positions.filter(|position| {
            text.get(*position..*position + PIECE_BYTES).is_some_and(|piece| self.may_contain(piece))
        })
    }

    fn may_contain(&self, piece: &[u8]) -> bool {
        let (word, bits) = self.place(piece);
        self.words.get(word).is_some_and(|word| word & bits == bits)
    }

    /// The word and the bits in it.
    fn place(&self, piece: &[u8]) -> (usize, u64) {
        let hash = piece_of(piece).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let bits = 1 << (hash & 63) | 1 << ((hash >> 6) & 63);
        ((hash >> 12) as usize & self.words.len().wrapping_sub(1), bits)
    }
}

/// A piece as a number; 0 for what is too short for one.
pub(super) fn piece_of(bytes: &[u8]) -> u64 {
    // Read as a whole, not byte by byte.
    let Some([a, b, c, d, e, f]) = bytes.first_chunk::<PIECE_BYTES>() else { return 0 };
    u64::from_le_bytes([*a, *b, *c, *d, *e, *f, 0, 0])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn filter(needles: &[(String, bool)]) -> PieceFilter {
        PieceFilter::of(needles.iter().map(|(needle, in_strides)| (needle.as_bytes(), *in_strides)))
    }

    #[test]
    fn a_stride_is_as_long_as_the_shortest_needle_and_the_filter_allow() {
        let stride = |count: usize, length: usize| filter(&vec![("x".repeat(length), true); count]).stride;
        assert_eq!([stride(1, 6), stride(1, 7), stride(1, 13), stride(1, 100)], [1, 2, 8, 8]);
        assert_eq!([stride(64, 40), stride(128, 40), stride(600, 40)], [8, 4, 1]);
        assert_eq!(filter(&[("short!".to_owned(), false), ("long enough".to_owned(), true)]).stride, 6);
        assert_eq!(filter(&[]).stride, 1);
    }

    #[test]
    fn the_bits_of_a_piece_are_two_of_any() {
        let filter = filter(&vec![("needle".to_owned(), false); 64]);
        let places: Vec<_> = (0..4096).map(|n| filter.place(format!("{n:06}").as_bytes())).collect();
        let of_words: HashSet<_> = places.iter().map(|(word, _)| word).collect();
        let of_bits: HashSet<_> = places.iter().map(|(_, bits)| bits).collect();
        assert_eq!(of_words.len(), 64);
        // Of 64 · 63 / 2 pairs and 64 single bits, where both are the same.
        assert!(of_bits.len() > 1000, "{}", of_bits.len());
        assert!(of_bits.iter().all(|bits| (1..=2).contains(&bits.count_ones())));
    }

    proptest! {
        #[test]
        fn the_position_of_a_needle_is_always_a_candidate(
            needles in proptest::collection::vec(("[a-d]{6,30}", any::<bool>()), 1..20),
            before in "[a-d]{0,50}",
            after in "[a-d]{0,50}",
            which in any::<prop::sample::Index>(),
        ) {
            let (needle, in_strides) = which.get(&needles);
            let text = format!("{before}{needle}{after}");
            let filter = filter(&needles);
            prop_assert!(filter.candidates(text.as_bytes()).any(|position| position == before.len()));
            if *in_strides {
                let mut candidates = filter.candidates_in_strides(text.as_bytes());
                prop_assert!(candidates.any(|position| position == before.len()));
            }
        }

        #[test]
        fn few_positions_of_another_text_are_candidates(text in "[e-z]{300}") {
            let needles: Vec<_> = (0..16).map(|number| (format!("{number:020}"), true)).collect();
            let filter = filter(&needles);
            prop_assert!(filter.candidates_in_strides(text.as_bytes()).count() < 30);
        }
    }
}
