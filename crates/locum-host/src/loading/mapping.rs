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
use locum_abi::ffi::IssuerModuleRef;
use locum_abi::ffi::abi_stable::library::{AbiHeaderRef, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;

use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::loading::plugin_file::PluginFile;
use crate::loading::sha256::Sha256;

/// What was mapped before. Mappings are never undone, so the same bytes are mapped once for the whole process.
static MAPPED: Mutex<BTreeMap<Sha256, IssuerModuleRef>> = Mutex::new(BTreeMap::new());

/// The module of these bytes. They must have been pinned and inspected.
pub(crate) fn map(file: &PluginFile) -> Result<IssuerModuleRef, LoadFault> {
    let mut mapped = MAPPED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = mapped.get(&file.sha256) {
        return Ok(*module);
    }
    let memfd = sealed_memfd(file).map_err(|error| {
        LoadFault::new(LoadErrorCode::MappingRefused, format!("no executable memory for it: {error}"))
    })?;
    // Kept open for ever: the loader knows libraries by name, and with a number used twice it would take the next
    // plugin for this one.
    let name = format!("/proc/self/fd/{}", memfd.as_raw_fd());
    let _ = memfd.into_raw_fd();
    let module = open(&name)?;
    mapped.insert(file.sha256, module);
    Ok(module)
}

fn sealed_memfd(file: &PluginFile) -> std::io::Result<File> {
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

fn open(name: &str) -> Result<IssuerModuleRef, LoadFault> {
    // SAFETY: running the library's constructors is what the operator asked for by pinning these bytes. It is never
    // unloaded, so nothing that it hands out can dangle.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| LoadFault::new(LoadErrorCode::LoaderRefused, error.to_string()))?;
    // SAFETY: `elf::inspect` found this symbol, which abi_stable reserves for a static `LibHeader`; an `AbiHeaderRef`
    // is a reference to the start of one, and `upgrade` below checks the magic bytes there before it believes more.
    let header =
        unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL) }.map(|symbol| *symbol);
    // Leaked on purpose: never unloaded.
    let _ = library.into_raw();
    let header = header.map_err(|error| LoadFault::new(LoadErrorCode::NotAPlugin, error.to_string()))?;
    // Not `load_from_file` and its kin: those keep one module for each type, and answer the second plugin with the first.
    header.upgrade().and_then(|header| header.init_root_module::<IssuerModuleRef>()).map_err(abi_mismatch)
}

fn abi_mismatch(error: LibraryError) -> LoadFault {
    LoadFault::new(LoadErrorCode::AbiMismatch, error.to_string())
}
