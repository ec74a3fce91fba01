//! A loaded plugin, and the order of the checks by which it is loaded.

use std::path::{Path, PathBuf};

use locum_abi::boundary::IssuerModuleRef;
use locum_abi::manifest::Manifest;
use serde_json::Value;

use crate::calling::backend::Backend;
use crate::calling::health::PluginHealth;
use crate::calling::in_process::InProcessBackend;
use crate::isolation::{Isolation, ProcessScope};
use crate::limits::MANIFEST_BYTES_MAX;
use crate::loading::checked_manifest::CheckedManifest;
use crate::loading::elf::{self, ElfFacts};
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::mapping;
use crate::loading::pins::{Pin, Pins};
use crate::loading::plugin_file::PluginFile;
use crate::loading::settings_schema::SettingsSchema;
use crate::protections::Protections;
use crate::runner::{Plan, RunnerBackend, RunnerCommand, TenantRunners};
use crate::sha256::Sha256;

/// A loaded plugin.
pub struct Plugin {
    path: PathBuf,
    sha256: Sha256,
    manifest: Manifest,
    settings_schemas: Vec<SettingsSchema>,
    isolation: Isolation,
    isolate: ProcessScope,
    allows_signing_bytes: bool,
    backend: Box<dyn Backend>,
}

/// How plugins that are pinned for a process of their own are started.
#[derive(Clone, Copy)]
pub(crate) struct RunnerOptions<'a> {
    pub(crate) command: Option<&'a RunnerCommand>,
    pub(crate) strict_sandbox: bool,
}

impl Plugin {
    /// Loads a file. No code of it runs before pin, ELF headers and manifest are checked.
    pub(crate) fn load(path: &Path, pins: &Pins, how: RunnerOptions<'_>) -> Result<Self, LoadError> {
        Self::load_file(PluginFile::read(path)?, pins, how)
    }

    /// Loads the bytes of a file under its path.
    pub(crate) fn load_file(
        file: PluginFile,
        pins: &Pins,
        how: RunnerOptions<'_>,
    ) -> Result<Self, LoadError> {
        let path = file.path.as_path();
        let pin = pins.check(&file)?;
        let (isolation, isolate, allows_signing_bytes) =
            (pin.isolation, pin.isolate, pin.allow_signing_bytes);
        let (checked, elf) = check_manifest(&file).map_err(|fault| fault.at(path))?;
        check_tenant_key(&checked.manifest, pin).map_err(|fault| fault.at(path))?;
        let name = checked.manifest.name.as_str();
        let backend: Box<dyn Backend> = match isolation {
            Isolation::InProcess => {
                let module = mapping::map(&file).map_err(|fault| fault.at(path))?;
                check_described(module, &checked.json).map_err(|fault| fault.at(path))?;
                Box::new(InProcessBackend::new(module.create(), name))
            }
            Isolation::Runner => {
                let command = how.command.cloned().ok_or_else(|| no_runner().at(path))?;
                let plan = Plan::new(command, how.strict_sandbox, &file, elf, &checked.json);
                let started = plan.and_then(|plan| match isolate {
                    ProcessScope::Plugin => {
                        Ok(Box::new(RunnerBackend::start(name, plan)?) as Box<dyn Backend>)
                    }
                    ProcessScope::Tenant => Ok(Box::new(TenantRunners::start(name, plan)?)),
                });
                started.map_err(|fault| fault.at(path))?
            }
        };
        let CheckedManifest { manifest, settings_schemas, .. } = checked;
        tracing::info!(
            plugin = manifest.name,
            version = manifest.version,
            sha256 = %file.sha256,
            %isolation,
            "loaded {}",
            path.display()
        );
        Ok(Self {
            path: file.path,
            sha256: file.sha256,
            manifest,
            settings_schemas,
            isolation,
            isolate,
            allows_signing_bytes,
            backend,
        })
    }

    /// The file it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of the file.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The plugin's manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The level at which it runs, as its pin states it.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Which calls share a process, if it runs in processes of its own.
    pub fn process_scope(&self) -> ProcessScope {
        self.isolate
    }

    /// Whether its pin lets it have bytes that are not a JWT signed with the tenant's key.
    pub fn allows_signing_bytes(&self) -> bool {
        self.allows_signing_bytes
    }

    /// What the kernel adds to the sandbox of the plugin's own process; `None` in the host's process.
    pub fn protections(&self) -> Option<Protections> {
        self.backend.protections()
    }

    /// The state of its calls: how many run and how many hung, and whether it can be called.
    pub fn health(&self) -> PluginHealth {
        self.backend.health()
    }

    pub(crate) fn settings_schema(&self, issuer: usize) -> Option<&SettingsSchema> {
        self.settings_schemas.get(issuer)
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.backend
    }
}

fn check_manifest(file: &PluginFile) -> Result<(CheckedManifest, ElfFacts), LoadFault> {
    let (manifest, elf) = elf::inspect(&file.bytes)?;
    Ok((CheckedManifest::parse(manifest)?, elf))
}

/// Refuses a plugin that would be given the tenant's private key, unless it is trusted with the host's own memory and with
/// the key.
fn check_tenant_key(manifest: &Manifest, pin: &Pin) -> Result<(), LoadFault> {
    if !manifest.needs_tenant_key() || (pin.give_tenant_key && pin.isolation == Isolation::InProcess) {
        return Ok(());
    }
    let cause = "the plugin was built to be given the tenant's private key, and its pin does not allow that";
    Err(LoadFault::new(LoadErrorCode::TenantKeyNotGiven, cause))
}

fn no_runner() -> LoadFault {
    LoadFault::new(
        LoadErrorCode::RunnerUnavailable,
        "the file is pinned to run in a process of its own, and this program starts none; set `LoadOptions::runner`",
    )
}

/// Refuses code that states another manifest than its file: the operator read the file's manifest when pinning.
fn check_described(module: IssuerModuleRef, stated: &Value) -> Result<(), LoadFault> {
    let described = module.describe()();
    let described = match described.len() {
        0..=MANIFEST_BYTES_MAX => serde_json::from_slice::<Value>(&described).ok(),
        _ => None,
    };
    if described.as_ref() == Some(stated) {
        return Ok(());
    }
    Err(LoadFault::new(
        LoadErrorCode::ManifestMismatch,
        "the code states a different manifest than the file contains",
    ))
}
