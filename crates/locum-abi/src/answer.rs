//! What an issuer answers: a credential, an upstream call or a signature to make, or a failure; and the log lines it wrote.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::kept::Keep;
use crate::signing::SigningRequest;
use crate::upstream::UpstreamRequest;

/// A successful reply of any operation, with what the plugin logged while it worked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply<T> {
    /// The answer. In JSON its members are beside `logs`.
    #[serde(flatten)]
    pub answer: T,
    /// Log lines, oldest first. The host adds the plugin's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
    /// Values to keep for later requests. Only of issuers whose manifest says that they
    /// [keep](crate::manifest::IssuerManifest::keeps) some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<Keep>,
    /// Keys of values to forget.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forget: Vec<String>,
}

/// A failed reply of any operation, with what the plugin has kept all the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailedReply {
    /// The failure. In JSON its members are beside the others.
    #[serde(flatten)]
    pub failure: Failure,
    /// As [`Reply::keep`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep: Vec<Keep>,
    /// As [`Reply::forget`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forget: Vec<String>,
}

/// The answer to [`ISSUE`](crate::operation::ISSUE).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum IssueAnswer {
    /// The credential is issued.
    Issued(Issued),
    /// The host shall make this request and call again with the reply.
    Call {
        /// The request to make.
        request: UpstreamRequest,
    },
    /// The host shall sign this and call again with the signature. Only a key that the manifest
    /// [names](crate::manifest::IssuerManifest::signs_with) can be asked for.
    Sign {
        /// What to sign.
        request: SigningRequest,
    },
    /// A kind of answer that this host does not know. The host treats it as a broken contract.
    #[serde(other)]
    Unknown,
}

/// A credential and the lifetime that it states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Issued {
    /// The credential, in the form that the manifest declares.
    pub credential: Credential,
    /// The start of its lifetime, in Unix seconds.
    pub issued_at: i64,
    /// When it expires, in Unix seconds. Absent only where the upstream does not say: Salesforce, for example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// A credential in one of the forms that a client can be given. Its `Debug` shows the form and not the credential.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// A compact JWT. Clients get `{"token_type":"Bearer","expires_in":…,"id_token":"…"}`.
    Jwt(String),
    /// A text. Clients get `{"<member>":"…"}`, with the member that the manifest names.
    Text(String),
    /// A JSON object. Clients get it unchanged.
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
    /// The credential was valid and is not any more.
    Revoked,
    /// The credential was not valid before, or is not one of this issuer's.
    AlreadyGone,
    /// This credential cannot be revoked. It is valid until it expires.
    NotRevocable,
    /// The host shall make this request and call again with the reply.
    Call {
        /// The request to make.
        request: UpstreamRequest,
    },
    /// A kind of answer that this host does not know. The host treats it as a broken contract.
    #[serde(other)]
    Unknown,
}

/// Why an operation failed.
///
/// ```
/// use locum_abi::answer::{Failure, FailureCode};
///
/// let failure = Failure::parameter("container", "a container name has 3 to 63 characters");
/// assert_eq!(failure.code, FailureCode::ParameterRefused);
/// assert_eq!(failure.pointer.as_deref(), Some("/container"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Failure {
    /// The kind of failure. It decides who is at fault, and so what the client is told.
    pub code: FailureCode,
    /// For people. Clients are told the message of [`FailureCode::ParameterRefused`] and
    /// [`FailureCode::AttributeMissing`]; every other message goes only to the log and the audit event.
    pub message: String,
    /// The JSON pointer (RFC 6901) of the setting or parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The upstream's own error code, such as `AccessDenied` of AWS STS. Hosts drop it unless it
    /// [is one](crate::upstream::is_error_code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<String>,
    /// Whether the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
    /// The upstream is too busy to answer, and the same call may succeed after so many seconds. Clients are told to wait.
    /// Only with [`FailureCode::UpstreamRefused`] and [`FailureCode::UpstreamNonsense`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// Log lines, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<LogLine>,
}

impl Failure {
    /// A failure with this code and message. No other member is set.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            pointer: None,
            upstream_code: None,
            retryable: false,
            retry_after_seconds: None,
            logs: Vec::new(),
        }
    }

    /// The top-level setting `name` cannot be used. The operator is told when the server starts.
    pub fn setting(name: &str, message: impl Into<String>) -> Self {
        Self::new(FailureCode::SettingsRefused, message).at(format!("/{name}"))
    }

    /// The request parameter `name` cannot be honoured. The client is told the message.
    pub fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(FailureCode::ParameterRefused, message).at(format!("/{name}"))
    }

    /// The user's profile lacks an attribute that the credential needs. The client is told which.
    pub fn attribute_missing(name: &str) -> Self {
        Self::new(FailureCode::AttributeMissing, format!("the user has no attribute `{name}`"))
    }

    /// The user has the attribute, but its value cannot be used. The client is told `why`.
    pub fn attribute_unusable(name: &str, why: impl fmt::Display) -> Self {
        Self::new(
            FailureCode::AttributeMissing,
            format!("the user's attribute `{name}` cannot be used: {why}"),
        )
    }

    /// The upstream refused, with this error code of its own. The client is told the code and not the message.
    pub fn upstream_refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        let mut failure = Self::new(FailureCode::UpstreamRefused, message);
        failure.upstream_code = Some(code.into());
        failure
    }

    /// The upstream's reply does not follow its protocol.
    pub fn upstream_nonsense(message: impl Into<String>) -> Self {
        Self::new(FailureCode::UpstreamNonsense, message)
    }

    /// The upstream is too busy to answer. Clients are told to try again after so many seconds.
    pub fn upstream_busy(retry_after_seconds: u64, message: impl Into<String>) -> Self {
        let mut failure = Self::upstream_nonsense(message);
        failure.retryable = true;
        failure.retry_after_seconds = Some(retry_after_seconds);
        failure
    }

    /// A fault of the plugin itself. The client is told a reference to the audit event and nothing else.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(FailureCode::Internal, message)
    }

    /// Sets the JSON pointer (RFC 6901) of the setting or parameter at fault.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }
}

/// The kinds of failure, by who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// A setting cannot be used; `pointer` says which. Only `create` answers with it.
    SettingsRefused,
    /// The caller sent a parameter that cannot be honoured. The client is told the message.
    ParameterRefused,
    /// The user's profile lacks an attribute that the credential needs, or its value cannot be used. The client is told
    /// the message.
    AttributeMissing,
    /// The upstream refused; `upstream_code` may say why.
    UpstreamRefused,
    /// The upstream's reply does not follow its protocol.
    UpstreamNonsense,
    /// A fault of the plugin itself.
    Internal,
    /// A panic was caught inside the plugin.
    Panicked,
    /// This plugin does not know the number of the operation.
    UnknownOp,
    /// A code that this host does not know. The host treats it as [`FailureCode::Internal`].
    #[serde(other)]
    Unknown,
}

/// One log line of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// The text. Hosts do not trust it.
    pub message: String,
}
