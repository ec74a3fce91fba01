//! Maps plugin bytes and finds their entry: the only file of this crate with unsafe code.
//!
//! The bytes go into a sealed memfd, so that the bytes that were hashed and inspected are the bytes that are mapped,
//! whatever happens to the file in between. Mapping runs the library's constructors, so every check of the bytes must
//! precede it.
#![expect(unsafe_code, reason = "opens a library and reads its entry; each block has its SAFETY comment")]

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

use crate::loading::elf;
use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::loading::plugin_file::PluginFile;
use crate::sha256::Sha256;

/// All mapped files. A mapping is never undone, so the same bytes are mapped once per process.
static MAPPED: Mutex<BTreeMap<Sha256, IssuerModuleRef>> = Mutex::new(BTreeMap::new());

/// Maps the file, which must have been pinned and inspected, and returns its module.
pub(crate) fn map(file: &PluginFile) -> Result<IssuerModuleRef, LoadFault> {
    let mut mapped = MAPPED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(module) = mapped.get(&file.sha256) {
        return Ok(*module);
    }
    let memfd = sealed_memfd(&file.file_name(), &file.bytes).map_err(|error| {
        LoadFault::new(
            LoadErrorCode::MappingRefused,
            format!("the system refuses executable memory: {error}"),
        )
    })?;
    // Never closed: the loader identifies libraries by name. If the descriptor's number were reused, it would return
    // this library for the next plugin.
    let name = format!("/proc/self/fd/{}", memfd.as_raw_fd());
    let _ = memfd.into_raw_fd();
    let module = open(&name)?;
    mapped.insert(file.sha256, module);
    Ok(module)
}

/// A copy of a file in memory that nobody can change.
pub(crate) fn sealed_memfd(name: &str, bytes: &[u8]) -> std::io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // Kernels before 6.3 do not know EXEC; their memfds are executable without it.
    let memfd = match memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(Errno::INVAL) => memfd_create(name, flags),
        memfd => memfd,
    }?;
    let mut memfd = File::from(memfd);
    memfd.write_all(bytes)?;
    seal(&memfd)?;
    Ok(memfd)
}

/// Seals a memory file that was never mapped.
fn seal(memfd: &File) -> rustix::io::Result<()> {
    let others = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
    // WRITE is refused while anybody holds a page, as the kernel does for moments when it reclaims or moves memory. It would
    // only add that nobody has mapped the file for writing, and nobody has.
    match fcntl_add_seals(memfd, others | SealFlags::FUTURE_WRITE) {
        // Kernels before 5.1 know WRITE only.
        Err(Errno::INVAL) => fcntl_add_seals(memfd, others | SealFlags::WRITE),
        sealed => sealed,
    }
}

/// Opens a plugin, which must have been pinned and inspected, by a name of its copy in memory.
pub(crate) fn open(name: &str) -> Result<IssuerModuleRef, LoadFault> {
    // SAFETY: the operator agreed to run the library's constructors by pinning these bytes. The library is never
    // unloaded, so nothing that it returns can dangle.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| LoadFault::new(LoadErrorCode::LoaderRefused, error.to_string()))?;
    // SAFETY: `elf::inspect` found this symbol, which is reserved for a static header; a `PluginHeader` is a reference
    // to the start of one, and `issuer_module` below checks the magic bytes before it reads further.
    let header = unsafe { library.get::<PluginHeader>(ENTRY_SYMBOL_WITH_NUL) }.map(|symbol| *symbol);
    // Leaked on purpose, so that the library is never unloaded.
    let _ = library.into_raw();
    let header = header.map_err(|error| LoadFault::new(LoadErrorCode::NotAPlugin, error.to_string()))?;
    issuer_module(header).map_err(abi_mismatch)
}

/// Opens the libraries that a plugin needs, while files can still be opened. The plugin's inspection has allowed each of
/// them by name: they are the C library's and the compiler's.
pub(crate) fn open_libraries(names: &[String]) -> Result<(), LoadFault> {
    for name in names.iter().filter(|name| elf::is_allowed_library(name)) {
        // SAFETY: these are libraries of the system, whose constructors every program runs. It is never unloaded.
        let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|error| LoadFault::new(LoadErrorCode::LoaderRefused, error.to_string()))?;
        let _ = library.into_raw();
    }
    Ok(())
}

/// Opens the library that is no plugin and does nothing, by the name of its copy in memory.
pub(crate) fn open_trial(name: &str) -> Result<(), LoadFault> {
    // SAFETY: the host wrote this library itself; its one function returns at once. It is never unloaded.
    let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) }
        .map_err(|error| LoadFault::new(LoadErrorCode::LoaderRefused, error.to_string()))?;
    let _ = library.into_raw();
    Ok(())
}

fn abi_mismatch(error: SurfaceMismatch) -> LoadFault {
    LoadFault::new(LoadErrorCode::AbiMismatch, error.to_string())
}

#[cfg(test)]
mod tests {
    use rustix::fs::sendfile;

    use super::*;

    #[test]
    fn a_copy_is_sealed_while_the_kernel_holds_a_page_of_it() {
        let mut copy = File::from(memfd_create("held", MemfdFlags::ALLOW_SEALING).unwrap());
        copy.write_all(b"plugin").unwrap();
        let (_reader, writer) = std::io::pipe().unwrap();
        assert_eq!(sendfile(&writer, &copy, Some(&mut 0), 6), Ok(6));
        // The pipe holds the page itself, or this test would show nothing.
        assert_eq!(fcntl_add_seals(&copy, SealFlags::WRITE), Err(Errno::BUSY));
        assert_eq!(seal(&copy), Ok(()));
    }
}
