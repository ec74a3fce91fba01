//! The tables that the system's loader walks while it links a plugin: symbols, their hash table, relocations and the
//! lists of functions to call. The loader follows every index and offset in them without a look.

use locum_abi::boundary::{ENTRY_SYMBOL, PluginHeaderData};
use object::elf::{
    DT_FINI, DT_FINI_ARRAY, DT_FINI_ARRAYSZ, DT_GNU_HASH, DT_HASH, DT_INIT, DT_INIT_ARRAY, DT_INIT_ARRAYSZ,
    DT_JMPREL, DT_PLTGOT, DT_PLTREL, DT_PLTRELSZ, DT_RELA, DT_RELACOUNT, DT_RELAENT, DT_RELASZ, DT_RELR,
    DT_RELRENT, DT_RELRSZ, DT_SYMENT, DT_SYMTAB, DT_TLSDESC_GOT, DT_TLSDESC_PLT, STB_GLOBAL, STB_WEAK,
    STT_GNU_IFUNC, STT_OBJECT, STT_TLS,
};

use super::damaged;
use super::dynamic::{DynamicSection, outside};
use super::image::{AddressRange, Image};
use crate::loading::load_error::{LoadErrorCode, LoadFault};

const SYMBOL_BYTES: u64 = 24;
const RELOCATION_BYTES: u64 = 24;
const POINTER_BYTES: u64 = 8;
/// Section index of an absolute value, which is not an address.
const SHN_ABS: u16 = 0xfff1;

/// Relocation types by what they do: a word that is the base plus an addend, a symbol's address, thread-local data. Any
/// other type is refused, also the one that does nothing: what it leaves is an address in the file.
#[cfg(target_arch = "x86_64")]
mod relocation {
    pub(super) const RELATIVE: u32 = 8;
    pub(super) const SYMBOL: [u32; 3] = [1, 6, 7];
    pub(super) const THREAD_LOCAL: [u32; 3] = [16, 17, 18];
    pub(super) const THREAD_LOCAL_PAIR: u32 = 36;
}
#[cfg(target_arch = "aarch64")]
mod relocation {
    pub(super) const RELATIVE: u32 = 1027;
    pub(super) const SYMBOL: [u32; 3] = [257, 1025, 1026];
    pub(super) const THREAD_LOCAL: [u32; 3] = [1028, 1029, 1030];
    pub(super) const THREAD_LOCAL_PAIR: u32 = 1031;
}

/// The image with its dynamic section, and the number of symbols.
pub(super) struct Tables<'i, 'a> {
    pub(super) image: &'i Image<'a>,
    pub(super) dynamic: &'i DynamicSection<'a>,
    pub(super) symbols: u64,
    pub(super) exported_symbols: usize,
}

/// A symbol, read.
struct Symbol {
    name: u32,
    info: u8,
    visibility: u8,
    section: u16,
    value: u64,
    size: u64,
}

impl Symbol {
    fn kind(&self) -> u8 {
        self.info & 0xf
    }

    fn binding(&self) -> u8 {
        self.info >> 4
    }

    fn is_global(&self) -> bool {
        [STB_GLOBAL.0, STB_WEAK.0].contains(&self.binding())
    }

    fn is_defined(&self) -> bool {
        self.section != 0
    }
}

/// A word that the loader writes, and what it must be if it is a function to call.
struct Relocation {
    written: AddressRange,
    /// The address of code that is written, if it is one of this file's.
    target: Option<u64>,
}

/// Checks all tables that the loader reads before or while it runs code of the file.
pub(super) fn check<'i, 'a>(
    image: &'i Image<'a>,
    dynamic: &'i DynamicSection<'a>,
) -> Result<Tables<'i, 'a>, LoadFault> {
    let symbols = count_symbols(image, dynamic)?;
    let mut tables = Tables { image, dynamic, symbols, exported_symbols: 0 };
    tables.exported_symbols = tables.check_symbols()?;
    tables.check_functions()?;
    Ok(tables)
}

