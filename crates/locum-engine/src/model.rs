//! What operators configure, as plain data: tenants, clients with their add-ons, users.

mod attribute_pattern;
mod client;
mod client_authentication;
mod issuer_url;
mod management_key;
mod policy;
mod public_key_algorithm;
mod refresh_token_rules;
mod tenant;
mod trusted_issuer;
mod user;

pub use attribute_pattern::{AttributePattern, InvalidAttributePattern};
pub use client::{AddOn, Client, ClientKey, ClientSecret, InvalidClientSecret, LegacyGrants};
pub use client_authentication::{ClientAuthentication, SecretDigest};
pub use issuer_url::{InvalidIssuerUrl, IssuerUrl};
pub use management_key::{InvalidManagementKey, ManagementKey};
pub use policy::{Chains, ConfidentialClients, DelegationPolicy, WhenUnavailable};
pub use public_key_algorithm::{PublicKeyAlgorithm, UnknownAlgorithm};
pub use refresh_token_rules::RefreshTokenRules;
pub(crate) use refresh_token_rules::after;
pub use tenant::Tenant;
pub use trusted_issuer::{
    Audiences, FormerIssuer, InvalidUserIdRule, IssuerKeySource, KeyLocation, RemoteKeys, TokenType,
    TrustedIssuer, UserIdRule,
};
pub use user::User;
