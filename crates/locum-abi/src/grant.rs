//! The grant: all that a credential may depend on, besides the issuer's settings, the time and the entropy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::secret::Secret;
use crate::upstream::UpstreamReply;

/// What the engine has authorised. The issuer may issue less, never more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The user's id in the tenant, such as `google-oauth2|113`.
    pub user_id: String,
    /// The client id of the caller.
    pub client_id: String,
    /// The client id of the target: the `aud` claim of an app token.
    pub target_id: String,
    /// The granted scopes, in the order of the request.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The claims about the user that the scopes select. Nothing else of the profile may be in a credential unless the
    /// manifest [reads](crate::manifest::Read) it.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// The profile attributes that the manifest reads, as far as the user has them.
    #[serde(default)]
    pub profile: Map<String, Value>,
    /// The free-form parameters of the request, under the names that the manifest gives them.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// The longest lifetime that the credential may have, counted from the time of the call.
    pub lifetime_seconds: u64,
}

/// Whether an attribute may identify the user to others: any text that has not the form of an email address, and an address
/// if the profile says that it is verified. Anybody can sign up with the address of somebody else.
pub fn may_identify(attribute: &str, profile: &Map<String, Value>) -> bool {
    let parts = attribute.split_once('@');
    let is_address = parts.is_some_and(|(local_part, domain)| !local_part.is_empty() && !domain.is_empty());
    !is_address || profile.get("email_verified") == Some(&Value::Bool(true))
}

/// Input of [`ISSUE`](crate::operation::ISSUE). The issuer keeps nothing between calls: when it has asked for an upstream
/// call or a signature, it is called again with the same grant and one more reply or signature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueInput {
    /// What was authorised.
    pub grant: Grant,
    /// The replies to the upstream calls that the issuer has asked for, oldest first.
    #[serde(default)]
    pub replies: Vec<UpstreamReply>,
    /// The signatures that the issuer has asked for, oldest first: compact JWTs, or base64 for bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<String>,
    /// The values that earlier requests had the host [keep](crate::kept), by key; the same in all calls of one request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "exposed")]
    pub kept: BTreeMap<String, Secret>,
}

/// Input of [`REVOKE`](crate::operation::REVOKE).
#[derive(Clone, Serialize, Deserialize)]
pub struct RevokeInput {
    /// The credential to revoke, as the caller presented it. It may be anything that somebody sent.
    pub credential: String,
    /// The client id of the caller. Absent from hosts that do not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The replies to the upstream calls that the issuer has asked for, oldest first.
    #[serde(default)]
    pub replies: Vec<UpstreamReply>,
    /// As [`IssueInput::kept`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", serialize_with = "exposed")]
    pub kept: BTreeMap<String, Secret>,
}

/// Writes kept values into a message that must carry them.
fn exposed<S: Serializer>(kept: &BTreeMap<String, Secret>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(kept.iter().map(|(key, value)| (key, value.expose())))
}
