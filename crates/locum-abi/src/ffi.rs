//! The frozen surface: the one file that names `abi_stable`, and the one that holds unsafe code.
//!
//! **Do not edit.** `abi_stable` refuses an old plugin in a new host when so much as a field is added here
//! (measured: FieldCountMismatch), whatever the additions' defaults. What must evolve does so in the JSON messages.
//! A test keeps this file's hash.
#![allow(non_local_definitions, reason = "abi_stable's derive writes impls inside a const")]
#![allow(missing_docs, reason = "abi_stable's derives generate items without docs")]
#![allow(unsafe_code, reason = "abi_stable's derives expand to it")]
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "generated code"
)]

pub use abi_stable;
use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_trait;
use abi_stable::sabi_types::VersionStrings;
pub use abi_stable::std_types::{RBox, RErr, ROk, RResult, RSlice, RVec};

/// A ready issuer on the other side of the border.
#[sabi_trait]
pub trait AbiIssuer: Send + Sync {
    /// Runs one operation. Both results are JSON: a [`Reply`](crate::answer::Reply) or a
    /// [`Failure`](crate::answer::Failure). It never unwinds.
    #[sabi(last_prefix_field)]
    fn call(
        &self,
        op: u32,
        now_unix_ms: u64,
        entropy: RSlice<'_, u8>,
        input: RSlice<'_, u8>,
    ) -> RResult<RVec<u8>, RVec<u8>>;
}

/// An owned issuer that can cross the border.
pub type IssuerBox = AbiIssuer_TO<'static, RBox<()>>;

/// What a plugin exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = IssuerModuleRef)))]
pub struct IssuerModule {
    /// The manifest as JSON.
    pub describe: extern "C" fn() -> RVec<u8>,
    /// Makes an issuer ready from a [`Configuration`](crate::configuration::Configuration) in JSON.
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(RSlice<'_, u8>) -> RResult<IssuerBox, RVec<u8>>,
}

impl RootModule for IssuerModuleRef {
    abi_stable::declare_root_module_statics! { IssuerModuleRef }
    const BASE_NAME: &'static str = "locum_issuer";
    const NAME: &'static str = "locum_issuer";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// Exports a plugin: its module under the symbol that hosts look for, and its manifest as an ELF note.
///
/// Called by `locum_plugin::export_plugin!`; nobody else needs it.
#[doc(hidden)]
#[macro_export]
macro_rules! export_module {
    (describe: $describe:path, create: $create:path, manifest: $manifest:expr $(,)?) => {
        const _: () = {
            use $crate::ffi::abi_stable::library as __library;
            use $crate::ffi::abi_stable::prefix_type::PrefixTypeTrait as _;

            #[cfg(not(panic = "unwind"))]
            compile_error!(
                "a Locum plugin must be built with panic = \"unwind\": with \"abort\" one panic ends the whole host"
            );

            fn module() -> $crate::ffi::IssuerModuleRef {
                $crate::ffi::IssuerModule { describe: $describe, create: $create }.leak_into_prefix()
            }

            extern "C" fn erased_module() -> __library::RootModuleResult {
                __library::__call_root_module_loader(module)
            }

            // The name is abi_stable's `ROOT_MODULE_LOADER_NAME`.
            #[unsafe(no_mangle)]
            static _1as_0lib_1header_0root_bmodule_bloader: __library::LibHeader =
                // SAFETY: `erased_module` gives the `IssuerModuleRef` that the type parameter names.
                unsafe {
                    __library::LibHeader::from_constructor::<$crate::ffi::IssuerModuleRef>(
                        erased_module,
                        __library::CheckTypeLayout::Yes,
                    )
                };

            const MANIFEST: &str = $manifest;

            #[used]
            #[unsafe(no_mangle)]
            #[unsafe(link_section = ".note.locum")]
            static LOCUM_MANIFEST_NOTE: $crate::note::ManifestNote<{ MANIFEST.len() }> =
                $crate::note::ManifestNote::new(MANIFEST);
        };
    };
}
