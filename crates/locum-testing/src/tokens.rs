//! Tokens: any header and any payload, signed with the keys of the test tenants.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::{ACME, GLOBEX, NOW};

/// The secret of every client.
pub const SECRET: &str = "a secret of at least thirty-two bytes";

/// The private key of [`ACME`], PEM.
pub fn acme_key() -> &'static str {
    include_str!("../../../fixtures/keys/tenant-rsa.pem")
}

/// The private key of [`GLOBEX`], PEM.
pub fn globex_key() -> &'static str {
    include_str!("../../../fixtures/keys/firebase.pem")
}

/// A good id_token of Alice for this client of [`ACME`]. It expires five minutes after [`NOW`].
pub fn id_token(client_id: &str) -> String {
    hs256(&claims_for(client_id))
}

/// The claims of [`id_token`].
pub fn claims_for(client_id: &str) -> Value {
    json!({
        "iss": format!("https://{ACME}/"), "aud": client_id, "sub": "auth0|alice",
        "iat": NOW - 10, "exp": NOW + 300,
    })
}

/// A token with these claims, signed with HS256 and [`SECRET`].
pub fn hs256(claims: &Value) -> String {
    signed_text(r#"{"typ":"JWT","alg":"HS256"}"#, &claims.to_string(), Algorithm::HS256)
}

/// A token of this header with these claims, signed with HS256 and this secret.
pub fn hs256_by(secret: &str, header: &str, claims: &Value) -> String {
    signed(header, &claims.to_string(), &EncodingKey::from_secret(secret.as_bytes()), Algorithm::HS256)
}

/// A token with these claims, signed with RS256 and the key of this tenant, with its `kid`.
pub fn rs256(domain: &str, claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": format!("key of {domain}")}).to_string();
    let key = if domain == GLOBEX { globex_key() } else { acme_key() };
    signed(
        &header,
        &claims.to_string(),
        &EncodingKey::from_rsa_pem(key.as_bytes()).unwrap(),
        Algorithm::RS256,
    )
}

/// A token of this header and payload. RS256 signs with the key of [`ACME`], any other algorithm with [`SECRET`].
pub fn signed_text(header: &str, payload: &str, algorithm: Algorithm) -> String {
    let key = match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_pem(acme_key().as_bytes()).unwrap(),
        _ => EncodingKey::from_secret(SECRET.as_bytes()),
    };
    signed(header, payload, &key, algorithm)
}

fn signed(header: &str, payload: &str, key: &EncodingKey, algorithm: Algorithm) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}
