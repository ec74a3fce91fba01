//! Compares the section headers with what the system's loader reads. The loader ignores section headers, but linkers
//! write both: a difference means that a size or an address was changed, and the loader would leave parts of the file
//! unlinked. A file without section headers is not compared.

use object::LittleEndian;
use object::elf::{
    DT_FINI, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, DT_GNU_HASH, DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_JMPREL,
    DT_PLTRELSZ, DT_RELA, DT_RELASZ, DT_RELR, DT_RELRSZ, DT_STRSZ, DT_STRTAB, DT_SYMTAB, DT_VERNEED,
    DT_VERSYM, DynamicTag, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS, SHF_WRITE, SHT_DYNAMIC, SHT_DYNSYM,
    SHT_FINI_ARRAY, SHT_GNU_HASH, SHT_GNU_VERNEED, SHT_GNU_VERSYM, SHT_INIT_ARRAY, SHT_NOBITS, SHT_RELA,
    SHT_RELR, SHT_STRTAB,
};
use object::read::elf::SectionHeader as _;

use super::image::AddressRange;
use super::tables::Tables;
use super::{Elf, damaged};
use crate::loading::load_error::LoadFault;

/// Refuses a file whose section headers contradict its program headers or its dynamic section.
pub(super) fn check(file: &Elf<'_>, tables: &Tables<'_, '_>) -> Result<(), LoadFault> {
    let sections = file.elf_section_table();
    for section in sections.iter() {
        let flags = section.sh_flags(LittleEndian).0;
        let range =
            AddressRange { address: section.sh_addr(LittleEndian), bytes: section.sh_size(LittleEndian) };
        if flags & SHF_ALLOC.0 == 0 || range.bytes == 0 {
            continue;
        }
        let name = sections.section_name(LittleEndian, section).unwrap_or_default();
        let mapped = is_mapped(tables, section, flags, range);
        if !mapped || !is_linked(tables, section, name, range) {
            return Err(damaged(format!(
                "what the system's loader would read contradicts the section `{}`",
                String::from_utf8_lossy(name)
            )));
        }
    }
    Ok(())
}

type Section = object::elf::SectionHeader64<LittleEndian>;

/// Whether the section will be in memory, with the access that it needs.
fn is_mapped(tables: &Tables<'_, '_>, section: &Section, flags: u64, range: AddressRange) -> bool {
    let image = tables.image;
    let has_bytes = section.sh_type(LittleEndian) != SHT_NOBITS;
    let mapped = !has_bytes || image.maps(section.sh_offset(LittleEndian), range);
    if flags & SHF_TLS.0 != 0 {
        let thread_local = image.thread_local.as_ref();
        let all = thread_local.map(|data| AddressRange { address: data.address, bytes: data.memory_bytes });
        return mapped && all.is_some_and(|all| all.contains(range));
    }
    mapped
        && image.contains(range)
        && (flags & SHF_WRITE.0 == 0 || image.is_writable(range))
        && (flags & SHF_EXECINSTR.0 == 0 || image.is_executable(range.address))
}

/// Whether the dynamic section names the section, if it is one that the loader must find.
fn is_linked(tables: &Tables<'_, '_>, section: &Section, name: &[u8], range: AddressRange) -> bool {
    let dynamic = tables.dynamic;
    let starts = |tag: DynamicTag| dynamic.get(tag) == Some(range.address);
    let within = |tag: DynamicTag, bytes: DynamicTag| {
        dynamic.table(tag, bytes).is_ok_and(|table| table.is_some_and(|table| table.contains(range)))
    };
    match section.sh_type(LittleEndian) {
        SHT_RELA => within(DT_RELA, DT_RELASZ) || within(DT_JMPREL, DT_PLTRELSZ),
        SHT_RELR => within(DT_RELR, DT_RELRSZ),
        SHT_INIT_ARRAY => within(DT_INIT_ARRAY, DT_INIT_ARRAYSZ),
        SHT_FINI_ARRAY => within(DT_FINI_ARRAY, DT_FINI_ARRAYSZ),
        SHT_STRTAB => starts(DT_STRTAB) && within(DT_STRTAB, DT_STRSZ),
        SHT_DYNSYM => starts(DT_SYMTAB) && tables.symbols <= range.bytes / 24,
        SHT_DYNAMIC => tables.image.dynamic.address == range.address,
        SHT_GNU_HASH => starts(DT_GNU_HASH),
        SHT_GNU_VERSYM => starts(DT_VERSYM),
        SHT_GNU_VERNEED => starts(DT_VERNEED),
        _ if name == b".init" => starts(DT_INIT),
        _ if name == b".fini" => starts(DT_FINI),
        _ => true,
    }
}
