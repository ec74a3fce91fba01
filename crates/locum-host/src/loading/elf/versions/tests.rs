//! Tables of versions, of which linkers write the defined ones only for libraries that have versions of their own.

use object::elf::DT_SYMTAB;

use super::super::dynamic::DynamicSection;
use super::super::image::tests::{PAGE, image};
use super::*;

/// The library's name is at 1, the version's at 11.
const STRINGS: &[u8] = b"\0libc.so.6\0GLIBC_2.36\0";
const LIBRARY: u32 = 1;
const VERSION: u32 = 11;
/// The offset of no string.
const NO_STRING: u32 = STRINGS.len() as u32;
const TABLE: u64 = 0x100;
const SYMBOLS: u64 = 0x800;

/// A definition: 20 bytes, then its name.
fn definition(format: u16, index: u16, name: u32, next: u32) -> Vec<u8> {
    let mut bytes = [format.to_le_bytes(), [0; 2], index.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    bytes.extend([0, 20, next, name, 0].map(u32::to_le_bytes).concat());
    bytes
}

/// The size of a definition with its name.
const DEFINITION: u32 = 28;

/// A library with its first version at once after it, and the offset of the next library.
fn library(format: u16, name: u32, next: u32) -> Vec<u8> {
    let mut bytes = [format.to_le_bytes(), 1_u16.to_le_bytes()].concat();
    bytes.extend([name, 16, next].map(u32::to_le_bytes).concat());
    bytes
}

fn version(index: u16, name: u32, next: u32) -> Vec<u8> {
    let mut bytes = [[0; 2], [0; 2], [0; 2], index.to_le_bytes()].concat();
    bytes.extend([name, next].map(u32::to_le_bytes).concat());
    bytes
}

/// Checks a file with these tables, and symbols with these versions.
fn checked(tag: Option<object::elf::DynamicTag>, table: &[u8], of_symbols: &[u16]) -> Result<(), String> {
    let mut file = vec![0; 2 * PAGE as usize];
    file[TABLE as usize..TABLE as usize + table.len()].copy_from_slice(table);
    for (at, version) in (SYMBOLS as usize..).step_by(2).zip(of_symbols) {
        file[at..at + 2].copy_from_slice(&version.to_le_bytes());
    }
    let image = image(&file);
    let mut entries = vec![(DT_VERSYM, SYMBOLS), (DT_SYMTAB, TABLE)];
    match tag {
        Some(DT_VERDEF) => entries.extend([(DT_VERDEF, TABLE), (DT_VERDEFNUM, 1)]),
        Some(DT_VERNEED) => entries.extend([(DT_VERNEED, TABLE), (DT_VERNEEDNUM, 1)]),
        _ => {}
    }
    let dynamic = DynamicSection::unchecked(&entries, STRINGS);
    let symbols = of_symbols.len() as u64;
    check(&Tables { image: &image, dynamic: &dynamic, symbols, exported_symbols: 0 })
        .map_err(|fault| fault.cause)
}

fn malformed() -> Result<(), String> {
    Err("the table of versions is malformed".to_owned())
}

#[test]
fn a_symbol_has_a_version_that_is_defined() {
    let defines = |table: &[Vec<u8>], symbol: u16| checked(Some(DT_VERDEF), &table.concat(), &[0, 1, symbol]);
    let one = [definition(1, 3, VERSION, 0)];
    assert_eq!(defines(&one, 3), Ok(()));
    assert_eq!(defines(&one, HIDDEN | 3), Ok(()));
    assert_eq!(defines(&one, 4), malformed());
    assert_eq!(defines(&one, HIDDEN | 4), malformed());
    let two = [definition(1, 2, VERSION, DEFINITION), definition(1, HIDDEN | 5, VERSION, 0)];
    assert_eq!(defines(&two, 5), Ok(()));
    assert_eq!(defines(&two, 6), malformed());
    let descending = [definition(1, 5, VERSION, DEFINITION), definition(1, 2, VERSION, 0)];
    assert_eq!(defines(&descending, 5), Ok(()));
}

#[test]
fn a_malformed_definition_is_refused() {
    let defines = |definition: Vec<u8>| checked(Some(DT_VERDEF), &definition, &[0, 1]);
    assert_eq!(defines(definition(1, 2, VERSION, 0)), Ok(()));
    for bad in
        [definition(2, 2, VERSION, 0), definition(1, 2, NO_STRING, 0), definition(1, 2, VERSION, u32::MAX)]
    {
        assert_eq!(defines(bad), malformed());
    }
    // The next one has another format.
    assert_eq!(
        defines([definition(1, 2, VERSION, DEFINITION), definition(0, 2, VERSION, 0)].concat()),
        malformed()
    );
    let mut name_outside = definition(1, 2, VERSION, 0);
    name_outside[12..16].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(defines(name_outside), malformed());
}

#[test]
fn a_symbol_has_a_version_that_is_needed() {
    let needs = |table: &[Vec<u8>], symbol: u16| checked(Some(DT_VERNEED), &table.concat(), &[0, 1, symbol]);
    let two_versions = [library(1, LIBRARY, 0), version(2, VERSION, 16), version(HIDDEN | 3, VERSION, 0)];
    assert_eq!(needs(&two_versions, 3), Ok(()));
    assert_eq!(needs(&two_versions, 4), malformed());
    let two_libraries =
        [library(1, LIBRARY, 32), version(2, VERSION, 0), library(1, LIBRARY, 0), version(7, VERSION, 0)];
    assert_eq!(needs(&two_libraries, 7), Ok(()));
    assert_eq!(needs(&two_libraries, 8), malformed());
    for bad in [
        [library(2, LIBRARY, 0), version(2, VERSION, 0)],
        // A library that the file does not need.
        [library(1, VERSION, 0), version(2, VERSION, 0)],
        [library(1, LIBRARY, 0), version(2, NO_STRING, 0)],
        [library(1, LIBRARY, 0), version(2, VERSION, u32::MAX)],
        [library(1, LIBRARY, u32::MAX), version(2, VERSION, 0)],
    ] {
        assert_eq!(needs(&bad, 1), malformed());
    }
}

#[test]
fn a_file_without_versions_has_none_for_its_symbols() {
    // Nobody reads them then.
    assert_eq!(checked(None, &[], &[9, 9]), Ok(()));
}

#[test]
fn each_symbol_has_a_version() {
    let table = definition(1, 2, VERSION, 0);
    let with = |symbols: u64| {
        let mut file = vec![0; 2 * PAGE as usize];
        file[TABLE as usize..TABLE as usize + table.len()].copy_from_slice(&table);
        let entries = [(DT_VERSYM, SYMBOLS), (DT_VERDEF, TABLE), (DT_VERDEFNUM, 1)];
        let (image, dynamic) = (image(&file), DynamicSection::unchecked(&entries, STRINGS));
        let tables = Tables { image: &image, dynamic: &dynamic, symbols, exported_symbols: 0 };
        check(&tables).map_err(|fault| fault.cause)
    };
    // The segment ends with the page.
    let fitting = (PAGE - SYMBOLS) / 2;
    assert_eq!(with(fitting), Ok(()));
    assert_eq!(with(fitting + 1), Err("the table of symbol versions is outside the file".to_owned()));
}
