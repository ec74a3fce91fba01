//! Inspects a plugin file as ELF before the system's loader sees it: the loader trusts what it reads and runs
//! constructors.

use locum_abi::boundary::ENTRY_SYMBOL;
use locum_abi::note;
use object::elf::{ET_DYN, PT_LOAD};
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{FileKind, LittleEndian, Object as _, ObjectSymbol as _};

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
    /// The shared libraries it needs (`DT_NEEDED`).
    pub libraries: Vec<String>,
    /// The linker's build id in hex, if the file has one.
    pub build_id: Option<String>,
    /// The number of exported symbols. A plugin needs two.
    pub exported_symbols: usize,
}

/// Checks the file and finds its manifest.
pub(crate) fn inspect(bytes: &[u8]) -> Result<(&[u8], ElfFacts), LoadFault> {
    let file = parse(bytes)?;
    check_header(&file)?;
    check_segments(&file, bytes.len() as u64)?;
    let exported_symbols = check_entry(&file)?;
    let manifest = manifest(&file, bytes)?;
    let libraries = file
        .import_libraries()
        .map_err(damaged)?
        .map(|library| Ok(String::from_utf8_lossy(library.map_err(damaged)?.name()).into_owned()))
        .collect::<Result<_, LoadFault>>()?;
    let build_id = file.build_id().map_err(damaged)?.map(hex::encode);
    let facts = ElfFacts { architecture: std::env::consts::ARCH, libraries, build_id, exported_symbols };
    Ok((manifest, facts))
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
    Elf::parse(bytes).map_err(damaged)
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

/// A segment that reaches past the end of the file would cause a SIGBUS inside the system's loader.
fn check_segments(file: &Elf<'_>, file_bytes: u64) -> Result<(), LoadFault> {
    let mut loaded = 0;
    for segment in file.elf_program_headers() {
        let (offset, size) = segment.file_range(LittleEndian);
        if offset.checked_add(size).is_none_or(|end| end > file_bytes) {
            return Err(LoadFault::new(LoadErrorCode::Damaged, "the file ends before its last segment"));
        }
        if segment.p_type(LittleEndian) == PT_LOAD {
            loaded += 1;
            if segment.p_memsz(LittleEndian) < size {
                return Err(LoadFault::new(
                    LoadErrorCode::Damaged,
                    "a segment is larger in the file than in memory",
                ));
            }
        }
    }
    if loaded == 0 {
        return Err(LoadFault::new(LoadErrorCode::Damaged, "the file has no loadable segment"));
    }
    Ok(())
}

fn check_entry(file: &Elf<'_>) -> Result<usize, LoadFault> {
    let exported: Vec<_> =
        file.dynamic_symbols().filter(|symbol| symbol.is_definition() && symbol.is_global()).collect();
    let entry = exported.iter().any(|symbol| symbol.name_bytes() == Ok(ENTRY_SYMBOL.as_bytes()));
    if entry {
        Ok(exported.len())
    } else {
        Err(LoadFault::new(LoadErrorCode::NotAPlugin, "the file does not export the entry of a plugin"))
    }
}

/// The manifest in the ELF note, found by program header: the system's loader ignores section names.
fn manifest<'a>(file: &Elf<'a>, bytes: &'a [u8]) -> Result<&'a [u8], LoadFault> {
    let mut found = None;
    for segment in file.elf_program_headers() {
        let Some(mut notes) = segment.notes(LittleEndian, bytes).map_err(damaged)? else { continue };
        while let Some(note) = notes.next().map_err(damaged)? {
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

fn damaged(error: object::Error) -> LoadFault {
    LoadFault::new(LoadErrorCode::Damaged, error.to_string())
}
