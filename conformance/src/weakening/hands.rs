//! What a weakened issuer can do: sign as the honest one does, count, and remember.

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

/// What a weakening has at hand beside what passes through it.
pub(crate) struct Hands {
    configuration: Configuration,
    /// A secret of the settings.
    secret: Option<String>,
    /// The HMAC key, where the sheet tells it.
    hmac_key: Option<Vec<u8>>,
    counter: Arc<AtomicU64>,
    remembered: Mutex<BTreeMap<String, Issued>>,
    notes: Mutex<BTreeSet<&'static str>>,
}

impl Hands {
    pub(crate) fn of(
        configuration: Configuration,
        secret: Option<String>,
        hmac_key: Option<Vec<u8>>,
        counter: Arc<AtomicU64>,
    ) -> Self {
        let (remembered, notes) = (Mutex::default(), Mutex::default());
        Self { configuration, secret, hmac_key, counter, remembered, notes }
    }

    /// A number that nobody got before.
    pub(crate) fn count(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes a note, and says whether it stood there before.
    pub(crate) fn noted_before(&self, note: &'static str) -> bool {
        !self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(note)
    }

    /// Whether a note was taken.
    pub(crate) fn has_noted(&self, note: &'static str) -> bool {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).contains(note)
    }

    /// What was remembered first under this name: this, if nothing was.
    pub(crate) fn first(&self, name: &str, issued: &Issued) -> Issued {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.entry(name.to_owned()).or_insert_with(|| issued.clone()).clone()
    }

    /// A secret of the settings, or of the tenant.
    pub(crate) fn secret(&self) -> String {
        let of_tenant =
            || self.configuration.tenant.signing_key.as_ref().map(|key| key.private_key_pem.expose());
        self.secret.as_deref().or_else(of_tenant).unwrap_or_default().to_owned()
    }

    /// Changes header and claims of a JWT and signs it again; anything else stays as it is.
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
            // `none` and whatever else: nobody signs.
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
