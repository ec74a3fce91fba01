//! What a plugin file tells the system's loader: each instruction and each address that could make the loader run, read
//! or write something that the pin does not cover is refused, when the file is inspected and when it is loaded.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use locum_host::{LoadErrorCode, inspect};

use crate::elf_file::{
    ElfFile, FILE_HEADER_BYTES, P_ALIGN, P_FILESZ, P_FLAGS, P_MEMSZ, P_OFFSET, P_VADDR, PROGRAM_HEADER_BYTES,
    PT_DYNAMIC, PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, PT_TLS,
};
use crate::harness::{TestDirectory, app, load, misbehaving, parrot};

const NEEDED: u64 = 1;
pub(crate) const PLTRELSZ: u64 = 2;
const PLTGOT: u64 = 3;
const STRTAB: u64 = 5;
const SYMTAB: u64 = 6;
const RELA: u64 = 7;
pub(crate) const RELASZ: u64 = 8;
const RELAENT: u64 = 9;
const STRSZ: u64 = 10;
const SYMENT: u64 = 11;
pub(crate) const INIT: u64 = 12;
pub(crate) const FINI: u64 = 13;
const SONAME: u64 = 14;
const PLTREL: u64 = 20;
const TEXTREL: u64 = 22;
const JMPREL: u64 = 23;
const INIT_ARRAY: u64 = 25;
const FINI_ARRAY: u64 = 26;
const INIT_ARRAYSZ: u64 = 27;
const FINI_ARRAYSZ: u64 = 28;
const FLAGS: u64 = 30;
const GNU_HASH: u64 = 0x6fff_fef5;
const VERSYM: u64 = 0x6fff_fff0;
const RELACOUNT: u64 = 0x6fff_fff9;
const FLAGS_1: u64 = 0x6fff_fffb;
const VERDEF: u64 = 0x6fff_fffc;
const VERNEED: u64 = 0x6fff_fffe;

/// An address that no plugin has.
const FAR: u64 = 0x7fff_0000_0000;

/// Expects the changed file to be refused with this code and cause, both when it is inspected and when it is loaded.
pub(crate) fn refused(file: &ElfFile, code: LoadErrorCode, cause: &str) {
    let directory = TestDirectory::new();
    let path = directory.file("libchanged.so", &file.bytes);
    let inspected = inspect(&path).expect_err(cause);
    let loaded = load(&path).err().expect(cause);
    assert_eq!(inspected, loaded);
    assert_eq!(loaded.code, code, "{loaded}");
    assert!(loaded.cause.contains(cause), "expected {cause}: {loaded}");
}

pub(crate) fn accepted(file: &ElfFile) {
    let directory = TestDirectory::new();
    let path = directory.file("libchanged.so", &file.bytes);
    assert!(inspect(&path).is_ok());
    if let Err(error) = load(&path) {
        panic!("{error}");
    }
}

pub(crate) fn changed(change: impl FnOnce(&mut ElfFile)) -> ElfFile {
    let mut file = ElfFile::parrot();
    change(&mut file);
    file
}

/// The same change in a file without section headers, so that nothing can be compared with them.
fn changed_without_sections(change: impl FnOnce(&mut ElfFile)) -> ElfFile {
    let mut file = ElfFile::parrot_without_sections();
    change(&mut file);
    file
}

#[test]
fn the_plugins_as_built_are_accepted_and_their_libraries_shown() {
    for file in [app(), parrot(), misbehaving()] {
        let elf = inspect(file).unwrap().elf;
        assert!(elf.libraries.contains(&"libc.so.6".to_owned()), "{elf:?}");
        assert!(elf.relro, "{elf:?}");
    }
}

#[test]
fn a_file_without_section_headers_is_accepted() {
    accepted(&ElfFile::parrot_without_sections());
}

#[test]
fn a_library_that_no_pin_covers_is_refused() {
    let directory = TestDirectory::new();
    let path = directory.parrot_with("libx.so", &[("libgcc_s.so.1\0", "libgcc_q.so.1\0")]);
    for error in [inspect(&path).unwrap_err(), load(&path).err().unwrap()] {
        assert_eq!(error.code, LoadErrorCode::LibraryNotAllowed);
        assert_eq!(error.cause, "it needs the library `libgcc_q.so.1`, which no pin covers");
    }
    // An allowed name with a directory is a file of someone's choice.
    let path = directory.parrot_with("liby.so", &[("libgcc_s.so.1\0", "/tm/libc.so.6\0")]);
    assert_eq!(inspect(&path).unwrap_err().code, LoadErrorCode::LibraryNotAllowed);
}

