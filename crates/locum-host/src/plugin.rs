//! A plugin: from a path to something that can be called, one check after the other, and nothing runs before the last.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::boundary::IssuerModuleRef;
use locum_abi::manifest::Manifest;
use serde_json::Value;

use crate::backend::{Backend, Isolation};
use crate::bytes::PluginBytes;
use crate::elf;
use crate::in_process::InProcess;
use crate::limits::MANIFEST_BYTES_MAX;
use crate::load_error::{Flaw, LoadError, LoadErrorCode};
use crate::mapping;
use crate::pins::Pins;
use crate::promises::Promises;
use crate::settings::SettingsSchema;
use crate::sha256::Sha256;
use crate::supervision::{Health, Supervision};
use crate::workers::Workers;

/// A plugin that is loaded.
pub struct Plugin {
    path: PathBuf,
    sha256: Sha256,
    manifest: Manifest,
    settings: Vec<SettingsSchema>,
    supervision: Arc<Supervision>,
    backend: Box<dyn Backend>,
}

impl Plugin {
    /// Loads a file: read once, pin, ELF, manifest, and only then what runs code of it.
    pub(crate) fn load(
        path: &Path,
        pins: &Pins,
        isolation: Isolation,
        workers: &Arc<Workers>,
    ) -> Result<Self, LoadError> {
        let file = PluginBytes::read(path)?;
        pins.check(&file)?;
        let promises = promises(&file).map_err(|flaw| flaw.of(path))?;
        let supervision = Arc::new(Supervision::new(&promises.manifest.name, Arc::clone(workers)));
        let backend: Box<dyn Backend> = match isolation {
            Isolation::InProcess => {
                let module = mapping::map(&file).map_err(|flaw| flaw.of(path))?;
                check_described(module, &promises.stated).map_err(|flaw| flaw.of(path))?;
                Box::new(InProcess::new(module, Arc::clone(&supervision)))
            }
        };
        let Promises { manifest, settings, .. } = promises;
        tracing::info!(
            plugin = manifest.name,
            version = manifest.version,
            sha256 = %file.sha256,
            "loaded {}",
            path.display()
        );
        Ok(Self { path: file.path, sha256: file.sha256, manifest, settings, supervision, backend })
    }

    /// The file it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hash of its bytes.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Who it is and what it promises.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.supervision.health()
    }

    pub(crate) fn settings(&self, issuer: usize) -> Option<&SettingsSchema> {
        self.settings.get(issuer)
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }
}

fn promises(file: &PluginBytes) -> Result<Promises, Flaw> {
    let (manifest, _) = elf::inspect(&file.bytes)?;
    Promises::read(manifest)
}

/// The code must state what the file states: the pin was given for the latter.
fn check_described(module: IssuerModuleRef, stated: &Value) -> Result<(), Flaw> {
    let described = module.describe()();
    let described = match described.len() {
        0..=MANIFEST_BYTES_MAX => serde_json::from_slice::<Value>(&described).ok(),
        _ => None,
    };
    if described.as_ref() == Some(stated) {
        return Ok(());
    }
    Err(Flaw::new(LoadErrorCode::ManifestMismatch, "its code states another manifest than its file"))
}
