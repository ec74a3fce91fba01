//! The dynamic section: what a plugin tells the system's loader to do. What is not on the lists here is refused, because
//! the pin covers the bytes of the file and not what they could make the loader fetch.

use std::collections::BTreeMap;

use object::elf::{
    DF_1_NODELETE, DF_1_NOW, DF_BIND_NOW, DF_STATIC_TLS, DF_SYMBOLIC, DF_TEXTREL, DT_AUDIT, DT_AUXILIARY,
    DT_BIND_NOW, DT_DEPAUDIT, DT_FILTER, DT_FINI, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, DT_FLAGS, DT_FLAGS_1,
    DT_GNU_HASH, DT_HASH, DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ, DT_JMPREL, DT_NEEDED, DT_NULL, DT_PLTGOT,
    DT_PLTREL, DT_PLTRELSZ, DT_RELA, DT_RELACOUNT, DT_RELAENT, DT_RELASZ, DT_RELR, DT_RELRENT, DT_RELRSZ,
    DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRSZ, DT_STRTAB, DT_SYMBOLIC, DT_SYMENT, DT_SYMTAB, DT_TEXTREL,
    DT_TLSDESC_GOT, DT_TLSDESC_PLT, DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM, DT_VERSYM,
    DynamicTag,
};

use super::damaged;
use super::image::{AddressRange, Image};
use crate::loading::load_error::{LoadErrorCode, LoadFault};

/// The libraries that a plugin may need: the C library and the compiler's, which the host has loaded itself.
pub(super) const ALLOWED_LIBRARIES: [&str; 8] = [
    "libc.so.6",
    "libm.so.6",
    "libgcc_s.so.1",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
];

/// Entries that occur once at most.
const ALLOWED_TAGS: [DynamicTag; 37] = [
    DT_BIND_NOW,
    DT_FINI,
    DT_FINI_ARRAY,
    DT_FINI_ARRAYSZ,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_GNU_HASH,
    DT_HASH,
    DT_INIT,
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    DT_JMPREL,
    DT_PLTGOT,
    DT_PLTREL,
    DT_PLTRELSZ,
    DT_RELA,
    DT_RELACOUNT,
    DT_RELAENT,
    DT_RELASZ,
    DT_RELR,
    DT_RELRENT,
    DT_RELRSZ,
    DT_SONAME,
    DT_STRSZ,
    DT_STRTAB,
    DT_SYMBOLIC,
    DT_SYMENT,
    DT_SYMTAB,
    DT_TLSDESC_GOT,
    DT_TLSDESC_PLT,
    DT_VERDEF,
    DT_VERDEFNUM,
    DT_VERNEED,
    DT_VERNEEDNUM,
    DT_VERSYM,
    // Marks of the linker for processors with branch protection (aarch64).
    DynamicTag(0x7000_0001),
    DynamicTag(0x7000_0003),
];

/// Entries that make the loader search, load or replace other libraries.
const LOADER_DIRECTIVES: [(DynamicTag, &str); 6] = [
    (DT_RPATH, "RPATH"),
    (DT_RUNPATH, "RUNPATH"),
    (DT_AUDIT, "AUDIT"),
    (DT_DEPAUDIT, "DEPAUDIT"),
    (DT_FILTER, "FILTER"),
    (DT_AUXILIARY, "AUXILIARY"),
];

/// The entries of the dynamic section, with the string table that they refer to.
pub(super) struct DynamicSection<'a> {
    entries: BTreeMap<u64, u64>,
    strings: &'a [u8],
    /// The names of the libraries that the plugin needs.
    pub(super) libraries: Vec<String>,
}

impl<'a> DynamicSection<'a> {
    pub(super) fn parse(image: &Image<'a>) -> Result<Self, LoadFault> {
        let mut entries = BTreeMap::new();
        let mut needed = Vec::new();
        let mut address = image.dynamic.address;
        loop {
            let entry = AddressRange { address, bytes: 16 };
            if !image.dynamic.contains(entry) {
                return Err(damaged("the dynamic section has no end"));
            }
            let (Some(tag), Some(value)) = (image.u64_at(address), image.u64_at(address + 8)) else {
                return Err(damaged("the dynamic section is not in the file"));
            };
            address += 16;
            if tag == DT_NULL.0 as u64 {
                break;
            }
            if tag == DT_NEEDED.0 as u64 {
                needed.push(value);
                continue;
            }
            check_tag(tag)?;
            if entries.insert(tag, value).is_some() {
                return Err(damaged(format!("the dynamic section has two entries {tag:#x}")));
            }
        }
        let mut section = Self { entries, strings: &[], libraries: Vec::new() };
        section.strings = section.string_table(image)?;
        section.libraries = needed.iter().map(|at| section.library(*at)).collect::<Result<_, _>>()?;
        section.check_soname()?;
        section.check_flags()?;
        Ok(section)
    }

    pub(super) fn get(&self, tag: DynamicTag) -> Option<u64> {
        self.entries.get(&(tag.0 as u64)).copied()
    }

