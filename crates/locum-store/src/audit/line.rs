//! What a line says: the event of a request, or of the server itself.

use std::net::IpAddr;

use locum_abi::object_writer::ObjectWriter;
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

/// The event of a request as a JSON object. Absent members are left out.
pub(crate) fn write_request_event(event: &AuditEvent, out: &mut Vec<u8>) {
    let mut line = ObjectWriter::begin(out);
    line.text("target", TARGET);
    line.text("code", event.code.as_str());
    line.text("reference", &event.reference);
    line.value("at_unix_ms", &event.at_unix_ms);
    line.text("host", &event.host);
    line.raw("ip", |out| push_address(event.ip, out));
    line.text_if_any("tenant", event.tenant.as_deref());
    line.text_if_any("client_id", event.client_id.as_deref());
    line.text_if_any("user_id", event.user_id.as_deref());
    line.text_if_any("actor", event.actor.as_deref());
    line.text_if_any("delegation_target", event.target.as_deref());
    line.text_if_any("api_type", event.api_type.as_deref());
    line.text_if_any("scope", event.scope.as_deref());
    line.text_if_any("device", event.device.as_deref());
    line.text_if_any("subject_token_sha256", event.subject_token_sha256.as_deref());
    if let Some(expires_at) = event.expires_at {
        line.value("expires_at", &expires_at);
    }
    if let Some(refusal) = &event.refusal {
        line.value("status", &refusal.status);
        line.text("error", refusal.code);
        line.text("description", &refusal.description);
        line.text_if_any("inside", refusal.inside.as_deref());
    }
    if let Some(call) = &event.management {
        line.text("operation", call.operation);
        line.text_if_any("resource", call.resource.as_deref());
        line.text_if_any("fields", call.fields.as_deref());
        line.text_if_any("token_id", call.token_id.as_deref());
    }
    line.text_if_any("auth0_client", event.auth0_client.as_deref());
    line.text_if_any("user_agent", event.user_agent.as_deref());
    line.value("uncounted", &event.uncounted);
    line.value("reused", &event.reused);
    line.end();
}

/// An address as it is displayed, as JSON. Of IPv4 the general way takes twenty times as long.
fn push_address(address: IpAddr, out: &mut Vec<u8>) {
    let IpAddr::V4(address) = address else { return write_object(&address, out) };
    for (octet, before) in address.octets().into_iter().zip(*b"\"...") {
        out.push(before);
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let zeros = digits.iter().take(2).take_while(|digit| **digit == 0).count();
        out.extend(digits.iter().skip(zeros).map(|digit| b'0' + digit));
    }
    out.push(b'"');
}

/// Tells audit lines from others where both go to standard error.
const TARGET: &str = "audit";

/// Texts and numbers can always be written; a line is one line, because JSON escapes line breaks.
fn write_object(object: &impl Serialize, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, object);
    debug_assert!(written.is_ok(), "texts and numbers are JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_written_as_it_is_displayed() {
        for octet in 0..=255 {
            let addresses = [
                IpAddr::from([octet, 0, 255 - octet, 10]),
                IpAddr::from([100, octet, octet, 255 - octet]),
                IpAddr::from([octet; 16]),
            ];
            for address in addresses {
                let mut out = Vec::new();
                push_address(address, &mut out);
                assert_eq!(String::from_utf8(out).unwrap(), format!("\"{address}\""));
            }
        }
    }
}
