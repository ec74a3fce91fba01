//! The tokens and assertions that clients of the tenant present, each noted so that dumps can be searched for it.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::{Value, json};

use crate::cluster::tenant::{DOMAIN, SECRET, SIGNER};
use crate::id_token::{Minter, claims};
use crate::tenant::parsed_rsa_key;

pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE: &str = "urn:ietf:params:oauth:token-type:";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Less than a minute, by which the clock of one node is off, so that this node takes an assertion for expired.
pub(super) const ASSERTION_SECONDS: u64 = 50;

pub(super) struct Tokens {
    clients: Minter,
    assertions: Minter,
    issued: Mutex<Vec<String>>,
}

impl Tokens {
    /// With the keys of the fixtures.
    pub(super) fn new(keys: &Path) -> Result<Self> {
        let worker = std::fs::read_to_string(keys.join("worker.pem"))?;
        Ok(Self {
            clients: Minter::of_secret(SECRET),
            assertions: Minter::Rsa { key: Box::new(parsed_rsa_key(&worker)?), key_id: "worker-2026" },
            issued: Mutex::default(),
        })
    }

    /// Notes a token that a node has issued.
    pub(super) fn note(&self, token: &str) {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).push(token.to_owned());
    }

    /// All tokens and assertions so far.
    pub(super) fn noted(&self) -> Vec<String> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An exchange of an id_token that costs no write but the user's bucket.
    pub(super) fn exchange(&self, client: &str, user: usize) -> Result<Value> {
        Ok(json!({
            "client_id": client, "grant_type": JWT_BEARER, "id_token": self.id_token(client, user)?,
            "target": "orders-api", "scope": "openid email", "api_type": "app",
        }))
    }

    /// A request for the first refresh token of a family.
    pub(super) fn sign_in(&self, client: &str, user: usize) -> Result<Value> {
        Ok(json!({
            "client_id": client, "grant_type": EXCHANGE, "subject_token": self.id_token(client, user)?,
            "subject_token_type": format!("{TYPE}id_token"), "scope": "openid offline_access",
            "requested_token_type": format!("{TYPE}refresh_token"),
        }))
    }

    /// A request of a client that authenticates by an assertion with this `jti`.
    pub(super) fn assertion(&self, jti: &str, user: usize) -> Result<Value> {
        let now = now();
        let assertion = self.assertions.sign(&json!({
            "iss": SIGNER, "sub": SIGNER, "aud": format!("https://{DOMAIN}/"), "jti": jti, "iat": now,
            "exp": now + ASSERTION_SECONDS,
        }))?;
        self.note(&assertion);
        Ok(json!({
            "grant_type": EXCHANGE, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE,
            "subject_token": self.id_token(SIGNER, user)?, "subject_token_type": format!("{TYPE}id_token"),
            "audience": "orders-api", "scope": "openid",
        }))
    }

    fn id_token(&self, client: &str, user: usize) -> Result<String> {
        let token = self.clients.sign(&claims(&format!("https://{DOMAIN}/"), client, user, now()))?;
        self.note(&token);
        Ok(token)
    }
}

/// A use of a refresh token.
pub(super) fn refresh(client: &str, token: &str) -> Value {
    json!({"client_id": client, "grant_type": "refresh_token", "refresh_token": token})
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
