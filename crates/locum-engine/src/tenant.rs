//! A tenant and what belongs to it: clients, their add-ons, users, keys, and the policy of delegation.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use locum_abi::configuration::SigningKey;
use locum_abi::secret::Secret;
use serde_json::{Map, Value};

use crate::bucket::BucketRule;
use crate::issuer_slot::IssuerSlot;
use crate::reuse::ReusableCredentials;
use crate::token::VerificationKey;

/// Everything about one tenant. It does not change: a reload makes a new one.
#[derive(Debug)]
pub struct Tenant {
    /// The canonical domain, lower case, such as `acme.example.com`.
    pub domain: String,
    /// Whether and how delegation works here.
    pub delegation: DelegationPolicy,
    /// The RSA keys, the one that signs first; the others are published and still verified.
    pub keys: Vec<TenantKey>,
    /// The clients by id.
    pub clients: HashMap<String, Client>,
    /// The stored users by id; a user need not be stored to be known by a token.
    pub users: HashMap<String, User>,
}

impl Tenant {
    /// The `iss` of the tenant's tokens: `https://{domain}/`.
    pub fn issuer(&self) -> String {
        format!("https://{}/", self.domain)
    }
}

/// How a tenant delegates.
#[derive(Debug, Clone)]
pub struct DelegationPolicy {
    /// Off: the endpoint is not there.
    pub enabled: bool,
    /// Whether `GET` with a JSONP callback is served.
    pub jsonp: bool,
    /// No credential lives longer than this, in seconds.
    pub lifetime_ceiling_seconds: Option<u64>,
    /// Whether a credential ends with the subject token at the latest.
    pub cap_to_subject_exp: bool,
    /// Whether a credential that an upstream gave may answer the same grant again while at least half of its life is
    /// left. It spares the upstream's quota. Credentials that can be revoked upstream are never given twice.
    pub reuse_upstream_credentials: bool,
    /// How far a subject token's times may be off, in seconds.
    pub leeway_seconds: u64,
    /// The bucket of each user at each address.
    pub rate: BucketRule,
    /// What happens when the buckets cannot be asked.
    pub when_buckets_unavailable: WhenUnavailable,
}

impl Default for DelegationPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            jsonp: false,
            lifetime_ceiling_seconds: None,
            cap_to_subject_exp: false,
            reuse_upstream_credentials: false,
            leeway_seconds: 0,
            rate: BucketRule::AUTH0_DEFAULT,
            when_buckets_unavailable: WhenUnavailable::Open,
        }
    }
}

/// What happens when the rate limiter cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnavailable {
    /// Requests go on, uncounted, as the record shows.
    Open,
    /// Requests are refused.
    Closed,
}

/// An RSA key of the tenant.
#[derive(Debug, Clone)]
pub struct TenantKey {
    /// The private half, as issuers are given it.
    pub signing: SigningKey,
    /// The public half, as subject tokens are verified with it.
    pub verification: VerificationKey,
    /// The public half as it stands in the JWKS: `n` and `e`, base64url.
    pub public: RsaPublicJwk,
}

/// The members of an RSA key in a JWKS (RFC 7518 section 6.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaPublicJwk {
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
}

/// A client: an application that asks, or is asked for.
#[derive(Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// What its id_tokens are verified with, where it has a key of its own (HS256).
    pub verification: ClientVerification,
    /// False for third-party clients, which cannot delegate.
    pub is_first_party: bool,
    /// Whether the OIDC-conformant rules bind it.
    pub oidc_conformant: bool,
    /// The legacy grants it has.
    pub grants: LegacyGrants,
    /// Who may ask for it as a target; empty for all.
    pub allowed_clients: Vec<String>,
    /// Origins that a browser may call from.
    pub allowed_origins: Vec<String>,
    /// Aliases of `jwt_configuration.scopes`: a scope word and the claims it stands for.
    pub scope_aliases: HashMap<String, Vec<String>>,
    /// The app target of this client.
    pub app: AddOn,
    /// The enabled add-ons in the order of the tenant file.
    pub add_ons: Vec<AddOn>,
}

/// What a client's id_tokens are signed with.
#[derive(Debug, Clone)]
pub enum ClientVerification {
    /// The client's own secret, HS256.
    Secret(VerificationKey),
    /// The tenant's keys, RS256.
    TenantKeys,
    /// It has neither; its tokens cannot be verified.
    Nothing,
}

/// The legacy grants that a client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyGrants {
    /// `http://auth0.com/oauth/legacy/grant-type/delegation/id_token`
    pub id_token: bool,
    /// `http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token`
    pub refresh_token: bool,
}

/// An add-on of a client, with the issuer that it makes ready.
pub struct AddOn {
    /// The api_type.
    pub api_type: String,
    /// The stored settings.
    pub settings: Map<String, Value>,
    pub(crate) slot: IssuerSlot,
    pub(crate) reusable: Arc<ReusableCredentials>,
}

impl AddOn {
    /// An add-on whose issuer is not ready yet.
    pub fn new(api_type: impl Into<String>, settings: Map<String, Value>) -> Self {
        Self { api_type: api_type.into(), settings, slot: IssuerSlot::default(), reusable: Arc::default() }
    }
}

// Settings hold account keys and passwords: their names may be shown, their values may not.
impl fmt::Debug for AddOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddOn")
            .field("api_type", &self.api_type)
            .field("settings", &self.settings.keys().collect::<Vec<_>>())
            .field("slot", &self.slot)
            .field("reusable", &self.reusable)
            .finish()
    }
}

/// A stored user.
#[derive(Debug, Clone)]
pub struct User {
    /// Whether the user may do nothing.
    pub blocked: bool,
    /// The profile: `name`, `email`, `app_metadata` and what else there is.
    pub profile: Map<String, Value>,
}

/// A client secret as bytes of an HMAC key.
///
/// # Errors
/// If `encoded` is set and the text is not base64url, or if it is empty.
pub fn secret_bytes(secret: &Secret, encoded: bool) -> Result<Vec<u8>, SecretUnusable> {
    let bytes = if encoded {
        secret.decode_base64url().ok_or(SecretUnusable::NotBase64Url)?
    } else {
        secret.expose().as_bytes().to_vec()
    };
    if bytes.is_empty() { Err(SecretUnusable::Empty) } else { Ok(bytes) }
}

/// Why a client secret cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretUnusable {
    /// `secret_encoded` says base64url, the text says otherwise.
    #[error("secret_encoded is true, but the secret is not base64url")]
    NotBase64Url,
    /// There is nothing in it.
    #[error("the secret is empty")]
    Empty,
}
