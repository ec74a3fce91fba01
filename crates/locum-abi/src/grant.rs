//! The grant: all that a credential may depend on, besides the issuer's settings, `now` and the entropy.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::upstream::UpstreamReply;

/// What the engine has authorised. The issuer may give less, never more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// For whom: the user's id in the tenant, such as `google-oauth2|113`.
    pub user_id: String,
    /// Who asked: the calling client.
    pub client_id: String,
    /// For what: the target's client id, the `aud` of an app token.
    pub target_id: String,
    /// The scope words that were granted, in the order of the request.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The claims about the user that the scopes select. Nothing else of the profile may go into a credential
    /// unless the manifest [reads](crate::manifest::Read) it.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// The profile attributes that the manifest reads, where the user has them.
    #[serde(default)]
    pub profile: Map<String, Value>,
    /// The free-form parameters of the request, under the names the manifest gives them.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// How long the credential may live, counted from `now`.
    pub lifetime_seconds: u64,
}

/// Input of [`ISSUE`](crate::operation::ISSUE). Nothing is kept between calls: a call that needs another reply
/// is made again from the start, with one more reply.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssueInput {
    /// What was authorised.
    pub grant: Grant,
    /// The upstream's replies to the calls asked for so far, oldest first.
    #[serde(default)]
    pub replies: Vec<UpstreamReply>,
}

/// Input of [`REVOKE`](crate::operation::REVOKE).
#[derive(Clone, Serialize, Deserialize)]
pub struct RevokeInput {
    /// The credential to revoke, as its holder presented it.
    pub credential: String,
    /// The upstream's replies to the calls asked for so far, oldest first.
    #[serde(default)]
    pub replies: Vec<UpstreamReply>,
}
