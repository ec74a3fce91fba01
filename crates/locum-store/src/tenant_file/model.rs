//! The fields of a tenant file, for serde. Names are the Management API's; Locum adds `delegation`, `signing_keys`,
//! `next_signing_key`, `former_issuers`, `trusted_issuers`, `management` and `default`, `jwks`, `resources` and `require_actor` of clients, and two keys of
//! `jwt_configuration`.

use std::collections::{BTreeMap, HashMap};

use locum_abi::secret::Secret;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::tenant_file::ignored::with_ignored;
use crate::tenant_file::refresh_tokens::RefreshTokenEntry;

with_ignored! {
    /// The whole file.
    struct TenantEntry {
        #[serde(default)]
        domain: String,
        #[serde(default)]
        default: bool,
        #[serde(default)]
        delegation: DelegationEntry,
        #[serde(default)]
        signing_keys: Vec<SigningKeyEntry>,
        next_signing_key: Option<NextSigningKeyEntry>,
        #[serde(default)]
        former_issuers: Vec<FormerIssuerEntry>,
        #[serde(default)]
        trusted_issuers: Vec<TrustedIssuerEntry>,
        #[serde(default)]
        clients: Vec<ClientEntry>,
        #[serde(default)]
        users: Vec<UserEntry>,
        management: Option<ManagementEntry>,
        #[serde(default, rename = "clientGrants")]
        client_grants: Vec<ClientGrantEntry>,
    }
    ignores {
        tenant rules rulesConfigs hooks actions triggers connections databases roles resourceServers
        emailProvider emailTemplates pages branding prompts organizations attackProtection logStreams themes
        guardianFactors guardianFactorProviders guardianFactorTemplates guardianPhoneFactorMessageTypes
        guardianPhoneFactorSelectedProvider guardianPolicies migrations customDomains
    }
}

/// `delegation`: the tenant's policy.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct DelegationEntry {
    pub(super) enabled: Option<bool>,
    #[serde(default)]
    pub(super) jsonp: bool,
    pub(super) lifetime_ceiling_seconds: Option<u64>,
    #[serde(default)]
    pub(super) cap_to_subject_exp: bool,
    pub(super) chains: Option<ChainsEntry>,
    pub(super) confidential_clients: Option<ConfidentialClientsEntry>,
    #[serde(default)]
    pub(super) carry_scope: bool,
    pub(super) session_seconds: Option<u64>,
    #[serde(default)]
    pub(super) profile_endpoints: bool,
    #[serde(default)]
    pub(super) reuse_upstream_credentials: bool,
    #[serde(default)]
    pub(super) leeway_seconds: u64,
    #[serde(default)]
    pub(super) private_attributes: Vec<String>,
    #[serde(default)]
    pub(super) rate_limit: RateLimitEntry,
}

/// `delegation.chains`: who may exchange a token that was issued at the request of another client.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChainsEntry {
    Authenticated,
    Open,
    Refused,
}

/// `delegation.confidential_clients`: whether `/delegation` serves clients that can authenticate.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum ConfidentialClientsEntry {
    Open,
    Refused,
}

/// `delegation.rate_limit`: the bucket of each user at each address.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct RateLimitEntry {
    pub(super) size: Option<u32>,
    pub(super) per_minute: Option<u32>,
    pub(super) when_unavailable: Option<WhenUnavailableEntry>,
    #[serde(default)]
    pub(super) invalid_tokens: BucketEntry,
}

/// `delegation.rate_limit.invalid_tokens`: the bucket of invalid subject tokens of each address.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct BucketEntry {
    pub(super) size: Option<u32>,
    pub(super) per_minute: Option<u32>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum WhenUnavailableEntry {
    Open,
    Closed,
}

/// An entry of `signing_keys`, an RSA key; the first one signs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SigningKeyEntry {
    #[serde(default)]
    pub(super) kid: String,
    pub(super) private_key: Option<Secret>,
    pub(super) certificate: Option<String>,
    /// When it began to sign, and when the next one took its place (RFC 3339).
    pub(super) current_since: Option<String>,
    pub(super) current_until: Option<String>,
}

/// `next_signing_key`: an RSA key that is published and does not sign yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NextSigningKeyEntry {
    #[serde(default)]
    pub(super) kid: String,
    pub(super) private_key: Option<Secret>,
    pub(super) certificate: Option<String>,
    pub(super) published_since: Option<String>,
}

/// `management`: the tenant's Management API.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManagementEntry {
    pub(super) keys: Option<Vec<Secret>>,
}

/// An entry of `clientGrants`. Exports have further fields, which are ignored.
#[derive(Deserialize)]
pub(super) struct ClientGrantEntry {
    pub(super) client_id: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) scope: Option<Vec<String>>,
    pub(super) subject_type: Option<String>,
}

/// An entry of `former_issuers`: an issuer whose tokens count as the tenant's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormerIssuerEntry {
    #[serde(default)]
    pub(super) issuer: String,
    #[serde(default, deserialize_with = "key_set")]
    pub(super) keys: Option<String>,
    pub(super) jwks: Option<DiscoveryEntry>,
    pub(super) jwks_uri: Option<String>,
    pub(super) ca: Option<String>,
    pub(super) stale_if_error_hours: Option<u64>,
}