#[test]
fn instructions_that_make_the_loader_search_or_replace_libraries_are_refused() {
    for (tag, name) in [
        (15, "RPATH"),
        (29, "RUNPATH"),
        (0x6fff_fefc, "AUDIT"),
        (0x6fff_fefb, "DEPAUDIT"),
        (0x7fff_ffff, "FILTER"),
        (0x7fff_fffd, "AUXILIARY"),
    ] {
        let file = changed(|file| file.replace_entry(FLAGS_1, tag, 1));
        refused(&file, LoadErrorCode::LoaderDirective, &format!("the instruction {name} to"));
    }
    for tag in [21, 32, 0x6000_000d, u64::MAX] {
        let file = changed(|file| file.replace_entry(FLAGS_1, tag, 1));
        refused(&file, LoadErrorCode::LoaderDirective, "an unknown instruction");
    }
    // GLOBAL, GROUP, INITFIRST, NOOPEN, ORIGIN, INTERPOSE, NODEFLIB, PIE.
    for flag in [2, 4, 0x20, 0x40, 0x80, 0x400, 0x800, 0x0800_0000] {
        let file = changed(|file| file.set_value(FLAGS_1, 1 | flag));
        refused(&file, LoadErrorCode::LoaderDirective, "sets flags");
    }
    refused(&changed(|file| file.set_value(FLAGS, 8 | 1)), LoadErrorCode::LoaderDirective, "sets flags");
    accepted(&changed(|file| file.set_value(FLAGS_1, 1 | 8)));
}

#[test]
fn a_file_that_takes_the_name_of_another_library_is_refused() {
    let libc = |file: &ElfFile| {
        let names = file.bytes.windows(10).position(|window| window == b"libc.so.6\0").unwrap();
        (names - file.table(STRTAB)) as u64
    };
    let named = changed(|file| file.replace_entry(FLAGS_1, SONAME, libc(file)));
    refused(&named, LoadErrorCode::LoaderDirective, "(SONAME) `libc.so.6`");
    accepted(&changed(|file| file.replace_entry(FLAGS_1, SONAME, libc(file) + 1)));
    refused(
        &changed(|file| file.replace_entry(FLAGS_1, SONAME, file.value(STRSZ))),
        LoadErrorCode::Damaged,
        "outside the file",
    );
}

#[test]
fn code_that_must_be_made_writable_is_refused() {
    let entry = changed(|file| file.replace_entry(FLAGS_1, TEXTREL, 0));
    refused(&entry, LoadErrorCode::WritableAndExecutable, "TEXTREL");
    let flag = changed(|file| file.set_value(FLAGS, 8 | 4));
    refused(&flag, LoadErrorCode::WritableAndExecutable, "TEXTREL");
    accepted(&changed(|file| file.set_value(FLAGS, 8 | 2)));
}

#[test]
fn an_executable_stack_is_refused_and_so_is_none_stated() {
    let executable = changed(|file| {
        let at = file.header_of(PT_GNU_STACK);
        file.set_u32(at + P_FLAGS, 7);
    });
    refused(&executable, LoadErrorCode::WritableAndExecutable, "asks for an executable stack");
    let unstated = changed(|file| {
        let at = file.header_of(PT_GNU_STACK);
        file.set_u32(at, 0);
    });
    refused(&unstated, LoadErrorCode::WritableAndExecutable, "no PT_GNU_STACK");
    accepted(&changed(|file| {
        let at = file.header_of(PT_GNU_STACK);
        file.set_u32(at + P_FLAGS, 4);
    }));
}

#[test]
fn a_segment_that_is_writable_and_executable_is_refused() {
    for flags in [5, 6] {
        let file = changed(|file| {
            let at = file.segment_with(flags);
            file.set_u32(at + P_FLAGS, 7);
        });
        refused(&file, LoadErrorCode::WritableAndExecutable, "a segment is both writable and executable");
    }
}

