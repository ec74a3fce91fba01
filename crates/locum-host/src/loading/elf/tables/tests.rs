//! Tables as no linker of ours writes them, with the last entry that passes and the first that does not.

use object::elf::{STB_LOCAL, STT_FUNC};

use super::super::image::ThreadLocal;
use super::super::image::tests::{PAGE, image, range};
use super::*;

/// The names of symbols start here.
const STRINGS: &[u8] = b"\0one\0";
/// Where each test has its table, in the page of code.
const TABLE: u64 = 0x100;

/// A file of two pages with these bytes at [`TABLE`].
fn file_with(table: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 2 * PAGE as usize];
    file[TABLE as usize..TABLE as usize + table.len()].copy_from_slice(table);
    file
}

fn bytes_of<const N: usize>(numbers: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    numbers.into_iter().flatten().collect()
}

/// Where the packed relocations in this table write, and what.
fn packed(table: &[u64], table_bytes: u64) -> Result<Vec<(u64, Option<u64>)>, LoadFault> {
    let mut file = file_with(&bytes_of(table.iter().map(|entry| entry.to_le_bytes())));
    file[PAGE as usize + 64] = 7;
    let image = image(&file);
    let dynamic = DynamicSection::unchecked(&[], STRINGS);
    let tables = Tables { image: &image, dynamic: &dynamic, symbols: 0, exported_symbols: 0 };
    let mut relocations = Vec::new();
    tables.read_packed_relocations(range(TABLE, table_bytes), &mut relocations)?;
    assert!(relocations.iter().all(|relocation| relocation.written.bytes == 8));
    Ok(relocations.iter().map(|relocation| (relocation.written.address, relocation.target)).collect())
}

#[test]
fn a_packed_relocation_is_an_address_or_a_mask_of_the_words_that_follow() {
    let written = |table: &[u64]| -> Vec<u64> {
        let all = packed(table, table.len() as u64 * 8).unwrap();
        all.into_iter().map(|(address, _)| address).collect()
    };
    let first = PAGE + 64;
    assert_eq!(packed(&[first, first + 16], 16).unwrap(), [(first, Some(7)), (first + 16, Some(0))]);
    assert_eq!(packed(&[3 * PAGE - 8], 8).unwrap(), [(3 * PAGE - 8, None)], "it is not in the file");
    assert!(written(&[]).is_empty());
    assert_eq!(written(&[first, 0b1011]), [first, first + 8, first + 24]);
    let mut words: Vec<u64> = (0..64).map(|word| first + word * 8).collect();
    assert_eq!(written(&[first, u64::MAX]), words);
    words.extend([first + 65 * 8, first + 256]);
    assert_eq!(written(&[first, u64::MAX, 0b101, first + 256]), words);
}

#[test]
fn a_packed_relocation_outside_the_data_is_refused() {
    let cause = |table: &[u64], bytes: u64| packed(table, bytes).unwrap_err().cause;
    assert_eq!(cause(&[0b11], 8), "the table of relocations is malformed");
    for table in
        [[PAGE - 8, 1], [PAGE, 1], [PAGE + 8, 1], [3 * PAGE - 4, 1], [3 * PAGE - 8, 0b11], [u64::MAX - 7, 1]]
    {
        assert_eq!(cause(&table, 16), "a relocation writes outside the data of the file", "{table:x?}");
    }
    for bytes in [4, 12, 2 * PAGE] {
        assert_eq!(cause(&[PAGE + 64, 1], bytes), "the table of relocations is outside the file");
    }
}

/// The number of symbols by a hash table: its buckets, first symbol and words of the filter; the filter, the buckets and
/// the chains.
fn counted(header: [u32; 3], filter: &[u64], words: &[u32]) -> Result<u64, LoadFault> {
    let [buckets, first, filter_words] = header;
    let mut table = bytes_of([buckets, first, filter_words, 0].map(u32::to_le_bytes));
    table.extend(bytes_of(filter.iter().map(|word| word.to_le_bytes())));
    table.extend(bytes_of(words.iter().map(|word| word.to_le_bytes())));
    let file = file_with(&table);
    count_symbols(&image(&file), &DynamicSection::unchecked(&[(DT_GNU_HASH, TABLE)], STRINGS))
}

#[test]
fn the_last_symbol_is_the_last_of_the_longest_chain() {
    assert_eq!(counted([1, 4, 1], &[0], &[0]), Ok(4), "there are only imported symbols");
    // A chain ends with an odd word.
    assert_eq!(counted([1, 4, 1], &[0], &[4, 1]), Ok(5));
    assert_eq!(counted([2, 4, 2], &[0, 0], &[4, 6, 2, 3, 8, 8, 9]), Ok(9));
    assert_eq!(counted([2, 4, 1], &[0], &[6, 4, 2, 3, 8, 9]), Ok(8));
}

