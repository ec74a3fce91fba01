//! What hosts and the SDK need of `abi_stable`, under names of ours: no other crate names `abi_stable` itself.
//!
//! [`ffi`](crate::ffi) defines the binary surface and never changes. This file may: it holds only what
//! compiles into the host or the SDK, so nothing in a built plugin depends on it.

use abi_stable::library::{
    AbiHeaderRef, LibHeader, LibraryError, ROOT_MODULE_LOADER_NAME, ROOT_MODULE_LOADER_NAME_WITH_NUL,
};
use abi_stable::std_types::{RResult, RSlice, RVec};
use abi_stable::type_level::downcasting::TD_Opaque;

use crate::ffi::AbiIssuer_TO;
pub use crate::ffi::{AbiIssuer, IssuerBox, IssuerModule, IssuerModuleRef};
use crate::manifest::Manifest;

/// The symbol that every plugin exports: a static [`PluginHeader`].
pub const ENTRY_SYMBOL: &str = ROOT_MODULE_LOADER_NAME;

/// [`ENTRY_SYMBOL`] with a closing zero byte, as `dlsym` wants it.
pub const ENTRY_SYMBOL_WITH_NUL: &str = ROOT_MODULE_LOADER_NAME_WITH_NUL;

/// What [`ENTRY_SYMBOL`] points to. It starts with magic bytes and a version, which [`issuer_module`] checks.
pub type PluginHeader = AbiHeaderRef;

/// What [`PluginHeader`] refers to: its size and alignment are checked before the file is mapped.
pub type PluginHeaderData = LibHeader;

/// Why a header did not give a module: another `abi_stable`, another version of this crate, or another layout.
///
/// Its text can have up to 40 KB, because it lists both layouts. Log its first lines.
pub type SurfaceMismatch = LibraryError;

/// Bytes that the side which made them also frees, so that host and plugin may have different allocators.
pub type OwnedBytes = RVec<u8>;

/// Bytes that are lent for the duration of a call.
pub type BorrowedBytes<'a> = RSlice<'a, u8>;

/// The result of a call across the boundary. Both conversions exist: `From<Result<_, _>>` and `into_result()`.
pub type CallResult<T> = RResult<T, OwnedBytes>;

/// The function that makes an issuer of a [`Configuration`](crate::configuration::Configuration) in JSON. It never unwinds.
pub type CreateIssuer = extern "C" fn(BorrowedBytes<'_>) -> CallResult<IssuerBox>;

/// A plugin that is linked into the program of its host: what a file would state and export.
#[derive(Clone)]
#[non_exhaustive]
pub struct LinkedPlugin {
    /// What the file would state in its note.
    pub manifest: Manifest,
    /// What its module would export.
    pub create: CreateIssuer,
}

impl LinkedPlugin {
    /// A plugin with this manifest and this function.
    pub fn new(manifest: Manifest, create: CreateIssuer) -> Self {
        Self { manifest, create }
    }
}

/// The module of a plugin, after its header and the layout of the whole surface were checked.
///
/// # Errors
/// If the plugin was built against another surface than this host.
pub fn issuer_module(header: PluginHeader) -> Result<IssuerModuleRef, SurfaceMismatch> {
    // `RootModule::load_from_file` keeps one module per type, so it would answer for a second plugin with the first.
    header.upgrade()?.init_root_module::<IssuerModuleRef>()
}

/// Wraps an issuer so that it can cross the boundary.
pub fn issuer_box<T: AbiIssuer + 'static>(issuer: T) -> IssuerBox {
    AbiIssuer_TO::from_value(issuer, TD_Opaque)
}
