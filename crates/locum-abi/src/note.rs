//! Where a plugin file holds its manifest, so that hosts can read it without running the file.
//!
//! It is an ELF note with the owner [`NAME`] and the type [`TYPE`] in the section [`SECTION`]. The note's description is
//! the manifest's JSON.

/// The section that holds the note.
pub const SECTION: &str = ".note.locum";

/// The note's owner name, zero-terminated and padded to a multiple of four bytes.
pub const NAME: [u8; 8] = *b"Locum\0\0\0";

/// The length of [`NAME`] as ELF counts it: with one closing zero.
pub const NAME_BYTES: u32 = 6;

/// The note's type.
pub const TYPE: u32 = 1;

/// An ELF note with a manifest of `N` bytes, in the layout of the file format.
#[repr(C, align(4))]
#[derive(Debug)]
pub struct ManifestNote<const N: usize> {
    name_bytes: u32,
    description_bytes: u32,
    kind: u32,
    name: [u8; 8],
    description: [u8; N],
}

impl<const N: usize> ManifestNote<N> {
    /// A note that holds this manifest.
    ///
    /// # Panics
    /// During compilation, if the text does not have `N` bytes.
    pub const fn new(manifest: &str) -> Self {
        let bytes = manifest.as_bytes();
        assert!(bytes.len() == N, "N is the manifest's length");
        let mut description = [0; N];
        let mut at = 0;
        while at < N {
            #[expect(clippy::indexing_slicing, reason = "at < N, and the assertion above makes both N long")]
            {
                description[at] = bytes[at];
            }
            at += 1;
        }
        Self { name_bytes: NAME_BYTES, description_bytes: N as u32, kind: TYPE, name: NAME, description }
    }

    /// The manifest's text.
    pub const fn manifest(&self) -> &[u8; N] {
        &self.description
    }
}
