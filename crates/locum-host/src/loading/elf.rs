//! Inspects a plugin file as ELF before the system's loader sees it: the loader trusts what it reads and runs
//! constructors.
//!
//! `image` checks the program headers, `dynamic` the dynamic section, `tables` and `versions` what the dynamic section refers to, and
//! `sections` that the section headers say the same. They check what the loader of glibc reads, in the way in which it
//! reads it. They do not check code and data: whether those do what they should is what a pin vouches for.

mod dynamic;
mod image;
mod sections;
mod tables;
mod versions;

use locum_abi::note;
use object::elf::ET_DYN;
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{FileKind, LittleEndian, Object as _};

use self::dynamic::DynamicSection;
use self::image::Image;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::loading::load_error::{LoadErrorCode, LoadFault};

#[cfg(target_arch = "x86_64")]
const MACHINE: object::elf::Machine = object::elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: object::elf::Machine = object::elf::EM_AARCH64;

/// Facts from a plugin's ELF headers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ElfFacts {
    /// The architecture the file is built for, as Rust names it.
    pub architecture: &'static str,
    /// The shared libraries it needs (`DT_NEEDED`): only those of the C library and the compiler are allowed.
    pub libraries: Vec<String>,
    /// Whether its linkage data become read-only before it runs (`PT_GNU_RELRO`).
    pub relro: bool,
    /// Whether it asks for all symbols to be resolved before it runs. The host does so in any case.
    pub bind_now: bool,
    /// The linker's build id in hex, if the file has one.
    pub build_id: Option<String>,
    /// The number of exported symbols. A plugin needs two.
    pub exported_symbols: usize,
}

/// Checks the file and finds its manifest.
pub(crate) fn inspect(bytes: &[u8]) -> Result<(&[u8], ElfFacts), LoadFault> {
    let file = parse(bytes)?;
    check_header(&file)?;
    let manifest = manifest(&file, bytes)?;
    let image = Image::parse(&file, bytes)?;
    let dynamic = DynamicSection::parse(&image)?;
    let tables = tables::check(&image, &dynamic)?;
    versions::check(&tables)?;
    sections::check(&file, &tables)?;
    let exported_symbols = tables.exported_symbols;
    let build_id = file.build_id().map_err(unparsable)?.map(hex::encode);
    let facts = ElfFacts {
        architecture: std::env::consts::ARCH,
        relro: image.has_relro,
        bind_now: dynamic.binds_now(),
        libraries: dynamic.libraries,
        build_id,
        exported_symbols,
    };
    Ok((manifest, facts))
}

/// Whether plugins may need a library of this name.
pub(crate) fn is_allowed_library(name: &str) -> bool {
    dynamic::ALLOWED_LIBRARIES.contains(&name)
}

type Elf<'a> = ElfFile64<'a, LittleEndian>;

fn parse(bytes: &[u8]) -> Result<Elf<'_>, LoadFault> {
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => {}
        Ok(FileKind::Elf32) => {
            return Err(LoadFault::new(LoadErrorCode::WrongArchitecture, "the file is a 32-bit ELF file"));
        }
        _ => return Err(LoadFault::new(LoadErrorCode::NotASharedObject, "the file is not an ELF file")),
    }
    // Byte 5 is the byte order. The parser below would report it only as a parse error.
    if bytes.get(5) == Some(&2) {
        return Err(LoadFault::new(LoadErrorCode::WrongArchitecture, "the file is a big-endian ELF file"));
    }
    Elf::parse(bytes).map_err(unparsable)
}

fn check_header(file: &Elf<'_>) -> Result<(), LoadFault> {
    let header = file.elf_header();
    if header.e_machine(LittleEndian) != MACHINE {
        let cause = format!("the file is not built for {}", std::env::consts::ARCH);
        return Err(LoadFault::new(LoadErrorCode::WrongArchitecture, cause));
    }
    if header.e_type(LittleEndian) != ET_DYN {
        return Err(LoadFault::new(
            LoadErrorCode::NotASharedObject,
            "the file is an ELF file, but not a shared object",
        ));
    }
    Ok(())
}

/// The manifest in the ELF note, found by program header: the system's loader ignores section names.
fn manifest<'a>(file: &Elf<'a>, bytes: &'a [u8]) -> Result<&'a [u8], LoadFault> {
    let mut found = None;
    for segment in file.elf_program_headers() {
        let Some(mut notes) = segment.notes(LittleEndian, bytes).map_err(unparsable)? else { continue };
        while let Some(note) = notes.next().map_err(unparsable)? {
            let ours = note::NAME.get(..note::NAME_BYTES as usize) == Some(note.name_bytes())
                && note.n_type(LittleEndian).0 == note::TYPE;
            if ours && found.replace(note.desc()).is_some() {
                return Err(LoadFault::new(
                    LoadErrorCode::ManifestUnreadable,
                    "the file contains two manifests",
                ));
            }
        }
    }
    match found {
        Some(manifest) if manifest.len() > MANIFEST_BYTES_MAX => {
            let cause = format!("the manifest is larger than {} KiB", MANIFEST_BYTES_MAX >> 10);
            Err(LoadFault::new(LoadErrorCode::ManifestUnreadable, cause))
        }
        Some(manifest) => Ok(manifest),
        None => Err(LoadFault::new(LoadErrorCode::NotAPlugin, "the file contains no manifest")),
    }
}

fn unparsable(error: object::Error) -> LoadFault {
    damaged(error.to_string())
}

fn damaged(cause: impl Into<String>) -> LoadFault {
    LoadFault::new(LoadErrorCode::Damaged, cause)
}

#[cfg(test)]
mod tests;
