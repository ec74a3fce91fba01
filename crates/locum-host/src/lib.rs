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
//! **Only this crate opens a library**, and only `loading/mapping.rs` holds unsafe code.
#![deny(unsafe_code)]

mod calling;
mod egress;
pub mod limits;
mod loading;
mod plugin;
mod plugin_set;
mod sanitize;

pub use calling::backend::Isolation;
pub use calling::secret_settings::{SecretSetting, secret_setting_names, secret_settings};
pub use calling::supervision::PluginHealth;
pub use egress::allowed_upstreams::{
    AddressScope, AllowedRequest, AllowedUpstreams, DisallowedRequest, UpstreamMethod,
};
pub use egress::http_upstreams::HttpUpstreams;
pub use egress::upstreams::{UpstreamError, Upstreams};
pub use loading::elf::ElfFacts;
pub use loading::inspection::{Inspection, inspect};
pub use loading::load_error::{HashMismatch, LoadError, LoadErrorCode};
pub use loading::pins::{Pin, Pins};
pub use loading::sha256::{InvalidSha256, Sha256};
pub use plugin::Plugin;
pub use plugin_set::{LoadOptions, PluginSet, plugin_files};