#[test]
fn a_hash_table_that_ends_nowhere_is_refused() {
    for (header, words) in
        [([0, 4, 1], [0, 0]), ([1, 4, 0], [0, 0]), ([1, 4, 3], [0, 0]), ([1, 4, 1], [3, 1])]
    {
        let cause = counted(header, &[0], &words).unwrap_err().cause;
        assert_eq!(cause, "the hash table is malformed", "{header:?}");
    }
    // The rest of the file are even words.
    assert_eq!(counted([1, 4, 1], &[0], &[4, 2]).unwrap_err().cause, "the hash table is outside the file");
    // Each bucket names the same long chain: more steps than words in the file.
    let mut words = vec![4; 64];
    words.extend([2; 200]);
    words.push(1);
    assert_eq!(counted([64, 4, 1], &[0], &words).unwrap_err().cause, "the hash table is malformed");
    let table = |entries: &[_]| {
        let file = file_with(&[]);
        count_symbols(&image(&file), &DynamicSection::unchecked(entries, STRINGS)).unwrap_err().cause
    };
    assert!(table(&[]).contains("--hash-style=gnu"));
    assert_eq!(table(&[(DT_HASH, 2 * PAGE - 7), (DT_GNU_HASH, TABLE)]), "the hash table is outside the file");
    assert_eq!(table(&[(DT_HASH, 2 * PAGE - 8), (DT_GNU_HASH, TABLE)]), "the hash table is malformed");
}

/// Symbol 1 of the tables below, defined: data of eight bytes.
fn defined() -> Symbol {
    Symbol {
        name: 1,
        info: STB_GLOBAL.0 << 4 | STT_OBJECT.0,
        visibility: 0,
        section: 1,
        value: PAGE,
        size: 8,
    }
}

fn imported() -> Symbol {
    Symbol { section: 0, ..defined() }
}

/// Calls with tables of two symbols, the second of which is this one, and thread-local data of 16 bytes if wanted.
fn with_symbol<T>(symbol: &Symbol, has_thread_local: bool, call: impl FnOnce(&Tables<'_, '_>) -> T) -> T {
    let mut table = vec![0; SYMBOL_BYTES as usize];
    table.extend(symbol.name.to_le_bytes());
    table.extend([symbol.info, symbol.visibility]);
    table.extend(symbol.section.to_le_bytes());
    table.extend(symbol.value.to_le_bytes());
    table.extend(symbol.size.to_le_bytes());
    let file = file_with(&table);
    let mut image = image(&file);
    image.thread_local = has_thread_local.then_some(ThreadLocal { address: PAGE, memory_bytes: 16 });
    let dynamic = DynamicSection::unchecked(&[(DT_SYMTAB, TABLE), (DT_SYMENT, SYMBOL_BYTES)], STRINGS);
    call(&Tables { image: &image, dynamic: &dynamic, symbols: 2, exported_symbols: 0 })
}

#[test]
fn each_field_of_a_symbol_is_read_from_its_place() {
    let written = Symbol { name: 2, info: 0x21, visibility: 3, section: 4, value: 0x5060, size: 0x7080 };
    let read = with_symbol(&written, false, |tables| tables.symbol(1)).unwrap();
    assert_eq!((read.name, read.info, read.visibility, read.section), (2, 0x21, 3, 4));
    assert_eq!((read.value, read.size), (0x5060, 0x7080));
    assert!(with_symbol(&written, false, |tables| tables.symbol(2)).is_none());
}

#[test]
fn a_symbol_is_imported_or_in_the_file() {
    let check = |symbol: Symbol| with_symbol(&symbol, true, |tables| tables.check_symbol(&symbol));
    assert_eq!(check(imported()), Ok(()));
    let local = STB_LOCAL.0 << 4 | STT_OBJECT.0;
    assert_eq!(check(Symbol { info: local, ..imported() }), Err("is neither defined nor imported"));
    assert_eq!(check(Symbol { visibility: 2, ..imported() }), Err("is neither defined nor imported"));
    assert_eq!(check(Symbol { info: STB_WEAK.0 << 4, ..imported() }), Ok(()));
    assert_eq!(check(Symbol { value: 3 * PAGE - 8, ..defined() }), Ok(()));
    assert_eq!(check(Symbol { value: 3 * PAGE - 7, ..defined() }), Err("is outside the file"));
    assert_eq!(check(Symbol { value: u64::MAX, section: SHN_ABS, ..defined() }), Ok(()));
    let thread_local =
        |size: u64| Symbol { info: STB_GLOBAL.0 << 4 | STT_TLS.0, value: 8, size, ..defined() };
    assert_eq!(check(thread_local(8)), Ok(()));
    assert_eq!(check(thread_local(9)), Err("is outside the file"));
    let none = with_symbol(&thread_local(8), false, |tables| tables.check_symbol(&thread_local(8)));
    assert_eq!(none, Err("is outside the file"));
}

