//! The same functions where there is no sandbox: each says so.

use std::os::fd::OwnedFd;

use crate::error::SandboxError;

/// A library file, which is not kept: nothing opens it.
#[derive(Debug)]
pub struct PluginFile;

impl PluginFile {
    /// Closes the descriptor.
    pub fn new(_: OwnedFd) -> Self {
        Self
    }

    /// The name to give the loader: an empty one.
    pub fn name(&self) -> String {
        String::new()
    }
}

macro_rules! unsupported {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {
        $(
            /// Not on this system.
            ///
            /// # Errors
            /// Always [`SandboxError::Unsupported`].
            pub fn $name($(_: $argument),*) -> Result<$result, SandboxError> {
                Err(SandboxError::Unsupported)
            }
        )*
    };
}

unsupported! {
    close_inherited() -> ();
    end_with_parent(u32) -> ();
    limit_process(u64, u16) -> ();
    refuse_files_and_network() -> bool;
    prepare_thread(u32) -> ();
    handle_signals() -> ();
    install_filter(PluginFile) -> ();
}

/// Not on this system.
pub fn refuse_executable_memory() -> bool {
    false
}

/// Not on this system.
pub fn c_library() -> String {
    "an unknown C library".to_owned()
}

/// Not on this system.
pub fn give_back_memory() {}

/// Ends the process.
pub fn leave() -> ! {
    std::process::exit(159)
}
