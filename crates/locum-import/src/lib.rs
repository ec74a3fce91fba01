//! Turns an export of an Auth0 tenant into a tenant file with its secrets, and says what still has to be done.
//!
//! ```text
//! folder    DIR ─ no links, no way out, limited sizes ─► texts
//! export    texts ─ markers expanded ─ YAML or JSON ─► Export: the tenant's settings, clients, scripts
//! client    which clients are needed, and which of their fields ─► drafts
//! settle    drafts ─ the store's own reader, and the issuers of the plugins ─► what both accept
//! secrets   drafts ─► a tenant file with `${file:…}`, and a file for each secret
//! output    files ─ beside OUT, read back, renamed ─► OUT
//! ```
//!
//! [`read_export`] reads, [`import()`] decides and does no I/O, [`write()`] writes. Whatever the tenant file's reader or an
//! issuer refuses is left out and named in the [`Report`]: nothing is guessed.
//!
//! **What this crate does not do.** It calls no API of Auth0 and runs no code of the export.

mod acceptance;
mod api_clients;
mod client;
mod config;
mod document;
mod error;
mod export;
mod field_names;
mod folder;
mod import;
mod limits;
mod management_grants;
mod markers;
mod origin_lists;
mod output;
mod printable;
mod readiness;
mod report;
mod scripts;
mod secret_files;
mod source_text;

pub use api_clients::ApiClients;
pub use config::DeployConfig;
pub use error::ImportError;
pub use export::{Export, read as read_export};
pub use folder::Folder;
pub use import::{Import, Options, SecretSettings, import};
pub use output::{OutputError, write};
pub use printable::printable;
pub use report::{ClientReport, Counted, LeftOut, Readiness, Report, ScriptFinding, ToDo};
