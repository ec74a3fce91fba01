//! What an issuer answers: a credential, a call to make, or why not; and the log lines it wrote meanwhile.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::upstream::UpstreamRequest;

/// A successful reply of any operation, with what the plugin logged while it worked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply<T> {
    /// The answer itself; its members stand beside `logs`.
    #[serde(flatten)]
    pub answer: T,
    /// Log lines, oldest first. The host adds the plugin's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

/// The answer to [`ISSUE`](crate::operation::ISSUE).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum IssueAnswer {
    /// The credential is there.
    Issued(Issued),
    /// Make this request and call again with its reply.
    Call {
        /// The request to make.
        request: UpstreamRequest,
    },
    /// A kind of answer that this host does not know: a broken contract.
    #[serde(other)]
    Unknown,
}

/// A credential and the life it states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    /// The credential, in the form the manifest declares.
    pub credential: Credential,
    /// When its life starts, unix seconds.
    pub issued_at: i64,
    /// When it ends, unix seconds. Absent only where the upstream does not say, as Salesforce does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// A credential in one of the forms that a client can be given.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A compact JWT; answered as `{"token_type":"Bearer","expires_in":…,"id_token":"…"}`.
    Jwt(String),
    /// A text; answered as `{"<member>":"…"}` with the member that the manifest names.
    Text(String),
    /// A whole JSON object, answered as it is.
    Object(Map<String, Value>),
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credential::Jwt(_) => "Jwt(…)",
            Credential::Text(_) => "Text(…)",
            Credential::Object(_) => "Object(…)",
        })
    }
}

/// The answer to [`REVOKE`](crate::operation::REVOKE).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RevokeAnswer {
    /// The credential has no power from now on.
    Revoked,
    /// It had none before.
    AlreadyGone,
    /// This credential cannot be revoked; it lives until it expires.
    NotRevocable,
    /// Make this request and call again with its reply.
    Call {
        /// The request to make.
        request: UpstreamRequest,
    },
    /// A kind of answer that this host does not know: a broken contract.
    #[serde(other)]
    Unknown,
}

/// Why an operation did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind of failure: it decides who is at fault, and so the answer to the client.
    pub code: FailureCode,
    /// For people. With [`FailureCode::ParameterRefused`] and [`FailureCode::AttributeMissing`] the client reads it; all
    /// others stay in the log.
    pub message: String,
    /// The JSON pointer of the setting or parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The upstream's own error code, such as STS's `AccessDenied`; letters, digits and `._-` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<String>,
    /// Whether the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// Log lines, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            pointer: None,
            upstream_code: None,
            retryable: false,
            logs: Vec::new(),
        }
    }

    /// A setting that cannot work: `name` is its top-level name.
    pub fn setting(name: &str, message: impl Into<String>) -> Self {
        Self::new(FailureCode::SettingsRefused, message).at(format!("/{name}"))
    }

    /// A request parameter that cannot be honoured. The caller reads the message.
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(FailureCode::ParameterRefused, message).at(format!("/{name}"))
    }

    /// The user's profile lacks an attribute that the credential is made of.
    pub fn attribute_missing(name: &str) -> Self {
        Self::new(FailureCode::AttributeMissing, format!("the user has no attribute `{name}`"))
    }

    /// The user has the attribute, but no credential can be made of it; `why` says what is wrong with it.
    pub fn attribute_unusable(name: &str, why: impl fmt::Display) -> Self {
        Self::new(
            FailureCode::AttributeMissing,
            format!("the user's attribute `{name}` cannot be used: {why}"),
        )
    }

    /// The upstream said no, in its own code.
    pub fn upstream_refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        let mut failure = Self::new(FailureCode::UpstreamRefused, message);
        failure.upstream_code = Some(code.into());
        failure
    }

    /// The upstream answered something that makes no sense.
    pub fn upstream_nonsense(message: impl Into<String>) -> Self {
        Self::new(FailureCode::UpstreamNonsense, message)
    }

    /// The issuer is unable, for reasons inside.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureCode::Internal, message)
    }

    /// Names the setting or parameter at fault, as a JSON pointer.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// A setting cannot work; `pointer` says which. From `create` only.
    SettingsRefused,
    /// The caller sent a parameter that cannot be honoured. The caller reads the message.
    ParameterRefused,
    /// The user's profile lacks an attribute that the credential is made of, or holds one of no use. The caller reads the
    /// message.
    AttributeMissing,
    /// The upstream said no; `upstream_code` may say which no.
    UpstreamRefused,
    /// The upstream answered something that makes no sense.
    UpstreamNonsense,
    /// The issuer found itself unable, for reasons inside.
    Internal,
    /// A panic was caught inside the plugin.
    Panicked,
    /// The operation's number is not one that this plugin knows.
    UnknownOp,
    /// A code that this host does not know; treated as [`FailureCode::Internal`].
    #[serde(other)]
    Unknown,
}

/// One log line of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The text. Hosts treat it as untrusted.
    pub message: String,
}
