//! What a line says: the event of a request, or of the server itself.

use std::net::IpAddr;

use locum_engine::AuditEvent;
use serde::Serialize;

/// What happens to the server, as opposed to a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifecycle<'a> {
    /// The server starts. Nothing is loaded yet.
    Start {
        /// The program's version.
        version: &'a str,
    },
    /// These plugins were loaded.
    PinSet {
        /// In the order in which they were loaded.
        plugins: &'a [LoadedPlugin],
    },
    /// All tenants were replaced.
    Reload {
        /// How many tenants there are now.
        tenants: usize,
    },
    /// The tenants were not replaced.
    ReloadRefused {
        /// Why.
        reason: &'a str,
    },
    /// A plugin was replaced while the server runs.
    Upgrade {
        /// The plugin, as it runs now.
        plugin: &'a LoadedPlugin,
        /// The version that ran before.
        previous_version: &'a str,
    },
    /// A plugin was not replaced.
    UpgradeRefused {
        /// Its name.
        plugin: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// An operator has paused add-ons.
    Pause(AddOnScope<'a>),
    /// An operator has ended the pauses of add-ons.
    Resume(AddOnScope<'a>),
    /// The server has stopped, or did not start.
    Stop {
        /// Why.
        reason: &'a str,
    },
}

/// Add-ons of a plugin: all of them, or those of a tenant, of an api_type, or of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AddOnScope<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// The tenant's domain; absent for all tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<&'a str>,
    /// Absent for all api_types of the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_type: Option<&'a str>,
}

/// A plugin that was loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadedPlugin {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The SHA-256 of its file, in hex digits.
    pub sha256: String,
}

/// What the audit log says about itself.
#[derive(Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum Incident {
    /// The file ended in an incomplete line when it was opened; that line stands before this one.
    TornLine { torn_bytes: usize, torn_sha256: String },
    /// Lines can be written again.
    Recovered {
        /// Events that were not written, after the line before this one.
        lost: u64,
        /// Requests that were answered with 503 although their lines above say otherwise.
        withheld: u64,
        /// The references of the first of these requests.
        withheld_references: Vec<String>,
    },
}

#[derive(Serialize)]
struct OfServer<E> {
    target: &'static str,
    #[serde(flatten)]
    event: E,
    at_unix_ms: u64,
}

/// The event of the server as a JSON object.
pub(crate) fn write_server_event(event: impl Serialize, at_unix_ms: u64, out: &mut Vec<u8>) {
    write_object(&OfServer { target: TARGET, event, at_unix_ms }, out);
}

/// The event of a request as a JSON object.
pub(crate) fn write_request_event(event: &AuditEvent, out: &mut Vec<u8>) {
    let refusal = event.refusal.as_ref();
    write_object(
        &OfRequest {
            target: TARGET,
            code: event.code.as_str(),
            reference: &event.reference,
            at_unix_ms: event.at_unix_ms,
            host: &event.host,
            ip: event.ip,
            tenant: event.tenant.as_deref(),
            client_id: event.client_id.as_deref(),
            user_id: event.user_id.as_deref(),
            delegation_target: event.target.as_deref(),
            api_type: event.api_type.as_deref(),
            scope: event.scope.as_deref(),
            device: event.device.as_deref(),
            subject_token_sha256: event.subject_token_sha256.as_deref(),
            expires_at: event.expires_at,
            status: refusal.map(|refusal| refusal.status),
            error: refusal.map(|refusal| refusal.code),
            description: refusal.map(|refusal| refusal.description.as_str()),
            inside: refusal.and_then(|refusal| refusal.inside.as_deref()),
            auth0_client: event.auth0_client.as_deref(),
            user_agent: event.user_agent.as_deref(),
            uncounted: event.uncounted,
            reused: event.reused,
        },
        out,
    );
}

/// Tells audit lines from others where both go to standard error.
const TARGET: &str = "audit";

/// Absent members are left out.
#[derive(Serialize)]
struct OfRequest<'a> {
    target: &'static str,
    code: &'static str,
    reference: &'a str,
    at_unix_ms: u64,
    host: &'a str,
    ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegation_target: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_token_sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inside: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth0_client: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<&'a str>,
    uncounted: bool,
    reused: bool,
}

/// Texts and numbers can always be written; a line is one line, because JSON escapes line breaks.
fn write_object(object: &impl Serialize, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, object);
    debug_assert!(written.is_ok(), "texts and numbers are JSON");
}
