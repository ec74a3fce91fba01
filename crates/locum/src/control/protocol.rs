//! What the two sides of the control socket say to each other. Both are of the same release, or one says so.

use std::path::PathBuf;
use std::time::Duration;

use locum_host::Sha256;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Largest request, in bytes. The longest names a plugin, a tenant and an api_type.
pub(crate) const REQUEST_BYTES_MAX: u64 = 8 << 10;

/// Largest answer, in bytes: a manifest, or the state of some thousand plugins.
pub(crate) const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// How long a request may take to arrive, and its answer to be read.
pub(crate) const TRANSFER_DEADLINE: Duration = Duration::from_secs(5);

/// What a command asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The state of all plugins: [`PluginStatus`].
    Status {},
    /// What runs under this name: [`RunningPlugin`].
    Running { plugin: String },
    /// Call these add-ons no more.
    Pause(Scope),
    /// Call these add-ons again.
    Resume(Scope),
    /// Replace the plugin by the staged file: [`Upgraded`].
    Upgrade { plugin: String, staged: PathBuf, sha256: Sha256 },
}

/// The add-ons that are meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub(crate) plugin: String,
    /// Absent for all tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Absent for all api_types of the plugin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) api_type: Option<String>,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It was done; this is the result.
    Done(Value),
    /// It was not done, for this reason.
    Refused(String),
}

/// The state of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PluginStatus {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) file: PathBuf,
    pub(crate) sha256: Sha256,
    pub(crate) isolation: String,
    /// Whether it can be called.
    pub(crate) available: bool,
    /// Calls that are running.
    pub(crate) running: usize,
    /// Calls that did not return in time, since it was loaded.
    pub(crate) hangs: u32,
    /// How often its process ended, since it was loaded.
    pub(crate) deaths: u32,
    /// What the kernel adds to the sandbox of its process; absent in the server's process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) protections: Option<Protections>,
    pub(crate) pauses: Vec<Pause>,
}

/// See [`locum_host::Protections`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Protections {
    pub(crate) landlock: bool,
    pub(crate) no_new_code: bool,
}

/// Add-ons that are not called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    pub(crate) by: PausedBy,
    /// Absent for all tenants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Absent for all api_types of the plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_type: Option<String>,
    /// When the pause ends, as RFC 3339; absent if it lasts until it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
}

/// Who has paused add-ons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PausedBy {
    Operator,
    /// The server, because the add-on's calls ended the plugin's process.
    Deaths,
}

/// What runs under a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunningPlugin {
    pub(crate) file: PathBuf,
    pub(crate) sha256: Sha256,
    /// As [`locum_host::Isolation`] writes it.
    pub(crate) isolation: String,
    pub(crate) manifest: Value,
}

/// An upgrade that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Upgraded {
    pub(crate) previous_version: String,
    pub(crate) version: String,
    /// What is left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) warning: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Result<Request, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let scope = Scope { plugin: "app".to_owned(), tenant: None, api_type: Some("app".to_owned()) };
        for request in [
            Request::Status {},
            Request::Running { plugin: "app".to_owned() },
            Request::Pause(scope.clone()),
            Request::Resume(scope),
            Request::Upgrade {
                plugin: "app".to_owned(),
                staged: "/p/.app.so.1.upgrade".into(),
                sha256: Sha256::of(b"x"),
            },
        ] {
            assert_eq!(parse(&serde_json::to_string(&request).unwrap()).unwrap(), request);
        }
    }

    #[test]
    fn a_request_with_another_name_or_without_a_member_is_refused() {
        assert!(parse(r#"{"request":"status"}"#).is_ok());
        for text in [
            "",
            "[]",
            "{}",
            r#"{"request":"stop"}"#,
            r#"{"request":"pause"}"#,
            r#"{"request":"pause","plugin":7}"#,
            r#"{"request":"upgrade","plugin":"app","staged":"/p/x","sha256":"0"}"#,
            r#"{"request":"status","verbose":true}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_answer_says_whether_it_was_done() {
        assert_eq!(serde_json::to_value(Answer::Done(json!(1))).unwrap(), json!({"done": 1}));
        let refused = Answer::Refused("no".to_owned());
        assert_eq!(serde_json::to_value(refused).unwrap(), json!({"refused": "no"}));
    }
}
