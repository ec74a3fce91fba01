//! Loading: from a path to a checked, mapped file. Nothing of the file runs before `mapping`.
//!
//! In this order: `plugin_file` reads the bytes once, `pins` compares their SHA-256, `elf` inspects the file and finds
//! the manifest, `checked_manifest` checks it and compiles its schemas, `mapping` maps the bytes and finds the entry.

pub(crate) mod checked_manifest;
pub(crate) mod elf;
pub(crate) mod inspection;
pub(crate) mod load_error;
pub(crate) mod mapping;
pub(crate) mod permissions;
pub(crate) mod pins;
pub(crate) mod plugin_file;
pub(crate) mod regular_file;
pub(crate) mod settings_schema;