#[test]
fn a_table_outside_the_file_is_refused() {
    let file = ElfFile::parrot();
    let length = file.bytes.len() as u64;
    let last = *file.headers_of(PT_LOAD).last().unwrap();
    // The first address after the image.
    let end = file.number(last + P_VADDR, 8) + file.number(last + P_MEMSZ, 8);
    for tag in
        [STRTAB, SYMTAB, RELA, JMPREL, INIT, FINI, INIT_ARRAY, FINI_ARRAY, GNU_HASH, VERSYM, VERNEED, PLTGOT]
    {
        for address in [FAR, u64::MAX, u64::MAX - 15, end] {
            let change = |file: &mut ElfFile| file.set_value(tag, address);
            refused(&changed_without_sections(change), LoadErrorCode::Damaged, "");
            refused(&changed(change), LoadErrorCode::Damaged, "");
        }
    }
    for tag in [STRSZ, RELASZ, PLTRELSZ, INIT_ARRAYSZ, FINI_ARRAYSZ] {
        for bytes in [length.next_multiple_of(24), u64::MAX, u64::MAX - 7] {
            let change = |file: &mut ElfFile| file.set_value(tag, bytes);
            refused(&changed_without_sections(change), LoadErrorCode::Damaged, "");
        }
    }
}

#[test]
fn a_table_with_entries_of_another_size_is_refused() {
    for (tag, value) in [(SYMENT, 16), (RELAENT, 16), (PLTREL, 17), (RELASZ, 23), (INIT_ARRAYSZ, 9)] {
        let file = changed_without_sections(|file| file.set_value(tag, value));
        refused(&file, LoadErrorCode::Damaged, "");
    }
}

#[test]
fn data_in_place_of_code_is_never_called() {
    // Each address is in the file, but in a segment that is not executable.
    for tag in [INIT, FINI] {
        let file = changed_without_sections(|file| file.set_value(tag, file.value(SYMTAB)));
        refused(&file, LoadErrorCode::Damaged, "is not code of the file");
    }
    for list in [INIT_ARRAY, FINI_ARRAY] {
        // The relocation of the first function gets the address of a table as its target.
        let file = changed(|file| {
            let at = relocation_of(file, file.value(list));
            file.set_u64(at + 16, file.value(SYMTAB));
        });
        refused(&file, LoadErrorCode::Damaged, "is not code of the file");
    }
}

#[test]
fn a_function_that_is_not_relocated_is_refused() {
    let file = changed_without_sections(|file| {
        let at = relocation_of(file, file.value(INIT_ARRAY));
        file.set_u64(at, file.value(PLTGOT));
    });
    refused(&file, LoadErrorCode::Damaged, "a list of functions");
}

/// Where the relocation of the word at this address is.
fn relocation_of(file: &ElfFile, address: u64) -> usize {
    let table = file.table(RELA);
    let entries = (table..table + file.value(RELASZ) as usize).step_by(24);
    entries.into_iter().find(|at| file.number(*at, 8) == address).unwrap()
}

#[test]
fn a_relocation_that_writes_elsewhere_is_refused() {
    let code = |file: &ElfFile| file.value(INIT);
    let dynamic = |file: &ElfFile| file.number(file.header_of(PT_DYNAMIC) + P_VADDR, 8);
    for table in [RELA, JMPREL] {
        for address in [&(|_: &ElfFile| FAR) as &dyn Fn(&ElfFile) -> u64, &code, &dynamic, &|_| u64::MAX - 3]
        {
            let file = changed(|file| file.set_u64(file.table(table), address(file)));
            refused(&file, LoadErrorCode::Damaged, "writes outside the data");
        }
    }
}

#[test]
fn a_relocation_of_another_type_or_symbol_is_refused() {
    // NONE, COPY, IRELATIVE, SIZE64 and one that does not exist.
    for kind in [0, 5, 37, 33, 200] {
        let file = changed(|file| file.set_u32(file.table(JMPREL) + 8, kind));
        refused(&file, LoadErrorCode::Damaged, &format!("has the type {kind}"));
    }
    // DTPMOD64 of a function.
    let thread_local = changed(|file| file.set_u32(file.table(JMPREL) + 8, 16));
    refused(&thread_local, LoadErrorCode::Damaged, "thread-local data for other data");
    for symbol in [0, 1000, u32::MAX] {
        let file = changed(|file| file.set_u32(file.table(JMPREL) + 12, symbol));
        refused(&file, LoadErrorCode::Damaged, "a symbol that does not exist");
    }
    let count = changed(|file| file.set_value(RELACOUNT, file.value(RELACOUNT) + 1));
    refused(&count, LoadErrorCode::Damaged, "the number of relative relocations");
    accepted(&changed(|file| file.set_value(RELACOUNT, file.value(RELACOUNT) - 1)));
}

