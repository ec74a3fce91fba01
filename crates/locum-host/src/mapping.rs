//! Maps plugin bytes and finds their entry: the one file of this crate that holds unsafe code.
//!
//! The bytes go into a sealed memfd, so that what was hashed and inspected is what is mapped, whatever happens to the
//! file meanwhile. Mapping runs the constructors of the library: nothing can be checked before them but the bytes.
#![expect(unsafe_code, reason = "a library is opened and its entry read; the proofs stand at each place")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, IntoRawFd as _};
use std::sync::{Mutex, PoisonError};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use locum_abi::boundary::{
    ENTRY_SYMBOL_WITH_NUL, IssuerModuleRef, PluginHeader, SurfaceMismatch, issuer_module,
};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use crate::bytes::PluginBytes;
use crate::load_error::{Flaw, LoadErrorCode};
use crate::sha256::Sha256;

/// What was mapped before. Mappings are never undone, so the same bytes are mapped once for the whole process.
static MAPPED: Mutex<BTreeMap<Sha256, IssuerModuleRef>> = Mutex::new(BTreeMap::new());

/// The module of these bytes. They must have been pinned and inspected.
pub(crate) fn map(file: &PluginBytes) -> Result<IssuerModuleRef, Flaw> {
    let mut mapped = MAPPED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = mapped.get(&file.sha256) {
        return Ok(*module);
    }
    let memfd = sealed_memfd(file).map_err(|error| {
        Flaw::new(LoadErrorCode::MappingRefused, format!("no executable memory for it: {error}"))
    })?;
    // Kept open for ever: the loader knows libraries by name, and with a number used twice it would take the next
    // plugin for this one.
    let name = format!("/proc/self/fd/{}", memfd.as_raw_fd());
    let _ = memfd.into_raw_fd();
    let module = open(&name)?;
    mapped.insert(file.sha256, module);
    Ok(module)
}

fn sealed_memfd(file: &PluginBytes) -> std::io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know EXEC; there a memfd can be executed without it.
    let memfd = match memfd_create(file.file_name(), flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(file.file_name(), flags),
        memfd => memfd,
    }?;
    let mut memfd = File::from(memfd);
    memfd.write_all(&file.bytes)?;
    fcntl_add_seals(&memfd, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(memfd)
}

fn open(name: &str) -> Result<IssuerModuleRef, Flaw> {
    // SAFETY: running the library's constructors is what the operator asked for by pinning these bytes. It is never
    // unloaded, so nothing that it hands out can dangle.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| Flaw::new(LoadErrorCode::LoaderRefused, error.to_string()))?;
    // SAFETY: `elf::inspect` found this symbol, which is reserved for a static header; a `PluginHeader` is a reference
    // to the start of one, and `issuer_module` below checks the magic bytes there before it believes more.
    let header = unsafe { library.get::<PluginHeader>(ENTRY_SYMBOL_WITH_NUL) }.map(|symbol| *symbol);
    // Leaked on purpose: never unloaded.
    let _ = library.into_raw();
    let header = header.map_err(|error| Flaw::new(LoadErrorCode::NotAPlugin, error.to_string()))?;
    issuer_module(header).map_err(abi_mismatch)
}

fn abi_mismatch(error: SurfaceMismatch) -> Flaw {
    Flaw::new(LoadErrorCode::AbiMismatch, error.to_string())
}
