//! Finds, pins, loads and calls plugins; performs the upstream calls and makes the signatures that plugins ask for.
//!
//! ```text
//! loading   path ─ read once ─ pin (SHA-256) ─ ELF ─ manifest ─ sealed memfd ─ dlopen ─ ABI ─ describe ─► Plugin
//!                                no code of the file runs before this ─┘ in this process or in a runner, as the pin says
//! PluginSet, the engine's port `Issuers`
//!   configure   settings checked by the schema, private keys taken out, plugin's `create` ─► the engine's `Issuer`
//! calling
//!   issue       call plugin ─► check answer ─► upstream call or signature ─► call plugin … until it has issued,
//!               with one deadline
//! egress
//!   upstream call   declared in the manifest? ─► HTTP request, to public addresses or to what the operator configured
//! signing
//!   signature   a key that the manifest names? ─► claims that the tenant may sign for this grant? ─► compact JWT
//! ```
//!
//! [`PluginSet`] is the entry point for a program that embeds the engine; its documentation has an example.
//!
//! **Failures of plugins.** A pin states the level at which a plugin runs, see [`Isolation`]. At both, a panic fails one
//! request.
//!
//! - [`Isolation::Runner`]: in a process of its own, which can compute and nothing else. Whatever ends that process fails
//!   one request; a call that hangs is ended with the process at its deadline; the process is started anew, and calls that
//!   were in flight beside the guilty one are sent again. x86_64 with glibc only. [`runner`] says how it is started.
//! - [`Isolation::InProcess`]: in the host's process, inline on the thread that serves the request. A call that hangs keeps
//!   that thread, and its request is not answered before it returns. An issuer that hangs while it is configured is a failure
//!   at a deadline; the thread that configures it is lost. An abort, a segmentation fault or a stack overflow terminates the
//!   process. Only for plugins that you trust as you trust the host itself.
//!
//! **While a host serves**, [`PluginSet::upgrade`] replaces a plugin, its file and its pin by another version, and
//! [`PluginSet::pause`] lets add-ons be refused without calling them.
//!
//! Linux only.
//!
//! **What this crate does not check.** The engine compares an issued credential with its grant; this crate limits its
//! size only.
//!
//! **Only this crate opens a library**, and only `loading/mapping.rs` contains unsafe code; the sandbox of the runner is the
//! crate `locum-sandbox`.
#![deny(unsafe_code)]

mod calling;
mod configuring;
mod egress;
mod isolation;
mod json_pointer;
pub mod limits;
mod linked_plugins;
mod load_options;
mod loading;
mod observer;
mod pauses;
mod plugin;
mod plugin_set;
mod protections;
pub mod runner;
mod sha256;
mod signing;
mod upgrade;

pub use calling::health::PluginHealth;
pub use calling::secret_encodings::encodings as secret_encodings;
pub use calling::secret_mask::MASK as SECRET_MASK;
pub use calling::secret_settings::{SecretSetting, secret_setting_names, secret_settings};

pub use egress::allowed_upstreams::{AddressScope, AllowedRequest, AllowedUpstreams, DisallowedRequest};
pub use egress::http_upstreams::HttpUpstreams;
pub use egress::upstreams::{UpstreamError, Upstreams};
pub use isolation::{Isolation, ProcessScope};
pub use linked_plugins::LinkedPlugins;
pub use load_options::LoadOptions;
pub use loading::elf::ElfFacts;
pub use loading::inspection::{Inspection, inspect};
pub use loading::load_error::{HashMismatch, LoadError, LoadErrorCode};
pub use loading::permissions::{LoosePermissions, Writers};
pub use loading::pins::{Pin, Pins};
pub use loading::plugin_file::plugin_files;
pub use locum_abi::boundary::LinkedPlugin;
pub use locum_abi::manifest::{IssuerManifest, Manifest};
pub use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
pub use locum_egress::HttpMethod;
pub use observer::{CallObserver, CallObservers, CallOutcome, Operation, UpstreamOutcome};
pub use pauses::{PauseScope, PluginPause, TooManyPauses};
pub use plugin::Plugin;
pub use plugin_set::PluginSet;
pub use protections::Protections;
pub use sha256::{InvalidSha256, Sha256};
pub use upgrade::{PluginUpgrade, StagedFile, UpgradeError, UpgradedPlugins, settle_interrupted_upgrades};
