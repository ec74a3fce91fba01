//! The file of `--settings`, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// What the suite needs to know about a token endpoint. In every text, `${env:NAME}` is replaced by an environment
/// variable and `${file:PATH}` by the content of a file, relative to this one.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Settings of the profile token-exchange")]
pub(crate) struct SettingsFile {
    /// The issuer that the metadata must name, if it is not the URL of the run.
    #[serde(default)]
    pub(crate) issuer: Option<String>,
    /// The URL of the token endpoint. Without it, the metadata of the server names it (RFC 8414).
    #[serde(default)]
    pub(crate) token_endpoint: Option<String>,
    /// A confidential client that may exchange the subject token.
    pub(crate) client: ClientEntry,
    /// A public client that may exchange a token.
    #[serde(default)]
    pub(crate) public_client: Option<PublicClientEntry>,
    /// A token that the server accepts as `subject_token`.
    pub(crate) subject_token: TokenEntry,
    /// A subject token that has expired.
    #[serde(default)]
    pub(crate) expired_subject_token: Option<TokenEntry>,
    /// A subject token, a JWT, whose claim `act` names an actor.
    #[serde(default)]
    pub(crate) subject_token_with_act: Option<TokenEntry>,
    /// A subject token whose claim `may_act` names somebody else than the actor token does.
    #[serde(default)]
    pub(crate) subject_token_for_another_actor: Option<TokenEntry>,
    /// A token that the server accepts as `actor_token`.
    #[serde(default)]
    pub(crate) actor_token: Option<TokenEntry>,
    /// The `audience` of every exchange that does not test another target.
    #[serde(default)]
    pub(crate) audience: Option<String>,
    /// An `audience` for which the server issues no token.
    #[serde(default = "unknown_audience")]
    pub(crate) unknown_audience: String,
    /// A `resource` for which the server issues a token. It is that of every exchange if there is no `audience`.
    #[serde(default)]
    pub(crate) resource: Option<String>,
    /// A `resource` for which the server issues no token.
    #[serde(default = "unknown_resource")]
    pub(crate) unknown_resource: String,
    /// Scopes that the client gets, separated by blanks.
    #[serde(default)]
    pub(crate) scope: Option<String>,
    /// A scope that the client does not get.
    #[serde(default)]
    pub(crate) refused_scope: Option<String>,
    /// A type of token that the server issues.
    #[serde(default)]
    pub(crate) requested_token_type: Option<String>,
    /// Further parameters of every request that the server needs.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
}

/// A client with a secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientEntry {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    /// How it authenticates where a case does not test another way.
    #[serde(default)]
    pub(crate) authentication: Authentication,
}

/// How a client authenticates (RFC 6749 section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Authentication {
    /// By the header `Authorization`.
    #[default]
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
}

impl Authentication {
    /// The name in metadata (RFC 7591 section 2).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
        }
    }
}

/// A client without a secret.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicClientEntry {
    pub(crate) client_id: String,
    /// A token that this client may exchange, if it may not exchange that of the confidential client.
    #[serde(default)]
    pub(crate) subject_token: Option<TokenEntry>,
}

/// A token, or how to get one. Either `value` or `command`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenEntry {
    /// Its type, a URI such as `urn:ietf:params:oauth:token-type:access_token` (RFC 8693 section 3).
    #[serde(rename = "type")]
    pub(crate) token_type: String,
    /// The token.
    #[serde(default)]
    pub(crate) value: Option<String>,
    /// A program and its arguments, run without a shell in the folder of this file. It prints the token. It is run again for
    /// each case, so that tokens may be short-lived.
    #[serde(default)]
    pub(crate) command: Option<Vec<String>>,
}

fn unknown_audience() -> String {
    "locum-conformance-unknown-audience".to_owned()
}

fn unknown_resource() -> String {
    "https://unknown-resource.invalid/".to_owned()
}
