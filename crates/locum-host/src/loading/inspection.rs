//! All that can be known of a plugin file without running it.

use std::path::{Path, PathBuf};

use locum_abi::manifest::Manifest;

use crate::loading::checked_manifest::CheckedManifest;
use crate::loading::elf::{self, ElfFacts};
use crate::loading::load_error::LoadError;
use crate::loading::pins::Pin;
use crate::loading::plugin_file::{PluginFile, file_name};
use crate::loading::sha256::Sha256;

/// What a plugin file says of itself. No pin is needed for this: nothing of the file runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Its size.
    pub bytes: u64,
    /// What it is as an ELF file.
    pub elf: ElfFacts,
    /// Who it is and what it promises.
    pub manifest: Manifest,
}

impl Inspection {
    /// The pin that lets this file be loaded.
    pub fn pin(&self) -> Pin {
        Pin {
            file: file_name(&self.path),
            sha256: self.sha256,
            name: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
        }
    }
}

/// Reads a plugin file.
///
/// # Errors
/// Why this file could not be loaded, as far as that shows without running it.
pub fn inspect(path: &Path) -> Result<Inspection, LoadError> {
    let file = PluginFile::read(path)?;
    let (manifest, elf) = elf::inspect(&file.bytes).map_err(|fault| fault.at(path))?;
    let CheckedManifest { manifest, .. } =
        CheckedManifest::parse(manifest).map_err(|fault| fault.at(path))?;
    Ok(Inspection { path: file.path, sha256: file.sha256, bytes: file.bytes.len() as u64, elf, manifest })
}
