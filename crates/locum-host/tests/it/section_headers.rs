//! Section headers that say something else than what the system's loader reads: the loader ignores them, so a difference
//! means that somebody changed what it does read.

use locum_host::LoadErrorCode;

use crate::elf_file::{ElfFile, SH_ADDR, SH_FLAGS, SH_OFFSET, SH_SIZE, SH_TYPE};
use crate::loader_tables::{FINI, INIT, PLTRELSZ, RELASZ, accepted, changed, refused};

const PROGBITS: u64 = 1;
const STRTAB: u64 = 3;
const RELA: u64 = 4;
const DYNAMIC: u64 = 6;
const NOBITS: u64 = 8;
const DYNSYM: u64 = 11;
const INIT_ARRAY: u64 = 14;
const FINI_ARRAY: u64 = 15;
const RELR: u32 = 19;
const GNU_HASH: u64 = 0x6fff_fff6;
const GNU_VERNEED: u64 = 0x6fff_fffe;
const GNU_VERSYM: u64 = 0x6fff_ffff;

const WRITE: u64 = 1;
const ALLOC: u64 = 2;
const EXECINSTR: u64 = 4;
const TLS: u64 = 0x400;

fn contradicts(file: &ElfFile) {
    refused(file, LoadErrorCode::Damaged, "contradicts the section");
}

/// A file in which a number of the section's header has something added.
fn with(kind: u64, flags: u64, changes: &[(usize, i64)]) -> ElfFile {
    changed(|file| {
        let header = file.section_of(kind, ALLOC | flags);
        for (field, more) in changes {
            let value = file.number(header + field, 8).wrapping_add_signed(*more);
            file.set_u64(header + field, value);
        }
    })
}

#[test]
fn tables_that_contradict_the_section_headers_are_refused() {
    for tag in [RELASZ, PLTRELSZ] {
        contradicts(&changed(|file| file.set_value(tag, file.value(tag) - 24)));
    }
    for tag in [INIT, FINI] {
        contradicts(&changed(|file| file.set_value(tag, file.value(tag) + 1)));
    }
}

#[test]
fn a_section_that_starts_elsewhere_than_its_table_is_refused() {
    // Still mapped, and within the table.
    for kind in [STRTAB, DYNAMIC, GNU_HASH, GNU_VERSYM, GNU_VERNEED] {
        contradicts(&with(kind, 0, &[(SH_ADDR, 1), (SH_OFFSET, 1), (SH_SIZE, -1)]));
    }
    // As many symbols, from the second on.
    contradicts(&with(DYNSYM, 0, &[(SH_ADDR, 24), (SH_OFFSET, 24)]));
}

#[test]
fn a_section_that_is_larger_than_its_table_is_refused() {
    for (kind, bytes) in [(STRTAB, 1), (RELA, 1 << 16), (INIT_ARRAY, 8), (FINI_ARRAY, 24)] {
        contradicts(&with(kind, 0, &[(SH_SIZE, bytes)]));
    }
    for (kind, bytes) in [(STRTAB, 1), (RELA, 24), (INIT_ARRAY, 8)] {
        accepted(&with(kind, 0, &[(SH_SIZE, -bytes)]));
    }
}

#[test]
fn a_section_of_symbols_has_all_of_them() {
    accepted(&with(DYNSYM, 0, &[(SH_SIZE, 24)]));
    contradicts(&with(DYNSYM, 0, &[(SH_SIZE, -24)]));
}

#[test]
fn a_section_of_a_table_that_the_loader_does_not_know_is_refused() {
    let file = changed(|file| {
        let header = file.section_of(PROGBITS, ALLOC);
        file.set_u32(header + SH_TYPE, RELR);
    });
    contradicts(&file);
}

#[test]
fn a_section_at_another_place_of_the_file_is_refused() {
    for flags in [0, EXECINSTR, WRITE, TLS] {
        contradicts(&with(PROGBITS, flags, &[(SH_OFFSET, 8)]));
    }
}

#[test]
fn a_section_without_the_access_that_it_needs_is_refused() {
    for flags in [WRITE, EXECINSTR, TLS] {
        // Read-only data.
        let more = i64::try_from(flags).unwrap();
        contradicts(&with(PROGBITS, 0x10, &[(SH_FLAGS, more)]));
    }
}

#[test]
fn a_section_of_zeros_that_is_nowhere_is_refused() {
    let far = 1 << 40;
    for flags in [0, TLS] {
        contradicts(&with(NOBITS, flags, &[(SH_ADDR, far)]));
    }
    // Nobody needs to write to it.
    contradicts(&with(NOBITS, WRITE, &[(SH_ADDR, far), (SH_FLAGS, -1)]));
    contradicts(&with(NOBITS, TLS, &[(SH_SIZE, 1 << 17)]));
}
