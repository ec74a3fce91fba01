//! Everything that can be read from a plugin file without running it.

use std::path::{Path, PathBuf};

use locum_abi::manifest::Manifest;

use crate::isolation::Isolation;
use crate::loading::checked_manifest::CheckedManifest;
use crate::loading::elf::{self, ElfFacts};
use crate::loading::load_error::LoadError;
use crate::loading::pins::Pin;
use crate::loading::plugin_file::{PluginFile, file_name};
use crate::sha256::Sha256;

/// What a plugin file contains and declares. Reading it needs no pin, because nothing of the file runs.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// The file.
    pub path: PathBuf,
    /// The SHA-256 of the file.
    pub sha256: Sha256,
    /// The size of the file in bytes.
    pub bytes: u64,
    /// Facts from the ELF headers.
    pub elf: ElfFacts,
    /// The plugin's manifest.
    pub manifest: Manifest,
}

impl Inspection {
    /// The pin that permits loading this file into a process of its own, without signed bytes and private keys.
    /// [`Pin::at`] sets another level.
    pub fn pin(&self) -> Pin {
        Pin {
            file: file_name(&self.path),
            sha256: self.sha256,
            next_sha256: None,
            name: self.manifest.name.clone(),
            version: self.manifest.version.clone(),
            isolation: Isolation::Runner,
            allow_signing_bytes: false,
            give_tenant_key: false,
        }
    }
}

/// Inspects a plugin file without running it.
///
/// # Errors
/// The reasons for which loading would refuse the file, except those that show only when it is mapped.
pub fn inspect(path: &Path) -> Result<Inspection, LoadError> {
    let file = PluginFile::read(path)?;
    let (manifest, elf) = elf::inspect(&file.bytes).map_err(|fault| fault.at(path))?;
    let CheckedManifest { manifest, .. } =
        CheckedManifest::parse(manifest).map_err(|fault| fault.at(path))?;
    Ok(Inspection { path: file.path, sha256: file.sha256, bytes: file.bytes.len() as u64, elf, manifest })
}