#[test]
fn a_relocation_takes_a_symbol_of_its_kind() {
    let [absolute, ..] = relocation::SYMBOL;
    let [module, ..] = relocation::THREAD_LOCAL;
    let target = |symbol: &Symbol, has_thread_local: bool, kind: u32, index: u64| {
        with_symbol(symbol, has_thread_local, |tables| {
            tables.relocation_target(kind, index, 4).map_err(|fault| fault.cause)
        })
    };
    let thread_local = |symbol: Symbol| Symbol { info: STB_GLOBAL.0 << 4 | STT_TLS.0, ..symbol };
    assert_eq!(target(&defined(), false, relocation::RELATIVE, 9), Ok(Some(4)));
    assert_eq!(target(&defined(), false, absolute, 1), Ok(Some(PAGE + 4)));
    assert_eq!(target(&imported(), false, absolute, 1), Ok(None));
    for kind in [module, relocation::THREAD_LOCAL_PAIR] {
        assert_eq!(target(&thread_local(defined()), true, kind, 1), Ok(Some(PAGE + 4)));
        assert_eq!(target(&thread_local(imported()), false, kind, 1), Ok(None), "another library's data");
        assert_eq!(target(&imported(), true, kind, 0), Ok(None), "the file's own data");
        for (symbol, index) in [(thread_local(defined()), 1), (imported(), 0)] {
            let missing = target(&symbol, false, kind, index);
            assert_eq!(missing, Err("the thread-local data is missing".to_owned()));
        }
        let mixed = Err("a relocation takes thread-local data for other data".to_owned());
        assert_eq!(target(&defined(), true, kind, 1), mixed);
        assert_eq!(target(&thread_local(defined()), true, absolute, 1), mixed);
    }
    for (kind, index) in [(absolute, 0), (absolute, 2), (module, 2)] {
        let unknown = target(&defined(), true, kind, index);
        assert_eq!(unknown, Err("a relocation refers to a symbol that does not exist".to_owned()));
    }
}

#[test]
fn a_relocation_writes_one_word_and_that_of_a_pair_two() {
    let read = |kind: u32, symbol: u32, address: u64, relative_count: u64| {
        let info = u64::from(symbol) << 32 | u64::from(kind);
        let file = file_with(&bytes_of([address, info, 0].map(u64::to_le_bytes)));
        let mut image = image(&file);
        image.thread_local = Some(ThreadLocal { address: PAGE, memory_bytes: 16 });
        let dynamic = DynamicSection::unchecked(&[], STRINGS);
        let tables = Tables { image: &image, dynamic: &dynamic, symbols: 0, exported_symbols: 0 };
        let mut relocations = Vec::new();
        let table = range(TABLE, RELOCATION_BYTES);
        tables.read_relocations(table, relative_count, &mut relocations).map_err(|fault| fault.cause)?;
        Ok::<_, String>(relocations.first().unwrap().written)
    };
    let outside = Err("a relocation writes outside the data of the file".to_owned());
    let (relative, pair) = (relocation::RELATIVE, relocation::THREAD_LOCAL_PAIR);
    assert_eq!(read(relative, 0, 3 * PAGE - 8, 1), Ok(range(3 * PAGE - 8, 8)));
    assert_eq!(read(pair, 0, 3 * PAGE - 16, 0), Ok(range(3 * PAGE - 16, 16)));
    assert_eq!(read(relative, 0, 3 * PAGE - 7, 1), outside);
    assert_eq!(read(pair, 0, 3 * PAGE - 8, 0), outside);
    // The dynamic section is in the first 16 bytes.
    assert_eq!(read(relative, 0, PAGE + 16, 0), Ok(range(PAGE + 16, 8)));
    assert_eq!(read(relative, 0, PAGE + 9, 0), outside);
    assert_eq!(read(pair, 0, PAGE + 24, 1), Err("the number of relative relocations is wrong".to_owned()));
    assert_eq!(
        read(relocation::SYMBOL[0], 1, PAGE + 24, 0).unwrap_err(),
        "a relocation refers to a symbol that does not exist"
    );
}