/// Walks the hash table as the loader does; the highest index in it is that of the last symbol.
fn count_symbols(image: &Image<'_>, dynamic: &DynamicSection<'_>) -> Result<u64, LoadFault> {
    if let Some(address) = dynamic.get(DT_HASH)
        && image.at(AddressRange { address, bytes: 8 }).is_none()
    {
        return Err(outside("the hash table"));
    }
    let Some(table) = dynamic.get(DT_GNU_HASH) else {
        return Err(damaged("it has no hash table of the GNU format; link it with --hash-style=gnu"));
    };
    let word = |address: u64| image.u32_at(address).ok_or_else(|| outside("the hash table"));
    let at = |offset: u64| table.checked_add(offset).ok_or_else(|| outside("the hash table"));
    let (buckets, first) = (u64::from(word(table)?), u64::from(word(at(4)?)?));
    let filter_words = u64::from(word(at(8)?)?);
    // The loader asserts this.
    if buckets == 0 || !filter_words.is_power_of_two() {
        return Err(damaged("the hash table is malformed"));
    }
    let first_bucket = at(16 + filter_words * 8)?;
    let first_chain = first_bucket.checked_add(buckets * 4).ok_or_else(|| outside("the hash table"))?;
    let mut last = first;
    // Each symbol is in one chain, so more steps than symbols that fit the file are a malformed table.
    let mut steps_left = image.words();
    for bucket in 0..buckets {
        let mut symbol = u64::from(word(first_bucket + bucket * 4)?);
        if symbol == 0 {
            continue;
        }
        if symbol < first {
            return Err(damaged("the hash table is malformed"));
        }
        loop {
            let hash = word(first_chain.saturating_add((symbol - first) * 4))?;
            symbol += 1;
            steps_left = steps_left.checked_sub(1).ok_or_else(|| damaged("the hash table is malformed"))?;
            if hash & 1 == 1 {
                break;
            }
        }
        last = last.max(symbol);
    }
    Ok(last)
}

impl Tables<'_, '_> {
    fn symbol(&self, index: u64) -> Option<Symbol> {
        if index >= self.symbols {
            return None;
        }
        let at = self.dynamic.get(DT_SYMTAB)?.checked_add(index.checked_mul(SYMBOL_BYTES)?)?;
        let [info, visibility] = self.image.u16_at(at.checked_add(4)?)?.to_le_bytes();
        Some(Symbol {
            name: self.image.u32_at(at)?,
            info,
            visibility: visibility & 3,
            section: self.image.u16_at(at + 6)?,
            value: self.image.u64_at(at + 8)?,
            size: self.image.u64_at(at + 16)?,
        })
    }

    /// The number of symbols that the file exports.
    fn check_symbols(&self) -> Result<usize, LoadFault> {
        if self.dynamic.required(DT_SYMENT)? != SYMBOL_BYTES {
            return Err(damaged("the symbol table is malformed"));
        }
        let table = AddressRange {
            address: self.dynamic.required(DT_SYMTAB)?,
            bytes: self.symbols.saturating_mul(SYMBOL_BYTES),
        };
        if self.image.at(table).is_none() {
            return Err(outside("the symbol table"));
        }
        let (mut exported, mut has_entry) = (0, false);
        for index in 1..self.symbols {
            let symbol = self.symbol(index).ok_or_else(|| outside("the symbol table"))?;
            let name =
                self.dynamic.string(u64::from(symbol.name)).ok_or_else(|| outside("the name of a symbol"))?;
            self.check_symbol(&symbol).map_err(|cause| {
                damaged(format!("the symbol `{}` {cause}", String::from_utf8_lossy(name)))
            })?;
            if symbol.is_defined() && symbol.is_global() {
                exported += 1;
            }
            if name == ENTRY_SYMBOL.as_bytes() {
                self.check_entry(&symbol)?;
                has_entry = true;
            }
        }
        if has_entry {
            Ok(exported)
        } else {
            Err(LoadFault::new(LoadErrorCode::NotAPlugin, "the file does not export the entry of a plugin"))
        }
    }