impl FormerIssuerEntry {
    /// Whether it says where the issuer's keys are.
    pub(super) fn has_keys(&self) -> bool {
        self.keys.is_some() || self.jwks.is_some() || self.jwks_uri.is_some()
    }
}

/// An entry of `trusted_issuers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TrustedIssuerEntry {
    #[serde(default)]
    pub(super) issuer: String,
    #[serde(default, deserialize_with = "key_set")]
    pub(super) keys: Option<String>,
    pub(super) jwks: Option<DiscoveryEntry>,
    pub(super) jwks_uri: Option<String>,
    pub(super) ca: Option<String>,
    pub(super) stale_if_error_hours: Option<u64>,
    pub(super) audiences: Option<AudiencesEntry>,
    pub(super) token_types: Option<Vec<TokenTypeEntry>>,
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) user_id: Option<String>,
    #[serde(default)]
    pub(super) shares_users: bool,
    #[serde(default)]
    pub(super) claims: BTreeMap<String, String>,
}

/// A JWK Set as JSON, from a text or from a mapping.
fn key_set<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "write a JWK Set, as JSON or as a mapping")]
    enum KeySetEntry {
        Json(String),
        Members(Map<String, Value>),
    }
    Ok(Option::deserialize(deserializer)?.map(|entry| match entry {
        KeySetEntry::Json(json) => json,
        KeySetEntry::Members(members) => Value::Object(members).to_string(),
    }))
}

/// `jwks` of another issuer: the word `discovery`.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum DiscoveryEntry {
    Discovery,
}

/// `trusted_issuers[].token_types`
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
pub(super) enum TokenTypeEntry {
    IdToken,
    AccessToken,
}

/// `trusted_issuers[].audiences`: the word `client_id`, or a list.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum AudiencesEntry {
    Word(String),
    List(Vec<String>),
}

with_ignored! {
    /// An entry of `clients`.
    struct ClientEntry {
        #[serde(default)]
        client_id: String,
        #[serde(default)]
        name: Option<String>,
        #[serde(default)]
        client_secret: Option<Secret>,
        #[serde(default)]
        token_endpoint_auth_method: Option<String>,
        #[doc = "The public keys of `private_key_jwt` (RFC 7591 section 2)."]
        #[serde(default, deserialize_with = "key_set")]
        jwks: Option<String>,
        #[serde(default)]
        is_first_party: Option<bool>,
        #[serde(default)]
        oidc_conformant: bool,
        #[serde(default)]
        grant_types: Option<Vec<String>>,
        #[serde(default)]
        refresh_token: Option<RefreshTokenEntry>,
        #[serde(default)]
        allowed_clients: Vec<String>,
        #[serde(default)]
        allowed_origins: Vec<String>,
        #[serde(default)]
        web_origins: Vec<String>,
        #[serde(default)]
        callbacks: Vec<String>,
        #[doc = "Ours: the URIs by which a request can name this client as its target."]
        #[serde(default)]
        resources: Vec<String>,
        #[doc = "Ours: whether a request for this client must present an actor token."]
        #[serde(default)]
        require_actor: bool,
        #[serde(default)]
        jwt_configuration: JwtConfigurationEntry,
        #[serde(default)]
        addons: Map<String, Value>,
    }
    ignores {
        description logo_uri app_type allowed_logout_urls callback_url_template client_aliases client_metadata cross_origin_auth
        cross_origin_authentication cross_origin_loc custom_login_page custom_login_page_on
        custom_login_page_preview encryption_key form_template global initiate_login_uri is_token_endpoint_ip_header_trusted
        mobile native_social_login organization_usage organization_require_behavior signing_keys sso
        sso_disabled tenant default_organization require_pushed_authorization_requests
        oidc_logout oidc_backchannel_logout signed_request_object compliance_level require_proof_of_possession
        resource_server_identifier async_approval_notification_channels session_transfer token_quota
    }
}

/// `jwt_configuration` of a client.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct JwtConfigurationEntry {
    pub(super) alg: Option<String>,
    pub(super) lifetime_in_seconds: Option<u64>,
    #[serde(default)]
    pub(super) secret_encoded: bool,
    #[serde(default)]
    pub(super) scopes: HashMap<String, Vec<String>>,
    /// Added by Locum: the PEM private key that signs the target's ES256 and EdDSA tokens.
    pub(super) private_key: Option<Secret>,
    /// Added by Locum: the `kid` of that key.
    pub(super) private_key_id: Option<String>,
}

/// An entry of `users`: `user_id`, `blocked`, and any attribute.
#[derive(Deserialize)]
pub(super) struct UserEntry {
    #[serde(default)]
    pub(super) user_id: String,
    #[serde(default)]
    pub(super) blocked: bool,
    #[serde(flatten)]
    pub(super) profile: Map<String, Value>,
}
