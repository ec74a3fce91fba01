//! What the server knows besides its tenants: a port, since this crate knows no plugins.

use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::Issuers;
use locum_engine::prepared::RemoteIssuer;

/// What the server knows besides its tenants. Nothing of it is about other tenants than the one that is asked for.
pub trait ServerView: Send + Sync {
    /// The issuers that add-ons are configured with now.
    fn issuers(&self) -> Arc<dyn Issuers>;

    /// The plugins that are loaded, with the pauses that concern this tenant.
    fn plugins(&self, tenant: &str) -> Vec<PluginView>;

    /// What is known of an issuer's keys; `None` if they have not been needed lately.
    fn issuer_keys(&self, issuer: &RemoteIssuer) -> Option<IssuerKeysView>;
}

/// A plugin that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginView {
    /// The name in its manifest.
    pub name: String,
    /// The version in its manifest.
    pub version: String,
    /// The SHA-256 of its file, in hexadecimal digits.
    pub sha256: String,
    /// What it issues.
    pub api_types: Vec<String>,
    /// How it is kept apart: `in_process` or `runner`.
    pub isolation: String,
    /// Whether it can be called: not if its own process does not start.
    pub is_available: bool,
    /// What of it is not called for this tenant.
    pub pauses: Vec<PauseView>,
}

/// A pause of a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseView {
    /// The api_type that is paused; `None` for all of the plugin.
    pub api_type: Option<String>,
    /// How much longer, if it began because calls ended the plugin's process; `None` if an operator has begun it.
    pub remaining: Option<Duration>,
}

/// What is known of an issuer's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerKeysView {
    /// How long ago they were fetched, or found to be unchanged; `None` if that has never succeeded.
    pub age: Option<Duration>,
    /// Why the last fetch failed, if it did.
    pub failure: Option<String>,
}