#[test]
fn an_entry_is_a_whole_aligned_object_in_the_file() {
    let bytes = size_of::<PluginHeaderData>() as u64;
    let check = |symbol: Symbol| with_symbol(&symbol, false, |tables| tables.check_entry(&symbol)).is_ok();
    assert!(check(defined()) && check(Symbol { value: 2 * PAGE - bytes, ..defined() }));
    let align = align_of::<PluginHeaderData>() as u64;
    assert!(!check(Symbol { value: 2 * PAGE - bytes + align, ..defined() }), "its end is not in the file");
    assert!(!check(Symbol { value: PAGE + 1, ..defined() }));
    assert!(!check(imported()) && !check(Symbol { section: SHN_ABS, ..defined() }));
    assert!(!check(Symbol { info: STB_GLOBAL.0 << 4 | STT_FUNC.0, ..defined() }));
}

/// Calls with tables that have these entries of the dynamic section, and these words at [`TABLE`].
fn with_entries<T>(
    entries: &[(object::elf::DynamicTag, u64)],
    words: &[u64],
    call: impl FnOnce(&Tables<'_, '_>) -> Result<T, LoadFault>,
) -> Result<T, String> {
    let file = file_with(&bytes_of(words.iter().map(|word| word.to_le_bytes())));
    let (image, dynamic) = (image(&file), DynamicSection::unchecked(entries, STRINGS));
    let tables = Tables { image: &image, dynamic: &dynamic, symbols: 0, exported_symbols: 0 };
    call(&tables).map_err(|fault| fault.cause)
}

#[test]
fn relocations_are_of_known_tables_with_entries_of_a_known_size() {
    let count = |entries: &[_]| {
        let words = [PAGE + 64, u64::from(relocation::RELATIVE), 0];
        with_entries(entries, &words, |tables| Ok(tables.relocations()?.len()))
    };
    let malformed = Err("the table of relocations is malformed".to_owned());
    assert_eq!(count(&[]), Ok(0));
    assert_eq!(count(&[(DT_RELACOUNT, 0)]), Ok(0));
    for number in [1, 2] {
        let missing = Err("the table of relocations is missing".to_owned());
        assert_eq!(count(&[(DT_RELACOUNT, number)]), missing);
    }
    let plain = |size: u64| [(DT_RELA, TABLE), (DT_RELASZ, 24), (DT_RELAENT, size), (DT_RELACOUNT, 1)];
    assert_eq!((count(&plain(24)), count(&plain(16))), (Ok(1), malformed.clone()));
    let of_calls = |kind: u64| [(DT_JMPREL, TABLE), (DT_PLTRELSZ, 24), (DT_PLTREL, kind)];
    assert_eq!((count(&of_calls(7)), count(&of_calls(17))), (Ok(1), malformed.clone()));
    let packed = |size: u64| [(DT_RELR, TABLE), (DT_RELRSZ, 8), (DT_RELRENT, size)];
    assert_eq!((count(&packed(8)), count(&packed(16))), (Ok(1), malformed));
}

#[test]
fn a_list_of_functions_is_of_relocated_addresses_of_code() {
    let list_at = |address: u64, bytes: u64, written: u64, function: u64| {
        let entries = [
            (DT_INIT_ARRAY, address),
            (DT_INIT_ARRAYSZ, bytes),
            (DT_RELA, TABLE),
            (DT_RELASZ, 24),
            (DT_RELAENT, 24),
        ];
        let words = [written, u64::from(relocation::RELATIVE), function];
        with_entries(&entries, &words, |tables| tables.check_functions())
    };
    let malformed = Err("a list of functions that run at load or exit is malformed".to_owned());
    let at = PAGE + 64;
    assert_eq!(list_at(at, 8, at, 16), Ok(()));
    assert_eq!(list_at(8, 0, at, 16), Ok(()), "an empty list is nowhere");
    for (address, bytes, written) in [(at, 16, at), (at, 8, at + 8), (at, 12, at), (at + 4, 8, at + 4)] {
        assert_eq!(list_at(address, bytes, written, 16), malformed, "{address:#x} {bytes}");
    }
    let no_code = Err("a function that runs at load or exit is not code of the file".to_owned());
    assert_eq!((list_at(at, 8, at, PAGE), list_at(at, 8, at, 3 * PAGE)), (no_code.clone(), no_code.clone()));
    let check = |tag, address| with_entries(&[(tag, address)], &[], |tables| tables.check_functions());
    for tag in [DT_INIT, DT_FINI, DT_TLSDESC_PLT] {
        assert_eq!((check(tag, PAGE - 1), check(tag, PAGE)), (Ok(()), no_code.clone()));
    }
    for tag in [DT_PLTGOT, DT_TLSDESC_GOT] {
        let outside = Err("the table of addresses is outside the file".to_owned());
        assert_eq!((check(tag, 3 * PAGE - 8), check(tag, 3 * PAGE - 7)), (Ok(()), outside));
    }
}
