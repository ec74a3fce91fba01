//! The tokens that the tests present.

use std::sync::OnceLock;

use jsonwebtoken::crypto::aws_lc;
use jsonwebtoken::{EncodingKey, Header, encode};
use locum_engine::ports::Clock as _;
use locum_store::SystemClock;
use serde_json::{Value, json};

/// With characters that a form escapes.
pub(super) const SECRET: &str = "exchanger secret +/:&%-0123456789-0123456789-0123456789";
pub(super) const SPA_SECRET: &str = "spa-secret-0123456789-0123456789-0123456789";

/// One token for each purpose.
pub(super) struct Tokens {
    pub(super) subject: String,
    pub(super) expired: String,
    pub(super) with_act: String,
    pub(super) for_another_actor: String,
    pub(super) actor: String,
    pub(super) of_spa: String,
}

/// The same tokens in every test.
pub(super) fn tokens() -> &'static Tokens {
    static TOKENS: OnceLock<Tokens> = OnceLock::new();
    TOKENS.get_or_init(|| {
        // An error means that it is installed already.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        let alice = |further: Value| token("exchanger", SECRET, "auth0|alice", 3600, further);
        Tokens {
            subject: alice(json!({"scope": "openid email", "email": "alice@example.com"})),
            expired: token("exchanger", SECRET, "auth0|alice", -60, json!({})),
            with_act: alice(json!({"act": {"sub": "auth0|first"}})),
            for_another_actor: alice(json!({"may_act": {"sub": "auth0|somebody"}})),
            actor: token("exchanger", SECRET, "auth0|support", 3600, json!({})),
            of_spa: token("spa", SPA_SECRET, "auth0|alice", 3600, json!({})),
        }
    })
}

fn token(client: &str, secret: &str, user: &str, expires_in: i64, further: Value) -> String {
    let now = i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap();
    let mut claims = json!({
        "iss": "https://acme.example.com/", "sub": user, "aud": client, "iat": now - 120, "exp": now + expires_in,
    });
    claims.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}
