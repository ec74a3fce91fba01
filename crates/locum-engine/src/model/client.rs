//! A client: an application that makes requests, or is the target of them.

use std::collections::HashMap;
use std::fmt;

use locum_abi::secret::Secret;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A client as a file or a row describes it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// The key that the client's id_tokens are signed with.
    pub key: ClientKey,
    /// False for third-party clients, which cannot delegate.
    pub is_first_party: bool,
    /// Whether the OIDC-conformant rules apply.
    pub oidc_conformant: bool,
    /// The legacy grants that the client has.
    pub grants: LegacyGrants,
    /// The clients that may request this one as target; empty for all.
    pub allowed_clients: Vec<String>,
    /// Origins that a browser may call from.
    pub allowed_origins: Vec<String>,
    /// The URIs by which a request can name this client as its target (RFC 8693 section 2.1, `resource`).
    pub resources: Vec<String>,
    /// Aliases of `jwt_configuration.scopes`: a scope and the claims that it selects.
    pub scope_aliases: HashMap<String, Vec<String>>,
    /// The add-on of the app target: it issues JWTs for this client.
    pub app: AddOn,
    /// The enabled add-ons in the order of the tenant file; the first one is the default.
    pub add_ons: Vec<AddOn>,
}

impl Client {
    /// A first-party client with both legacy grants, open to every client of its tenant, and without a key: its
    /// id_tokens cannot be verified until [`key`](Self::key) is set.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: None,
            key: ClientKey::None,
            is_first_party: true,
            oidc_conformant: false,
            grants: LegacyGrants { id_token: true, refresh_token: true },
            allowed_clients: Vec::new(),
            allowed_origins: Vec::new(),
            resources: Vec::new(),
            scope_aliases: HashMap::new(),
            app: AddOn::new("app", Map::new()),
            add_ons: Vec::new(),
        }
    }
}

/// The key that a client's id_tokens are signed with.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientKey {
    /// The client's own secret, HS256.
    Secret(ClientSecret),
    /// The tenant's keys, RS256.
    TenantKeys,
    /// There is no key; the client's tokens cannot be verified.
    None,
}

/// A client secret as the bytes of an HMAC key: at least one.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(Zeroizing<Vec<u8>>);

impl ClientSecret {
    /// The bytes of a secret's text, which is base64url, with or without padding, if `encoded` is set.
    ///
    /// # Errors
    /// If the text is not base64url although it should be, or if it is empty.
    pub fn new(secret: &Secret, encoded: bool) -> Result<Self, InvalidClientSecret> {
        let bytes = if encoded {
            secret.decode_base64url().ok_or(InvalidClientSecret::NotBase64Url)?
        } else {
            secret.expose().as_bytes().to_vec()
        };
        if bytes.is_empty() { Err(InvalidClientSecret::Empty) } else { Ok(Self(Zeroizing::new(bytes))) }
    }

    /// The bytes themselves. Every call of this is a place to review.
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
    /// An empty key would verify what anybody signed.
    #[error("the secret is empty")]
    Empty,
}

/// The legacy grants that a client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyGrants {
    /// `http://auth0.com/oauth/legacy/grant-type/delegation/id_token`
    pub id_token: bool,
    /// `http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token`
    pub refresh_token: bool,
}

/// An add-on: the settings of an issuer at one client.
#[derive(Clone, PartialEq)]
pub struct AddOn {
    /// The api_type.
    pub api_type: String,
    /// The stored settings.
    pub settings: Map<String, Value>,
}

impl AddOn {
    /// An add-on with these settings.
    pub fn new(api_type: impl Into<String>, settings: Map<String, Value>) -> Self {
        Self { api_type: api_type.into(), settings }
    }
}

// Settings hold account keys and passwords: their names may be shown, their values may not.
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
        assert!(!format!("{client:?}").contains("hunter2"));
    }
}
