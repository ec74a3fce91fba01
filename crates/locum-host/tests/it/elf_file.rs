//! A plugin file that a test changes: finds program headers, entries of the dynamic section and tables by their meaning.

use std::fs;
use std::ops::Range;

use crate::harness::parrot;

pub(crate) const PT_LOAD: u64 = 1;
pub(crate) const PT_DYNAMIC: u64 = 2;
pub(crate) const PT_TLS: u64 = 7;
pub(crate) const PT_GNU_STACK: u64 = 0x6474_e551;
pub(crate) const PT_GNU_RELRO: u64 = 0x6474_e552;

/// Sizes and offsets of the 64-bit format.
pub(crate) const FILE_HEADER_BYTES: usize = 64;
pub(crate) const PROGRAM_HEADER_BYTES: usize = 56;
pub(crate) const P_FLAGS: usize = 4;
pub(crate) const P_OFFSET: usize = 8;
pub(crate) const P_VADDR: usize = 16;
pub(crate) const P_FILESZ: usize = 32;
pub(crate) const P_MEMSZ: usize = 40;
pub(crate) const P_ALIGN: usize = 48;

pub(crate) const SECTION_HEADER_BYTES: usize = 64;
pub(crate) const SH_TYPE: usize = 4;
pub(crate) const SH_FLAGS: usize = 8;
pub(crate) const SH_ADDR: usize = 16;
pub(crate) const SH_OFFSET: usize = 24;
pub(crate) const SH_SIZE: usize = 32;

#[derive(Clone)]
pub(crate) struct ElfFile {
    pub(crate) bytes: Vec<u8>,
}

impl ElfFile {
    pub(crate) fn parrot() -> Self {
        let mut file = Self { bytes: fs::read(parrot()).unwrap() };
        file.drop_debug_information();
        file
    }

    /// Cuts off what is not mapped, which is most of a debug build, so that copies are made quickly. The section headers of
    /// what is mapped stay.
    fn drop_debug_information(&mut self) {
        let sections = self.number(40, 8) as usize;
        let headers: Vec<usize> =
            (0..self.number(60, 2) as usize).map(|index| sections + 64 * index).collect();
        let mut table = self.bytes[sections..sections + 64 * headers.len()].to_vec();
        let names = headers[self.number(62, 2) as usize];
        let (names_at, names_size) =
            (self.number(names + 24, 8) as usize, self.number(names + 32, 8) as usize);
        let names_bytes = self.bytes[names_at..names_at + names_size].to_vec();
        let ends = self
            .headers_of(PT_LOAD)
            .into_iter()
            .map(|at| self.number(at + P_OFFSET, 8) + self.number(at + P_FILESZ, 8));
        let end = (ends.max().unwrap() as usize).next_multiple_of(8);
        for header in &headers {
            let at = header - sections;
            let is_mapped = self.number(header + 8, 8) & 2 != 0;
            if *header == names {
                table[at + 24..at + 32].copy_from_slice(&(end as u64).to_le_bytes());
            } else if !is_mapped {
                table[at + 4..at + 64].fill(0);
            }
        }
        self.bytes.truncate(end);
        self.bytes.extend(names_bytes);
        let sections = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(sections, 0);
        self.bytes.extend(table);
        self.set_u64(40, sections as u64);
    }

    /// The parrot without section headers, as `sstrip` writes it: the loader needs none.
    pub(crate) fn parrot_without_sections() -> Self {
        let mut file = Self::parrot();
        file.set_u64(40, 0);
        file.set(58, &[0; 6]);
        file
    }

    /// A little-endian number of this many bytes.
    pub(crate) fn number(&self, at: usize, bytes: usize) -> u64 {
        self.bytes[at..at + bytes].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    pub(crate) fn set(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn set_u64(&mut self, at: usize, value: u64) {
        self.set(at, &value.to_le_bytes());
    }

    pub(crate) fn set_u32(&mut self, at: usize, value: u32) {
        self.set(at, &value.to_le_bytes());
    }

    pub(crate) fn program_headers(&self) -> Range<usize> {
        let start = self.number(32, 8) as usize;
        start..start + PROGRAM_HEADER_BYTES * self.number(56, 2) as usize
    }

    /// Where the program headers of this type are.
    pub(crate) fn headers_of(&self, kind: u64) -> Vec<usize> {
        let all = self.program_headers().step_by(PROGRAM_HEADER_BYTES);
        all.filter(|at| self.number(*at, 4) == kind).collect()
    }

    /// Where the only program header of this type is.
    pub(crate) fn header_of(&self, kind: u64) -> usize {
        let found = self.headers_of(kind);
        assert_eq!(found.len(), 1, "{kind:#x}");
        found[0]
    }

    /// Where the program header of the segment with these flags is.
    pub(crate) fn segment_with(&self, flags: u64) -> usize {
        let loaded = self.headers_of(PT_LOAD);
        loaded.into_iter().find(|at| self.number(at + P_FLAGS, 4) == flags).unwrap()
    }

    /// Where the first section header of this type with all of these flags is.
    pub(crate) fn section_of(&self, kind: u64, flags: u64) -> usize {
        let start = self.number(40, 8) as usize;
        let headers = (0..self.number(60, 2) as usize).map(|index| start + SECTION_HEADER_BYTES * index);
        let is_wanted = |at: &usize| {
            self.number(at + SH_TYPE, 4) == kind && self.number(at + SH_FLAGS, 8) & flags == flags
        };
        headers.into_iter().find(is_wanted).unwrap_or_else(|| panic!("no section {kind:#x}"))
    }

    /// Where the bytes at this address are in the file.
    pub(crate) fn offset_of(&self, address: u64) -> usize {
        let found = self.headers_of(PT_LOAD).into_iter().find_map(|at| {
            let (start, bytes) = (self.number(at + P_VADDR, 8), self.number(at + P_FILESZ, 8));
            let inside = (start..start + bytes).contains(&address);
            inside.then(|| self.number(at + P_OFFSET, 8) + address - start)
        });
        found.unwrap() as usize
    }

    pub(crate) fn dynamic_section(&self) -> Range<usize> {
        let header = self.header_of(PT_DYNAMIC);
        let start = self.number(header + P_OFFSET, 8) as usize;
        start..start + self.number(header + P_FILESZ, 8) as usize
    }

    /// Where the entry with this tag of the dynamic section is.
    pub(crate) fn entry(&self, tag: u64) -> usize {
        self.find_entry(tag).unwrap_or_else(|| panic!("no entry {tag:#x}"))
    }

    pub(crate) fn find_entry(&self, tag: u64) -> Option<usize> {
        self.dynamic_section().step_by(16).find(|at| self.number(*at, 8) == tag)
    }

    pub(crate) fn value(&self, tag: u64) -> u64 {
        self.number(self.entry(tag) + 8, 8)
    }

    pub(crate) fn set_value(&mut self, tag: u64, value: u64) {
        let at = self.entry(tag);
        self.set_u64(at + 8, value);
    }

    /// Replaces an entry that the loader can do without.
    pub(crate) fn replace_entry(&mut self, tag: u64, new_tag: u64, value: u64) {
        let at = self.entry(tag);
        self.set_u64(at, new_tag);
        self.set_u64(at + 8, value);
    }

    /// The offset in the file of the table to which this entry points.
    pub(crate) fn table(&self, tag: u64) -> usize {
        self.offset_of(self.value(tag))
    }
}