    /// The table with this address and size, `None` if both are absent.
    pub(super) fn table(
        &self,
        tag: DynamicTag,
        bytes: DynamicTag,
    ) -> Result<Option<AddressRange>, LoadFault> {
        match (self.get(tag), self.get(bytes)) {
            (Some(address), Some(bytes)) => Ok(Some(AddressRange { address, bytes })),
            (None, None) => Ok(None),
            _ => Err(damaged(format!("the table {:#x} has no address or no size", tag.0))),
        }
    }

    pub(super) fn required(&self, tag: DynamicTag) -> Result<u64, LoadFault> {
        self.get(tag).ok_or_else(|| damaged(format!("the dynamic section has no entry {:#x}", tag.0)))
    }

    /// Whether all symbols are resolved before the plugin runs.
    pub(super) fn binds_now(&self) -> bool {
        let set = |tag, flag: u64| self.get(tag).is_some_and(|flags| flags & flag != 0);
        self.get(DT_BIND_NOW).is_some() || set(DT_FLAGS, DF_BIND_NOW.0) || set(DT_FLAGS_1, DF_1_NOW.0)
    }

    /// The string table ends with a zero, so every string in it does.
    fn string_table(&self, image: &Image<'a>) -> Result<&'a [u8], LoadFault> {
        let range = AddressRange { address: self.required(DT_STRTAB)?, bytes: self.required(DT_STRSZ)? };
        match image.at(range) {
            Some(strings) if strings.last() == Some(&0) => Ok(strings),
            Some(_) => Err(damaged("the string table has no end")),
            None => Err(outside("the string table")),
        }
    }

    /// The string at this offset of the string table.
    pub(super) fn string(&self, at: u64) -> Option<&'a [u8]> {
        let rest = self.strings.get(usize::try_from(at).ok()?..).filter(|rest| !rest.is_empty())?;
        rest.split(|byte| *byte == 0).next()
    }

    fn library(&self, at: u64) -> Result<String, LoadFault> {
        let name = self.string(at).ok_or_else(|| outside("the name of a library"))?;
        let name = String::from_utf8_lossy(name).into_owned();
        if ALLOWED_LIBRARIES.contains(&name.as_str()) {
            return Ok(name);
        }
        let cause = format!("it needs the library `{name}`, which no pin covers");
        Err(LoadFault::new(LoadErrorCode::LibraryNotAllowed, cause))
    }

    /// The loader takes a library for another one if their names are equal.
    fn check_soname(&self) -> Result<(), LoadFault> {
        let Some(at) = self.get(DT_SONAME) else { return Ok(()) };
        let name = self.string(at).ok_or_else(|| outside("the file's own name (SONAME)"))?;
        let name = String::from_utf8_lossy(name);
        if name.contains('/') || ALLOWED_LIBRARIES.contains(&name.as_ref()) {
            let cause = format!("its own name (SONAME) `{name}` is that of another library or file");
            return Err(LoadFault::new(LoadErrorCode::LoaderDirective, cause));
        }
        Ok(())
    }

    fn check_flags(&self) -> Result<(), LoadFault> {
        let flags = self.get(DT_FLAGS).unwrap_or(0);
        if flags & DF_TEXTREL.0 != 0 {
            return Err(text_relocations());
        }
        let allowed = DF_SYMBOLIC.0 | DF_BIND_NOW.0 | DF_STATIC_TLS.0;
        let allowed_1 = DF_1_NOW.0 | DF_1_NODELETE.0;
        if flags & !allowed != 0 || self.get(DT_FLAGS_1).unwrap_or(0) & !allowed_1 != 0 {
            let cause = "it sets flags for the system's loader that plugins may not set";
            return Err(LoadFault::new(LoadErrorCode::LoaderDirective, cause));
        }
        Ok(())
    }
}

#[cfg(test)]
impl<'a> DynamicSection<'a> {
    /// A section of these entries, which were not checked.
    pub(super) fn unchecked(entries: &[(DynamicTag, u64)], strings: &'a [u8]) -> Self {
        let entries = entries.iter().map(|(tag, value)| (tag.0 as u64, *value)).collect();
        Self { entries, strings, libraries: vec!["libc.so.6".to_owned()] }
    }
}

fn check_tag(tag: u64) -> Result<(), LoadFault> {
    if ALLOWED_TAGS.iter().any(|allowed| allowed.0 as u64 == tag) {
        return Ok(());
    }
    if tag == DT_TEXTREL.0 as u64 {
        return Err(text_relocations());
    }
    let directive = LOADER_DIRECTIVES.iter().find(|(directive, _)| directive.0 as u64 == tag);
    let cause = match directive {
        Some((_, name)) => format!("it contains the instruction {name} to the system's loader"),
        None => format!("it contains an unknown instruction to the system's loader ({tag:#x})"),
    };
    Err(LoadFault::new(LoadErrorCode::LoaderDirective, cause))
}

fn text_relocations() -> LoadFault {
    let cause = "its code must be made writable to be loaded (TEXTREL)";
    LoadFault::new(LoadErrorCode::WritableAndExecutable, cause)
}

/// A table or string that is not in the bytes of the file that are mapped.
pub(super) fn outside(what: &str) -> LoadFault {
    damaged(format!("{what} is outside the file"))
}
