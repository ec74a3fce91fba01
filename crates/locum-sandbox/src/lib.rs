//! Takes every power but computing from the process that runs a plugin, and names what ended that process.
//!
//! A process calls, in this order: [`close_inherited`] before it opens anything, [`end_with_parent`],
//! [`limit_process`], [`refuse_files_and_network`] while it has one thread, [`prepare_thread`] in each of its threads,
//! [`handle_signals`] and [`install_filter`]. What it does after that can allocate memory, compute, and read and write the
//! descriptors that are open. Any other system call ends the process, and it says on its standard input, a socket,
//! which call that was and which thread made it: a [`Death`].
//!
//! A library can still be opened after that, once: [`PluginFile`] says how.
//!
//! **Only `system.rs` contains unsafe code.** Linux on x86_64 with glibc only; elsewhere [`SUPPORTED`] is false and every
//! function answers [`SandboxError::Unsupported`].
#![deny(unsafe_code)]

mod death;
mod error;
mod system_calls;

pub use death::{Death, DeathCause};
pub use error::SandboxError;

/// Whether this build has a sandbox.
pub const SUPPORTED: bool = cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"));

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod filter;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod limits;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod no_files;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod system;

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
pub use self::{
    filter::{PluginFile, install_filter},
    limits::{end_with_parent, limit_process},
    no_files::refuse_files_and_network,
    system::{
        c_library, close_inherited, give_back_memory, handle_signals, leave, prepare_thread,
        refuse_executable_memory,
    },
};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
mod unsupported;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
pub use unsupported::*;
