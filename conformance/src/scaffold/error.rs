//! Why a scaffold cannot be written.

use std::path::PathBuf;

/// Why the scaffold of a plugin cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// The name is not a valid plugin name.
    #[error("`{name}` is not a valid plugin name: {why}")]
    InvalidName {
        /// The name.
        name: String,
        /// The broken rule.
        why: &'static str,
    },
    /// The upstream is neither a host nor a URL.
    #[error("`{upstream}` is not an upstream: {why}")]
    InvalidUpstream {
        /// What was given.
        upstream: String,
        /// The broken rule.
        why: &'static str,
    },
    /// A plugin that ships with Locum has the name, or serves an api_type of the name.
    #[error("the name `{name}` is taken by the plugin `{by}`; choose another name")]
    NameTaken {
        /// The name.
        name: String,
        /// The plugin that has it.
        by: String,
    },
    /// The destination exists and is not an empty folder.
    #[error("{0} exists and is not an empty folder; name another folder")]
    Occupied(PathBuf),
    /// The folder is not the crate `locum-plugin`.
    #[error(
        "{0} is not the folder of the crate `locum-plugin`; name crates/locum-plugin in a checkout of Locum"
    )]
    NoSdk(PathBuf),
    /// The folder is not Locum's workspace.
    #[error(
        "{0} is not Locum's workspace; name the folder that holds crates/locum-plugin, plugins and fixtures"
    )]
    NoWorkspace(PathBuf),
    /// A path that cannot be written in a `Cargo.toml`.
    #[error("{0} cannot be written in a Cargo.toml; use a path without quotes, backslashes and `$`")]
    PathUnusable(PathBuf),
    /// A file cannot be written or read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
}
