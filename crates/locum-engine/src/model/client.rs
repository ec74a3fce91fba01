//! A client: an application that sends requests, or is their target.

use std::collections::HashMap;
use std::fmt;

use locum_abi::secret::Secret;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::model::{ClientAuthentication, RefreshTokenRules};

/// A client, as in a tenant file or a database row.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// A name for operators. It has no effect.
    pub name: Option<String>,
    /// The key that the client's id_tokens are signed with.
    pub key: ClientKey,
    /// How it authenticates at the endpoints under `/oauth/`.
    pub authentication: ClientAuthentication,
    /// False for third-party clients, which cannot delegate.
    pub is_first_party: bool,
    /// Whether the client is OIDC-conformant. Such a client cannot be caller or target of the app target.
    pub oidc_conformant: bool,
    /// The legacy grants that the client has.
    pub grants: LegacyGrants,
    /// The scopes that the client may have at the Management API of its tenant; empty if it may not call it.
    pub management_scopes: Vec<String>,
    /// What the client's refresh tokens are like; `None` if it has none.
    pub refresh_tokens: Option<RefreshTokenRules>,
    /// The clients that may request this one as target; empty for all.
    pub allowed_clients: Vec<String>,
    /// The web origins from which browsers may send requests (CORS), such as `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// The URIs by which a request can name this client as its target (RFC 8693 section 2.1, `resource`).
    pub resources: Vec<String>,
    /// Whether a request that names this client as its target must present an actor token (RFC 8693 section 2.1).
    pub require_actor: bool,
    /// Aliases of `jwt_configuration.scopes`: a scope and the claims that it selects.
    pub scope_aliases: HashMap<String, Vec<String>>,
    /// The add-on of the app target: it issues JWTs for this client.
    pub app: AddOn,
    /// The enabled add-ons. The first one is the default for requests without an api_type.
    pub add_ons: Vec<AddOn>,
}

impl Client {
    /// A public first-party client with both legacy grants, which every client of its tenant may target. It has no key, so
    /// its id_tokens cannot be verified until [`key`](Self::key) is set.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: None,
            key: ClientKey::None,
            authentication: ClientAuthentication::None,
            is_first_party: true,
            oidc_conformant: false,
            grants: LegacyGrants { id_token: true, refresh_token: true },
            management_scopes: Vec::new(),
            refresh_tokens: None,
            allowed_clients: Vec::new(),
            allowed_origins: Vec::new(),
            resources: Vec::new(),
            require_actor: false,
            scope_aliases: HashMap::new(),
            app: AddOn::new("app", Map::new()),
            add_ons: Vec::new(),
        }
    }

    /// Whether the client `caller` may name this one as its target.
    pub fn allows(&self, caller: &str) -> bool {
        caller == self.id
            || self.allowed_clients.is_empty()
            || self.allowed_clients.iter().any(|id| id == caller)
    }
}

/// The key that a client's id_tokens are signed with.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientKey {
    /// The client's own secret, with HS256 (RFC 7518 section 3.2).
    Secret(ClientSecret),
    /// The tenant's keys, with RS256 (RFC 7518 section 3.3).
    TenantKeys,
    /// There is no key, so every id_token of the client is refused.
    None,
}

/// A client secret, as the bytes of an HMAC key. It is not empty.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(Zeroizing<Vec<u8>>);

impl ClientSecret {
    /// The bytes of the text, or if `encoded` is set, the bytes that it encodes in base64url with or without padding.
    ///
    /// # Errors
    /// `encoded` is set and the text is not base64url, or there are no bytes.
    pub fn new(secret: &Secret, encoded: bool) -> Result<Self, InvalidClientSecret> {
        let bytes = if encoded {
            secret.decode_base64url().ok_or(InvalidClientSecret::NotBase64Url)?
        } else {
            secret.expose().as_bytes().to_vec()
        };
        if bytes.is_empty() { Err(InvalidClientSecret::Empty) } else { Ok(Self(Zeroizing::new(bytes))) }
    }

    /// The secret bytes. Review each call of this: they must not be logged or compared in variable time.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}

/// Why a client secret cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClientSecret {
    /// `secret_encoded` is set, and the text is not base64url.
    #[error("secret_encoded is true, but the secret is not base64url")]
    NotBase64Url,
    /// The secret is empty. Anybody could sign with an empty key.
    #[error("the secret is empty")]
    Empty,
}

/// Which kinds of subject token a client may present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyGrants {
    /// Auth0's grant `http://auth0.com/oauth/legacy/grant-type/delegation/id_token`.
    pub id_token: bool,
    /// Auth0's grant `http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token`.
    pub refresh_token: bool,
}

/// An add-on: the settings of an issuer for one target.
#[derive(Clone, PartialEq)]
pub struct AddOn {
    /// The api_type, which selects the issuer.
    pub api_type: String,
    /// The settings, which the issuer's manifest describes. They may contain secrets.
    pub settings: Map<String, Value>,
}

impl AddOn {
    /// An add-on with these settings.
    pub fn new(api_type: impl Into<String>, settings: Map<String, Value>) -> Self {
        Self { api_type: api_type.into(), settings }
    }
}

// Settings contain account keys and passwords, so only their names are shown.
impl fmt::Debug for AddOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddOn")
            .field("api_type", &self.api_type)
            .field("settings", &self.settings.keys().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_text_or_the_bytes_that_the_text_encodes() {
        let secret = |text: &str, encoded| ClientSecret::new(&Secret::from(text), encoded);
        assert_eq!(secret("YWJj", false).unwrap().expose(), b"YWJj");
        for text in ["YWI=", "YWI"] {
            assert_eq!(secret(text, true).unwrap().expose(), b"ab");
        }
        assert_eq!(secret("a b", true).unwrap_err(), InvalidClientSecret::NotBase64Url);
        assert_eq!(secret("", false).unwrap_err(), InvalidClientSecret::Empty);
        assert_eq!(secret("", true).unwrap_err(), InvalidClientSecret::Empty);
    }

    #[test]
    fn debug_shows_neither_secrets_nor_settings() {
        let mut client = Client::new("caller");
        client.key = ClientKey::Secret(ClientSecret::new(&"hunter2".into(), false).unwrap());
        client.app.settings.insert("secret".to_owned(), "hunter2".into());
        let shown = format!("{client:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("Secret(ClientSecret(…))") && shown.contains("settings: [\"secret\"]"),
            "{shown}"
        );
    }
}