/// Where the symbol with this name is.
fn symbol(file: &ElfFile, wanted: &[u8]) -> usize {
    let (symbols, names) = (file.table(SYMTAB), file.table(STRTAB));
    (symbols..)
        .step_by(24)
        .find(|at| {
            let name = names + file.number(*at, 4) as usize;
            file.bytes[name..].starts_with(wanted)
        })
        .unwrap()
}

const ENTRY: &[u8] = b"_1as_0lib_1header";

#[test]
fn a_symbol_outside_the_file_is_refused() {
    let name = changed(|file| file.set_u32(symbol(file, b"memcpy"), file.value(STRSZ) as u32));
    refused(&name, LoadErrorCode::Damaged, "the name of a symbol is outside the file");
    for value in [FAR, u64::MAX] {
        let file = changed(|file| file.set_u64(symbol(file, ENTRY) + 8, value));
        refused(&file, LoadErrorCode::Damaged, "is outside the file");
    }
    // Local, hidden.
    for (at, value) in [(4, 0x02), (5, 2)] {
        let file = changed(|file| file.set(symbol(file, b"memcpy") + at, &[value]));
        refused(&file, LoadErrorCode::Damaged, "is neither defined nor imported");
    }
}

#[test]
fn an_entry_that_is_not_data_is_refused() {
    // A function, thread-local data, an indirect function.
    for (kind, code) in
        [(2, LoadErrorCode::NotAPlugin), (6, LoadErrorCode::Damaged), (10, LoadErrorCode::Damaged)]
    {
        let file = changed(|file| file.set(symbol(file, ENTRY) + 4, &[0x10 | kind]));
        refused(&file, code, "");
    }
    let file = changed(|file| {
        let at = symbol(file, ENTRY) + 8;
        file.set_u64(at, file.number(at, 8) + 4);
    });
    refused(&file, LoadErrorCode::NotAPlugin, "the entry of the plugin is not data");
}

#[test]
fn a_malformed_hash_table_is_refused() {
    // Buckets, first symbol, words of the filter.
    for (at, value) in [(0, 0), (0, u32::MAX), (4, u32::MAX), (8, 3), (8, 0), (8, 1 << 31)] {
        let file = changed(|file| file.set_u32(file.table(GNU_HASH) + at, value));
        refused(&file, LoadErrorCode::Damaged, "");
    }
    let bucket =
        |file: &ElfFile| file.table(GNU_HASH) + 16 + 8 * file.number(file.table(GNU_HASH) + 8, 4) as usize;
    for first in [1, 100_000, u32::MAX] {
        let file = changed(|file| file.set_u32(bucket(file), first));
        refused(&file, LoadErrorCode::Damaged, "");
    }
}

#[test]
fn malformed_versions_are_refused() {
    // Of the first library: its version, its name, its list, the next library.
    for (at, value) in [(0, 2), (4, 1), (8, u32::MAX), (12, u32::MAX), (12, 1)] {
        let file = changed_without_sections(|file| file.set_u32(file.table(VERNEED) + at, value));
        refused(&file, LoadErrorCode::Damaged, "");
    }
    let defined = changed(|file| file.replace_entry(FLAGS_1, VERDEF, FAR));
    refused(&defined, LoadErrorCode::Damaged, "the table 0x6ffffffc has no");
    let index = changed(|file| file.set(file.table(VERSYM) + 2, &[0xff, 0x7f]));
    refused(&index, LoadErrorCode::Damaged, "the table of versions is malformed");
}