    fn check_symbol(&self, symbol: &Symbol) -> Result<(), &'static str> {
        if !symbol.is_defined() {
            // The loader would take any other for defined in this file, at the address 0.
            return if symbol.is_global() && symbol.visibility == 0 {
                Ok(())
            } else {
                Err("is neither defined nor imported")
            };
        }
        let range = AddressRange { address: symbol.value, bytes: symbol.size };
        match symbol.kind() {
            // The loader calls such a function to find the address of another.
            kind if kind == STT_GNU_IFUNC.0 => Err("is an indirect function, which plugins may not export"),
            kind if kind == STT_TLS.0 => {
                let data = self.image.thread_local.as_ref();
                let all = data.map(|data| AddressRange { address: 0, bytes: data.memory_bytes });
                if all.is_some_and(|all| all.contains(range)) { Ok(()) } else { Err("is outside the file") }
            }
            _ if symbol.section == SHN_ABS || self.image.contains(range) => Ok(()),
            _ => Err("is outside the file"),
        }
    }

    /// The host reads this symbol as soon as the file is mapped.
    fn check_entry(&self, symbol: &Symbol) -> Result<(), LoadFault> {
        let header = AddressRange { address: symbol.value, bytes: size_of::<PluginHeaderData>() as u64 };
        let valid = symbol.is_defined()
            && symbol.section != SHN_ABS
            && symbol.kind() == STT_OBJECT.0
            && symbol.value.is_multiple_of(align_of::<PluginHeaderData>() as u64)
            && self.image.at(header).is_some();
        if valid {
            Ok(())
        } else {
            Err(LoadFault::new(LoadErrorCode::NotAPlugin, "the entry of the plugin is not data of the file"))
        }
    }

    /// Checks the relocations, and that everything that the loader will call is code of this file.
    fn check_functions(&self) -> Result<(), LoadFault> {
        let lists = [
            self.dynamic.table(DT_INIT_ARRAY, DT_INIT_ARRAYSZ)?,
            self.dynamic.table(DT_FINI_ARRAY, DT_FINI_ARRAYSZ)?,
        ];
        let mut functions = Vec::new();
        for relocation in self.relocations()? {
            if lists.iter().flatten().any(|list| list.contains(relocation.written)) {
                let target = relocation.target.filter(|target| self.image.is_executable(*target));
                if target.is_none() {
                    return Err(damaged("a function that runs at load or exit is not code of the file"));
                }
                functions.push(relocation.written.address);
            }
        }
        functions.sort_unstable();
        functions.dedup();
        let slots: u64 = lists.iter().flatten().map(|list| list.bytes / POINTER_BYTES).sum();
        let whole = lists.iter().flatten().all(|list| {
            list.bytes.is_multiple_of(POINTER_BYTES)
                && list.address.is_multiple_of(POINTER_BYTES)
                && (list.bytes == 0 || self.image.is_writable(*list))
        });
        // An entry that is not relocated would be called at its address in the file.
        if !whole || functions.len() as u64 != slots {
            return Err(damaged("a list of functions that run at load or exit is malformed"));
        }
        for tag in [DT_INIT, DT_FINI, DT_TLSDESC_PLT] {
            if self.dynamic.get(tag).is_some_and(|function| !self.image.is_executable(function)) {
                return Err(damaged("a function that runs at load or exit is not code of the file"));
            }
        }
        for tag in [DT_PLTGOT, DT_TLSDESC_GOT] {
            let pointer = |address| AddressRange { address, bytes: POINTER_BYTES };
            if self.dynamic.get(tag).is_some_and(|address| !self.image.contains(pointer(address))) {
                return Err(outside("the table of addresses"));
            }
        }
        Ok(())
    }

    fn relocations(&self) -> Result<Vec<Relocation>, LoadFault> {
        let mut relocations = Vec::new();
        let relative_count = self.dynamic.get(DT_RELACOUNT).unwrap_or(0);
        if let Some(table) = self.dynamic.table(DT_RELA, DT_RELASZ)? {
            if self.dynamic.required(DT_RELAENT)? != RELOCATION_BYTES {
                return Err(damaged("the table of relocations is malformed"));
            }
            self.read_relocations(table, relative_count, &mut relocations)?;
        } else if relative_count > 0 {
            return Err(damaged("the table of relocations is missing"));
        }
        if let Some(table) = self.dynamic.table(DT_JMPREL, DT_PLTRELSZ)? {
            if self.dynamic.required(DT_PLTREL)? != u64::try_from(DT_RELA.0).unwrap_or_default() {
                return Err(damaged("the table of relocations is malformed"));
            }
            self.read_relocations(table, 0, &mut relocations)?;
        }
        if let Some(table) = self.dynamic.table(DT_RELR, DT_RELRSZ)? {
            if self.dynamic.required(DT_RELRENT)? != POINTER_BYTES {
                return Err(damaged("the table of relocations is malformed"));
            }
            self.read_packed_relocations(table, &mut relocations)?;
        }
        Ok(relocations)
    }

    /// The loader applies the first `relative_count` entries as relative ones without reading their type.
    fn read_relocations(
        &self,
        table: AddressRange,
        relative_count: u64,
        relocations: &mut Vec<Relocation>,
    ) -> Result<(), LoadFault> {
        if !table.bytes.is_multiple_of(RELOCATION_BYTES) || self.image.at(table).is_none() {
            return Err(outside("the table of relocations"));
        }
        for index in 0..table.bytes / RELOCATION_BYTES {
            let at = table.address + index * RELOCATION_BYTES;
            let (Some(address), Some(info), Some(addend)) =
                (self.image.u64_at(at), self.image.u64_at(at + 8), self.image.u64_at(at + 16))
            else {
                return Err(outside("the table of relocations"));
            };
            let kind = u32::try_from(info & 0xffff_ffff).unwrap_or(u32::MAX);
            if index < relative_count && kind != relocation::RELATIVE {
                return Err(damaged("the number of relative relocations is wrong"));
            }
            let target = self.relocation_target(kind, info >> 32, addend)?;
            let words = if kind == relocation::THREAD_LOCAL_PAIR { 2 } else { 1 };
            let written = AddressRange { address, bytes: words * POINTER_BYTES };
            relocations.push(self.relocation(written, target)?);
        }
        Ok(())
    }

    /// The address that the relocation writes, if it is known.
    fn relocation_target(&self, kind: u32, symbol: u64, addend: u64) -> Result<Option<u64>, LoadFault> {
        let malformed = || damaged("a relocation refers to a symbol that does not exist");
        if kind == relocation::RELATIVE {
            return Ok(Some(addend));
        }
        let is_thread_local =
            relocation::THREAD_LOCAL.contains(&kind) || kind == relocation::THREAD_LOCAL_PAIR;
        if !is_thread_local && !relocation::SYMBOL.contains(&kind) {
            return Err(damaged(format!("a relocation has the type {kind}, which plugins may not use")));
        }
        let symbol = match symbol {
            0 if is_thread_local => None,
            0 => return Err(malformed()),
            index => Some(self.symbol(index).ok_or_else(malformed)?),
        };
        if symbol.as_ref().is_some_and(|symbol| (symbol.kind() == STT_TLS.0) != is_thread_local) {
            return Err(damaged("a relocation takes thread-local data for other data"));
        }
        let defined = symbol.as_ref().is_none_or(Symbol::is_defined);
        if is_thread_local && defined && self.image.thread_local.is_none() {
            return Err(damaged("the thread-local data is missing"));
        }
        Ok(symbol.filter(|symbol| symbol.is_defined()).map(|symbol| symbol.value.wrapping_add(addend)))
    }

    fn relocation(&self, written: AddressRange, target: Option<u64>) -> Result<Relocation, LoadFault> {
        if self.image.is_writable(written) && !self.image.dynamic.overlaps(written) {
            return Ok(Relocation { written, target });
        }
        Err(damaged("a relocation writes outside the data of the file"))
    }

    /// An even entry is an address; an odd one is a bit mask of the 63 words that follow.
    fn read_packed_relocations(
        &self,
        table: AddressRange,
        relocations: &mut Vec<Relocation>,
    ) -> Result<(), LoadFault> {
        if !table.bytes.is_multiple_of(POINTER_BYTES) || self.image.at(table).is_none() {
            return Err(outside("the table of relocations"));
        }
        let mut next = None;
        for index in 0..table.bytes / POINTER_BYTES {
            let entry = self
                .image
                .u64_at(table.address + index * POINTER_BYTES)
                .ok_or_else(|| outside("the table of relocations"))?;
            let word = |address: u64| AddressRange { address, bytes: POINTER_BYTES };
            if entry & 1 == 0 {
                relocations.push(self.relocation(word(entry), self.image.u64_at(entry))?);
                next = Some(entry + POINTER_BYTES);
                continue;
            }
            let first = next.ok_or_else(|| damaged("the table of relocations is malformed"))?;
            for bit in (0..63).filter(|bit| entry >> (bit + 1) & 1 == 1) {
                let address = first.saturating_add(bit * POINTER_BYTES);
                relocations.push(self.relocation(word(address), self.image.u64_at(address))?);
            }
            next = Some(first.saturating_add(63 * POINTER_BYTES));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
