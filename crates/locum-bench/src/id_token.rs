//! Mints the id_tokens that are exchanged.

use anyhow::{Context, Result};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::exchange::Exchange;
use crate::tenant;

/// How long id_tokens are valid: longer than any run.
const LIFETIME_SECONDS: u64 = 86_400;

/// Signs claims for the client of an exchange.
pub(crate) enum Minter {
    Hmac(Box<hmac::Key>),
    Rsa { key: Box<RsaKeyPair>, key_id: &'static str },
}

impl Minter {
    /// With the key that the client's id_tokens are verified with.
    pub(crate) fn of(exchange: Exchange) -> Result<Self> {
        Ok(if exchange.presents_rsa() {
            Self::Rsa { key: Box::new(tenant::rsa_key()?), key_id: tenant::KEY_ID }
        } else {
            Self::of_secret(tenant::SPA_SECRET)
        })
    }

    /// With a client's secret.
    pub(crate) fn of_secret(secret: &str) -> Self {
        Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())))
    }

    /// A compact JWT.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String> {
        let header = match self {
            Self::Hmac(_) => json!({"alg": "HS256", "typ": "JWT"}),
            Self::Rsa { key_id, .. } => json!({"alg": "RS256", "typ": "JWT", "kid": key_id}),
        };
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = match self {
            Self::Hmac(key) => hmac::sign(key, message.as_bytes()).as_ref().to_vec(),
            Self::Rsa { key, .. } => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
                    .context("the key does not sign")?;
                signature
            }
        };
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The id of a user, by number.
pub(crate) fn user_id(user: usize) -> String {
    format!("auth0|{user:024x}")
}

/// The claims of a user, by number, for a client of the tenant that issues them.
pub(crate) fn claims(issuer: &str, client: &str, user: usize, now: u64) -> Value {
    json!({
        "iss": issuer, "sub": user_id(user), "aud": client,
        "iat": now, "exp": now + LIFETIME_SECONDS,
        "email": format!("user-{user}@example.com"), "email_verified": true,
        "name": format!("User {user}"), "nickname": format!("user-{user}"),
    })
}
