//! A shared library that does nothing, as bytes: what a linker would write for one empty function.
//!
//! It has what plugins have and the system's loader acts on: a segment of each kind, a needed library, a relocation,
//! memory that becomes read-only after it, thread-local memory, and a function that runs when it is opened.

/// Bytes of a page, and of each segment in the file.
const PAGE: usize = 0x1000;

/// Where the segments begin, in the file and in memory.
const CODE: usize = PAGE;
const DYNAMIC: usize = 2 * PAGE;
const DATA: usize = 3 * PAGE;

/// Where the tables begin that the dynamic section points to.
const HASH: usize = 0x300;
const SYMBOLS: usize = 0x320;
const STRINGS: usize = 0x340;
const RELOCATIONS: usize = 0x360;

const TEXT: &[u8] = b"\0libc.so.6\0";
const SYMBOL_BYTES: usize = 24;
const RELOCATION_BYTES: usize = 24;
const FILE_HEADER_BYTES: u16 = 64;
const PROGRAM_HEADER_BYTES: u16 = 56;

const READ: u32 = 4;
const READ_WRITE: u32 = 6;
const READ_EXECUTE: u32 = 5;

/// The program headers: type, rights, start in file and memory, bytes in the file, bytes in memory.
const SEGMENTS: [(u32, u32, usize, usize, usize); 8] = [
    (1, READ, 0, PAGE, PAGE),
    (1, READ_EXECUTE, CODE, 16, 16),
    (1, READ_WRITE, DYNAMIC, 2 * PAGE, 3 * PAGE),
    // PT_DYNAMIC.
    (2, READ_WRITE, DYNAMIC, DYNAMIC_ENTRIES.len() * 16, DYNAMIC_ENTRIES.len() * 16),
    // PT_TLS: 64 bytes for each thread.
    (7, READ, DATA, 0, 64),
    // PT_GNU_STACK: not executable.
    (0x6474_e551, READ_WRITE, 0, 0, 0),
    // PT_GNU_RELRO.
    (0x6474_e552, READ, DYNAMIC, PAGE, PAGE),
    // PT_NULL.
    (0, 0, 0, 0, 0),
];

/// The dynamic section: tag and value.
const DYNAMIC_ENTRIES: [(u64, usize); 13] = [
    // DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT.
    (1, 1),
    (4, HASH),
    (5, STRINGS),
    (6, SYMBOLS),
    (10, TEXT.len()),
    (11, SYMBOL_BYTES),
    // DT_RELA, DT_RELASZ, DT_RELAENT: the address of the function below.
    (7, RELOCATIONS),
    (8, RELOCATION_BYTES),
    (9, RELOCATION_BYTES),
    // DT_INIT_ARRAY, DT_INIT_ARRAYSZ.
    (25, DATA),
    (27, 8),
    // DT_FLAGS: DF_BIND_NOW.
    (30, 8),
    (0, 0),
];

/// The library.
pub(super) fn trial_library() -> Vec<u8> {
    let mut library = vec![0; 4 * PAGE];
    put(&mut library, 0, &file_header());
    for (header, at) in SEGMENTS.into_iter().zip(0..) {
        let start = usize::from(FILE_HEADER_BYTES) + at * usize::from(PROGRAM_HEADER_BYTES);
        put(&mut library, start, &program_header(header));
    }
    // One bucket and one symbol, the empty one.
    put(&mut library, HASH, &[1, 0, 0, 0, 1]);
    put(&mut library, STRINGS, TEXT);
    // R_X86_64_RELATIVE at the start of the data: the code's address.
    put(&mut library, RELOCATIONS, &[number(DATA), 8, number(CODE)].map(u64::to_le_bytes).concat());
    for ((tag, value), at) in DYNAMIC_ENTRIES.into_iter().zip(0..) {
        put(&mut library, DYNAMIC + at * 16, &[tag, number(value)].map(u64::to_le_bytes).concat());
    }
    // ret
    put(&mut library, CODE, &[0xc3]);
    library
}

fn file_header() -> Vec<u8> {
    [
        // 64 bits, little-endian, version 1; a shared object for x86_64.
        &b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0"[..],
        // No entry, the program headers, no sections, no flags.
        &[0, u64::from(FILE_HEADER_BYTES), 0].map(u64::to_le_bytes).concat(),
        &[0; 4],
        &[FILE_HEADER_BYTES, PROGRAM_HEADER_BYTES, 8, 0, 0, 0].map(u16::to_le_bytes).concat(),
    ]
    .concat()
}

fn program_header((kind, rights, start, in_file, in_memory): (u32, u32, usize, usize, usize)) -> Vec<u8> {
    let sizes = [start, start, start, in_file, in_memory, PAGE].map(number).map(u64::to_le_bytes);
    [&kind.to_le_bytes()[..], &rights.to_le_bytes(), &sizes.concat()].concat()
}

/// Every number here is small.
fn number(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn put(library: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = library.get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use object::LittleEndian;
    use object::elf::{PT_DYNAMIC, PT_LOAD, ProgramType};
    use object::read::elf::{ElfFile64, ProgramHeader as _};

    use super::*;

    #[test]
    fn the_headers_describe_the_whole_file_and_a_page_of_zeros_after_it() {
        let library = trial_library();
        let file = ElfFile64::<LittleEndian>::parse(&*library).unwrap();
        let ranges = |kind: ProgramType| {
            let headers = file.elf_program_headers().iter();
            let headers = headers.filter(move |header| header.p_type(LittleEndian) == kind);
            headers.map(|header| {
                let sizes = [
                    header.p_offset(LittleEndian),
                    header.p_filesz(LittleEndian),
                    header.p_memsz(LittleEndian),
                ];
                sizes.map(|size| usize::try_from(size).unwrap())
            })
        };
        let [start, in_file, in_memory] = ranges(PT_LOAD).next_back().unwrap();
        assert_eq!((start + in_file, in_memory - in_file), (library.len(), PAGE));
        let [start, in_file, in_memory] = ranges(PT_DYNAMIC).next().unwrap();
        assert_eq!(in_file, in_memory);
        let (entries, _) = library[start..start + in_file].as_chunks::<16>();
        assert!(entries.split_last().is_some_and(|(end, entries)| {
            *end == [0; 16] && entries.iter().all(|entry| *entry != [0; 16])
        }));
    }

    #[test]
    fn the_tables_do_not_overlap() {
        let headers = usize::from(FILE_HEADER_BYTES) + SEGMENTS.len() * usize::from(PROGRAM_HEADER_BYTES);
        let tables = [
            (0, headers),
            (HASH, 16),
            (SYMBOLS, SYMBOL_BYTES),
            (STRINGS, TEXT.len()),
            (RELOCATIONS, RELOCATION_BYTES),
            (PAGE, 0),
        ];
        for [(start, bytes), (next, _)] in tables.array_windows() {
            assert!(start + bytes <= *next, "{start:#x}");
        }
    }
}
