//! The tools of a faulty issuer: it signs changed tokens with the right key, counts, and remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use locum_abi::answer::{Credential, Issued};
use locum_abi::configuration::Configuration;
use locum_abi::secret::Secret;
use serde_json::{Map, Value};

/// What a fault can use besides the value that it changes.
pub(crate) struct FaultContext {
    configuration: Configuration,
    /// A secret of the settings.
    secret: Option<String>,
    /// The HMAC key, if the plugin spec names it.
    hmac_key: Option<Vec<u8>>,
    counter: Arc<AtomicU64>,
    first_issued: Mutex<BTreeMap<String, Issued>>,
    marks: Mutex<BTreeSet<&'static str>>,
}

impl FaultContext {
    pub(crate) fn of(
        configuration: Configuration,
        secret: Option<String>,
        hmac_key: Option<Vec<u8>>,
        counter: Arc<AtomicU64>,
    ) -> Self {
        let (first_issued, marks) = (Mutex::default(), Mutex::default());
        Self { configuration, secret, hmac_key, counter, first_issued, marks }
    }

    /// A number that differs with each call.
    pub(crate) fn next_number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Sets a mark; returns whether it was set before.
    pub(crate) fn set_mark(&self, mark: &'static str) -> bool {
        !self.marks.lock().unwrap_or_else(PoisonError::into_inner).insert(mark)
    }

    /// Whether a mark is set.
    pub(crate) fn is_marked(&self, mark: &'static str) -> bool {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).contains(mark)
    }

    /// The credential that was first issued under this name; this one, if it is the first.
    pub(crate) fn first_issued(&self, name: &str, issued: &Issued) -> Issued {
        let mut first_issued = self.first_issued.lock().unwrap_or_else(PoisonError::into_inner);
        first_issued.entry(name.to_owned()).or_insert_with(|| issued.clone()).clone()
    }

    /// A secret of the settings, else the tenant's signing key.
    pub(crate) fn secret(&self) -> String {
        let of_tenant =
            || self.configuration.tenant.signing_key.as_ref().map(|key| key.private_key_pem.expose());
        self.secret.as_deref().or_else(of_tenant).unwrap_or_default().to_owned()
    }

    /// Changes header and claims of a JWT and signs it again. Other credentials stay unchanged.
    pub(crate) fn rewrite(
        &self,
        issued: &mut Issued,
        change: impl FnOnce(&mut Map<String, Value>, &mut Map<String, Value>),
    ) {
        let Credential::Jwt(token) = &mut issued.credential else { return };
        let Some((mut header, mut claims)) = parts(token) else { return };
        change(&mut header, &mut claims);
        let message = [&header, &claims]
            .map(|part| URL_SAFE_NO_PAD.encode(Value::Object(part.clone()).to_string()))
            .join(".");
        if let Some(signature) = self.sign(&header, message.as_bytes()) {
            *token = format!("{message}.{signature}");
        }
        let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
        if let (Some(issued_at), Some(expires_at)) = (seconds("iat"), seconds("exp")) {
            issued.issued_at = issued_at;
            issued.expires_at = Some(expires_at);
        }
    }

    fn sign(&self, header: &Map<String, Value>, message: &[u8]) -> Option<String> {
        let settings = &self.configuration.settings;
        match header.get("alg")?.as_str()? {
            "HS256" if self.hmac_key.is_some() => {
                let key = EncodingKey::from_secret(self.hmac_key.as_deref()?);
                crypto::sign(message, &key, Algorithm::HS256).ok()
            }
            "HS256" => {
                let secret = settings.get("secret")?.as_str()?;
                let key = match settings.get("secret_encoded") {
                    Some(Value::Bool(true)) => Secret::from(secret).decode_base64url()?,
                    _ => secret.as_bytes().to_vec(),
                };
                crypto::sign(message, &EncodingKey::from_secret(&key), Algorithm::HS256).ok()
            }
            "RS256" => {
                let of_settings = settings.values().filter_map(Value::as_str);
                let pem =
                    of_settings.into_iter().find(|text| text.starts_with("-----BEGIN")).or_else(|| {
                        self.configuration.tenant.signing_key.as_ref().map(|key| key.private_key_pem.expose())
                    })?;
                crypto::sign(message, &EncodingKey::from_rsa_pem(pem.as_bytes()).ok()?, Algorithm::RS256).ok()
            }
            // `none` and algorithms that no fault needs.
            _ => Some(String::new()),
        }
    }
}

fn parts(token: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let (message, _) = token.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
    Some((part(header)?, part(claims)?))
}