#[test]
fn segments_that_the_loader_would_map_wrongly_are_refused() {
    for (kind, field, value) in [
        (PT_LOAD, P_VADDR, FAR),
        (PT_LOAD, P_OFFSET, u64::MAX),
        (PT_LOAD, P_FILESZ, FAR),
        (PT_LOAD, P_MEMSZ, 1),
        (PT_LOAD, P_MEMSZ, FAR),
        (PT_LOAD, P_ALIGN, 0),
        (PT_LOAD, P_ALIGN, 3),
        (PT_LOAD, P_ALIGN, 1 << 40),
        (PT_DYNAMIC, P_VADDR, 0),
        (PT_DYNAMIC, P_FILESZ, 16),
        (PT_DYNAMIC, P_FLAGS, 4),
        (PT_TLS, P_VADDR, 8),
        (PT_TLS, P_MEMSZ, FAR),
        (PT_TLS, P_MEMSZ, 0),
        (PT_TLS, P_ALIGN, 3),
        (PT_GNU_RELRO, P_MEMSZ, FAR),
        (PT_GNU_RELRO, P_VADDR, 0),
    ] {
        for header in ElfFile::parrot().headers_of(kind) {
            let file = changed(|file| match field {
                P_FLAGS => file.set_u32(header + field, value as u32),
                _ => file.set_u64(header + field, value),
            });
            refused(&file, LoadErrorCode::Damaged, "");
        }
    }
    for kind in [PT_DYNAMIC, PT_TLS, PT_GNU_RELRO] {
        let file = changed(|file| {
            // The stack's header becomes a second one of this type; a stack is then not stated, but that is checked later.
            let (from, to) = (file.header_of(kind), file.header_of(PT_GNU_STACK));
            let header = file.bytes[from..from + PROGRAM_HEADER_BYTES].to_vec();
            file.set(to, &header);
        });
        refused(&file, LoadErrorCode::Damaged, "two program headers");
    }
}

#[test]
fn a_segment_that_ends_after_the_file_or_after_its_memory_is_refused() {
    let last = |file: &ElfFile| *file.headers_of(PT_LOAD).last().unwrap();
    let longer = changed_without_sections(|file| {
        let (at, beyond) = (last(file), file.bytes.len() as u64);
        file.set_u64(at + P_FILESZ, beyond);
        file.set_u64(at + P_MEMSZ, beyond);
    });
    refused(&longer, LoadErrorCode::Damaged, "the file ends before its last segment");
    let smaller = changed_without_sections(|file| {
        let at = last(file);
        file.set_u64(at + P_MEMSZ, file.number(at + P_FILESZ, 8) - 1);
    });
    refused(&smaller, LoadErrorCode::Damaged, "larger in the file than in memory");
    accepted(&changed_without_sections(|file| {
        let at = last(file);
        file.set_u64(at + P_MEMSZ, file.number(at + P_MEMSZ, 8) + 1);
    }));
}

#[test]
fn a_bss_in_memory_that_is_not_writable_is_refused() {
    for flags in [4, 5] {
        let file = changed(|file| {
            let at = file.segment_with(flags);
            file.set_u64(at + P_MEMSZ, file.number(at + P_MEMSZ, 8) + 1);
        });
        refused(&file, LoadErrorCode::Damaged, "not writable is larger in memory");
    }
}

/// Set in the child process.
const CHILD: &str = "LOCUM_TEST_CHANGED_PLUGINS";
const CHILD_LOG: &str = "log";
const CHANGES: u64 = 300;

