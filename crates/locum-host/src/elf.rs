//! Reads a plugin file as ELF, before the system's loader may: that one trusts what it reads, and runs constructors.

use locum_abi::boundary::ENTRY_SYMBOL;
use locum_abi::note;
use object::elf::{ET_DYN, PT_LOAD};
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{FileKind, LittleEndian, Object as _, ObjectSymbol as _};

use crate::limits::MANIFEST_BYTES_MAX;
use crate::load_error::{Flaw, LoadErrorCode};

#[cfg(target_arch = "x86_64")]
const MACHINE: object::elf::Machine = object::elf::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: object::elf::Machine = object::elf::EM_AARCH64;

/// What is known of a plugin file without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ElfFacts {
    /// The machine it is made for, as Rust names it.
    pub architecture: &'static str,
    /// The shared libraries it needs.
    pub libraries: Vec<String>,
    /// The linker's build id, hex, if there is one.
    pub build_id: Option<String>,
    /// How many symbols it exports. A plugin needs two.
    pub exported_symbols: usize,
}

/// The manifest's bytes in the file, and what else is known of it.
pub(crate) fn inspect(bytes: &[u8]) -> Result<(&[u8], ElfFacts), Flaw> {
    let file = parse(bytes)?;
    check_header(&file)?;
    check_segments(&file, bytes.len() as u64)?;
    let exported_symbols = check_entry(&file)?;
    let manifest = manifest(&file, bytes)?;
    let libraries = file
        .import_libraries()
        .map_err(damaged)?
        .map(|library| Ok(String::from_utf8_lossy(library.map_err(damaged)?.name()).into_owned()))
        .collect::<Result<_, Flaw>>()?;
    let build_id = file.build_id().map_err(damaged)?.map(hex);
    let facts = ElfFacts { architecture: std::env::consts::ARCH, libraries, build_id, exported_symbols };
    Ok((manifest, facts))
}

type Elf<'a> = ElfFile64<'a, LittleEndian>;

fn parse(bytes: &[u8]) -> Result<Elf<'_>, Flaw> {
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf64) => {}
        Ok(FileKind::Elf32) => {
            return Err(Flaw::new(LoadErrorCode::WrongArchitecture, "it is a 32-bit file"));
        }
        _ => return Err(Flaw::new(LoadErrorCode::NotASharedObject, "it is not an ELF file")),
    }
    // Byte 5 says the byte order; the parser below would only say that it cannot read the file.
    if bytes.get(5) == Some(&2) {
        return Err(Flaw::new(LoadErrorCode::WrongArchitecture, "it is a big-endian file"));
    }
    Elf::parse(bytes).map_err(damaged)
}

fn check_header(file: &Elf<'_>) -> Result<(), Flaw> {
    let header = file.elf_header();
    if header.e_machine(LittleEndian) != MACHINE {
        let cause = format!("it is not made for {}", std::env::consts::ARCH);
        return Err(Flaw::new(LoadErrorCode::WrongArchitecture, cause));
    }
    if header.e_type(LittleEndian) != ET_DYN {
        return Err(Flaw::new(LoadErrorCode::NotASharedObject, "it is ELF, but not a shared object"));
    }
    Ok(())
}

/// A segment that reaches past the end of the file becomes a SIGBUS inside the system's loader.
fn check_segments(file: &Elf<'_>, file_bytes: u64) -> Result<(), Flaw> {
    let mut loaded = 0;
    for segment in file.elf_program_headers() {
        let (offset, size) = segment.file_range(LittleEndian);
        if offset.checked_add(size).is_none_or(|end| end > file_bytes) {
            return Err(Flaw::new(LoadErrorCode::Damaged, "it ends before its segments do"));
        }
        if segment.p_type(LittleEndian) == PT_LOAD {
            loaded += 1;
            if segment.p_memsz(LittleEndian) < size {
                return Err(Flaw::new(
                    LoadErrorCode::Damaged,
                    "a segment is larger in the file than in memory",
                ));
            }
        }
    }
    if loaded == 0 {
        return Err(Flaw::new(LoadErrorCode::Damaged, "it has nothing to load"));
    }
    Ok(())
}

fn check_entry(file: &Elf<'_>) -> Result<usize, Flaw> {
    let exported: Vec<_> =
        file.dynamic_symbols().filter(|symbol| symbol.is_definition() && symbol.is_global()).collect();
    let entry = exported.iter().any(|symbol| symbol.name_bytes() == Ok(ENTRY_SYMBOL.as_bytes()));
    if entry {
        Ok(exported.len())
    } else {
        Err(Flaw::new(LoadErrorCode::NotAPlugin, "it does not export a plugin's entry"))
    }
}

/// The manifest, from the note that the system's loader would map; section names play no part in loading.
fn manifest<'a>(file: &Elf<'a>, bytes: &'a [u8]) -> Result<&'a [u8], Flaw> {
    let mut found = None;
    for segment in file.elf_program_headers() {
        let Some(mut notes) = segment.notes(LittleEndian, bytes).map_err(damaged)? else { continue };
        while let Some(note) = notes.next().map_err(damaged)? {
            let ours = note::NAME.get(..note::NAME_BYTES as usize) == Some(note.name_bytes())
                && note.n_type(LittleEndian).0 == note::TYPE;
            if ours && found.replace(note.desc()).is_some() {
                return Err(Flaw::new(LoadErrorCode::ManifestUnreadable, "it holds two manifests"));
            }
        }
    }
    match found {
        Some(manifest) if manifest.len() > MANIFEST_BYTES_MAX => {
            let cause = format!("the manifest has more than {} KiB", MANIFEST_BYTES_MAX >> 10);
            Err(Flaw::new(LoadErrorCode::ManifestUnreadable, cause))
        }
        Some(manifest) => Ok(manifest),
        None => Err(Flaw::new(LoadErrorCode::NotAPlugin, "it holds no manifest")),
    }
}

fn damaged(error: object::Error) -> Flaw {
    Flaw::new(LoadErrorCode::Damaged, error.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
