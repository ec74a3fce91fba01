//! Finds, pins, loads and calls plugins; performs the upstream calls that plugins ask for.
//!
//! ```text
//! path ── read once ── pin (SHA-256) ── ELF ── manifest ── sealed memfd ── dlopen ── ABI ── describe ──► Plugin
//!           nothing of the file runs up to here ──────────────┘
//! PluginSet: engine's `Issuers`
//!   configure   settings against the schema, the tenant's key only if needed, `create` ──► engine's `Issuer`
//!   issue       step ─► plugin ─► step … at most four upstream calls, one deadline for all, each answer checked
//! ```
//!
//! **What is survived, and what is not.** In process, a panic of a plugin is that request's error. A call that hangs is
//! given up at the deadline, its worker thread is lost as long as it hangs, and the plugin is not called meanwhile;
//! after three hangs never again. An issuer that hangs while it is made ready keeps its caller, and an abort, a
//! segmentation fault or a stack overflow ends the process: pin what you trust. Linux only.
//!
//! **Only this crate opens a library**, and only `mapping.rs` holds unsafe code.
#![deny(unsafe_code)]

mod allowed;
mod answer;
mod backend;
mod bytes;
mod credential;
mod elf;
mod http_upstreams;
mod in_process;
mod inspection;
mod issuer;
pub mod limits;
mod load_error;
mod mapping;
mod pins;
mod plugin;
mod plugin_log;
mod plugin_set;
mod promises;
mod public_address;
mod secrets;
mod settings;
mod sha256;
mod supervision;
mod untrusted;
mod upstreams;
mod workers;

pub use allowed::{AllowedRequest, AllowedUpstreams, Method, NotAllowed, Reach};
pub use backend::Isolation;
pub use elf::ElfFacts;
pub use http_upstreams::HttpUpstreams;
pub use inspection::{Inspection, inspect};
pub use load_error::{HashMismatch, LoadError, LoadErrorCode};
pub use pins::{Pin, Pins};
pub use plugin::Plugin;
pub use plugin_set::{LoadOptions, PluginSet, plugin_files};
pub use sha256::{NotSha256, Sha256};
pub use supervision::Health;
pub use upstreams::{UpstreamError, Upstreams};
