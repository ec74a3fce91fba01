//! The versions of symbols: which versions of its libraries a plugin needs, which it defines, and which symbol has which.

use object::elf::{DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM, DT_VERSYM};

use super::damaged;
use super::dynamic::outside;
use super::image::AddressRange;
use super::tables::Tables;
use crate::loading::load_error::LoadFault;

/// The bit of a version's number that hides a symbol.
const HIDDEN: u16 = 0x8000;

/// Checks the tables of versions, if there are any.
pub(super) fn check(tables: &Tables<'_, '_>) -> Result<(), LoadFault> {
    let malformed = || damaged("the table of versions is malformed");
    let needed = tables.dynamic.table(DT_VERNEED, DT_VERNEEDNUM)?;
    let defined = tables.dynamic.table(DT_VERDEF, DT_VERDEFNUM)?;
    if needed.is_none() && defined.is_none() {
        // Then the loader reads no versions.
        return Ok(());
    }
    let mut highest = 1;
    if let Some(needed) = needed {
        highest = highest.max(highest_needed(tables, needed.address).ok_or_else(malformed)?);
    }
    if let Some(defined) = defined {
        highest = highest.max(highest_defined(tables, defined.address).ok_or_else(malformed)?);
    }
    let of_symbols = AddressRange {
        address: tables.dynamic.required(DT_VERSYM)?,
        bytes: tables.symbols.saturating_mul(2),
    };
    let versions = tables.image.at(of_symbols).ok_or_else(|| outside("the table of symbol versions"))?;
    let known = versions.chunks_exact(2).all(|version| match version {
        [low, high] => u16::from_le_bytes([*low, *high]) & !HIDDEN <= highest,
        _ => false,
    });
    if known { Ok(()) } else { Err(malformed()) }
}

/// Walks the needed versions as the loader does: by offsets, not by the number of entries. `None` if an offset leaves the
/// file, or if a library with versions is not a needed one, which the loader asserts.
fn highest_needed(tables: &Tables<'_, '_>, table: u64) -> Option<u16> {
    let (image, dynamic) = (tables.image, tables.dynamic);
    let (mut library, mut highest) = (table, 0);
    let mut steps_left = u16::MAX;
    loop {
        let file = dynamic.string(u64::from(image.u32_at(library.checked_add(4)?)?))?;
        if image.u16_at(library)? != 1 || !dynamic.libraries.iter().any(|name| name.as_bytes() == file) {
            return None;
        }
        let mut version = library.checked_add(u64::from(image.u32_at(library + 8)?))?;
        loop {
            steps_left = steps_left.checked_sub(1)?;
            dynamic.string(u64::from(image.u32_at(version.checked_add(8)?)?))?;
            highest = highest.max(image.u16_at(version + 6)? & !HIDDEN);
            match image.u32_at(version + 12)? {
                0 => break,
                next => version = version.checked_add(u64::from(next))?,
            }
        }
        match image.u32_at(library + 12)? {
            0 => return Some(highest),
            next => library = library.checked_add(u64::from(next))?,
        }
    }
}

/// Walks the defined versions; the loader reads only the first name of each.
fn highest_defined(tables: &Tables<'_, '_>, table: u64) -> Option<u16> {
    let (image, dynamic) = (tables.image, tables.dynamic);
    let (mut version, mut highest) = (table, 0);
    loop {
        if image.u16_at(version)? != 1 {
            return None;
        }
        highest = highest.max(image.u16_at(version.checked_add(4)?)? & !HIDDEN);
        let name = version.checked_add(u64::from(image.u32_at(version.checked_add(12)?)?))?;
        dynamic.string(u64::from(image.u32_at(name)?))?;
        match image.u32_at(version.checked_add(16)?)? {
            0 => return Some(highest),
            next => version = version.checked_add(u64::from(next))?,
        }
    }
}

#[cfg(test)]
mod tests;