/// Changes bytes that the loader believes. A change that `inspect` accepts must load or be refused by the loader: a child
/// process that died of a signal would be the server.
///
/// Left alone are bytes that say what code and data are and not where: code, data, addends and the symbols of
/// relocations. A plugin that differs there is another plugin, for which the pin stands.
#[test]
fn no_change_of_what_the_loader_reads_ends_the_process() {
    if let Ok(directory) = std::env::var(CHILD) {
        return load_changed(Path::new(&directory));
    }
    let directory = TestDirectory::new();
    let mut child = Command::new("sh");
    child.args(["-c", "ulimit -c 0; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
    child.args(["--exact", "loader_tables::no_change_of_what_the_loader_reads_ends_the_process"]);
    let output = child.env(CHILD, directory.path()).output().unwrap();
    let log = fs::read_to_string(directory.path().join(CHILD_LOG)).unwrap();
    let last = log.lines().last().unwrap();
    assert_eq!(output.status.signal(), None, "{last}");
    assert!(output.status.success(), "{last}: {}", String::from_utf8_lossy(&output.stdout));
    let summary = last.strip_prefix("changes:").unwrap();
    let count = |name: &str| -> u64 {
        let at = summary.find(name).unwrap() + name.len();
        summary[at..].split_whitespace().next().unwrap().parse().unwrap()
    };
    // The test means something only if many changes are noticed and some reach the loader.
    assert!(count("refused=") > CHANGES / 2 && count("loaded=") > 10, "{summary}");
}

fn load_changed(directory: &Path) {
    let unchanged = ElfFile::parrot();
    let places = believed_bytes(&unchanged);
    let (mut refused, mut loaded, mut by_loader) = (0, 0, 0);
    let mut log = File::create(directory.join(CHILD_LOG)).unwrap();
    let mut random = SplitMix(20_261_121);
    for change in 0..CHANGES {
        let mut file = unchanged.clone();
        let mut places_changed = Vec::new();
        for _ in 0..1 + random.below(2) {
            let kind = &places[random.below(places.len() as u64) as usize];
            let at = kind[random.below(kind.len() as u64) as usize];
            let value = match random.below(3) {
                0 => random.below(256) as u8,
                1 => file.bytes[at] ^ (1 << random.below(8)),
                _ => [0x00, 0x01, 0x7f, 0x80, 0xff][random.below(5) as usize],
            };
            places_changed.push(format!("{at:#x}: {:#x} -> {value:#x}", file.bytes[at]));
            file.bytes[at] = value;
        }
        let path = directory.join("libchanged.so");
        fs::write(&path, &file.bytes).unwrap();
        // Before the file is loaded, so that the change that ends the process is known.
        writeln!(log, "change {change}: {places_changed:?}").unwrap();
        match (inspect(&path), load(&path)) {
            (Err(_), Err(_)) => refused += 1,
            (Ok(_), Ok(_)) => loaded += 1,
            (Ok(_), Err(_)) => by_loader += 1,
            (Err(error), Ok(_)) => panic!("loaded in spite of {error}"),
        }
    }
    writeln!(log, "changes: refused={refused} loaded={loaded} by_loader={by_loader}").unwrap();
}

/// The offsets of the bytes that the loader believes, by kind; each kind is changed equally often.
fn believed_bytes(file: &ElfFile) -> Vec<Vec<usize>> {
    let sized =
        |tag: u64, bytes: u64| (file.table(tag)..file.table(tag) + bytes as usize).collect::<Vec<_>>();
    let symbols = (file.table(VERSYM) - file.table(SYMTAB)) as u64 / 24;
    let relocations = |tag: u64, bytes: u64| {
        let entries = (file.table(tag)..file.table(tag) + file.value(bytes) as usize).step_by(24);
        // The type, and the part of the address that leaves the image.
        entries.flat_map(|at| (at + 3..at + 12).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    vec![
        (0..FILE_HEADER_BYTES).collect(),
        file.program_headers().collect(),
        file.dynamic_section().collect(),
        file.dynamic_section().collect(),
        sized(SYMTAB, symbols * 24),
        sized(VERSYM, symbols * 2),
        sized(GNU_HASH, 0x24),
        sized(VERNEED, 0x100),
        sized(STRTAB, file.value(STRSZ)),
        relocations(RELA, RELASZ),
        relocations(JMPREL, PLTRELSZ),
    ]
}

/// A small generator, so that the changes are the same in every run.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }
}

#[test]
fn the_needed_libraries_are_those_of_the_file() {
    let file = ElfFile::parrot();
    let needed = file.dynamic_section().step_by(16).filter(|at| file.number(*at, 8) == NEEDED).count();
    assert_eq!(inspect(parrot()).unwrap().elf.libraries.len(), needed);
}

#[test]
fn a_string_table_that_does_not_end_with_a_zero_is_refused() {
    let file = changed_without_sections(|file| file.set_value(STRSZ, file.value(STRSZ) - 1));
    refused(&file, LoadErrorCode::Damaged, "the string table has no end");
}

#[test]
fn a_file_that_resolves_its_symbols_later_is_shown_so() {
    let directory = TestDirectory::new();
    let binds_now = |flags: u64, flags_1: u64| {
        let file = changed(|file| {
            file.replace_entry(FLAGS, FLAGS, flags);
            file.replace_entry(FLAGS_1, FLAGS_1, flags_1);
        });
        inspect(&directory.file("libx.so", &file.bytes)).unwrap().elf.bind_now
    };
    // DF_BIND_NOW, DF_1_NOW; without them, DF_STATIC_TLS.
    assert!(binds_now(8, 0) && binds_now(0, 1) && binds_now(8, 1));
    assert!(!binds_now(0, 0) && !binds_now(16, 0));
}
