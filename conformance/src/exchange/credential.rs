//! Decodes the credential of a response.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use locum_abi::manifest::CredentialForm;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::fixtures::credential_reading::{CredentialReading, ObjectReading, QueryReading, VerifyingKey};
use crate::fixtures::tested_tenant::TestedTenant;
use crate::fixtures::variables::unix_seconds;

/// A decoded credential.
#[derive(Debug, Clone)]
pub(crate) struct DecodedCredential {
    /// The credential itself: the token, the text, or the object as JSON.
    pub(crate) text: String,
    /// What its holder presents: the token in an object, else the whole text.
    pub(crate) presented: String,
    /// The JOSE header of a JWT.
    pub(crate) header: Option<Map<String, Value>>,
    /// Claims, query parameters or members, by form.
    pub(crate) claims: Map<String, Value>,
    /// Start of the lifetime, unix seconds, if stated.
    pub(crate) issued_at: Option<i64>,
    /// Expiry, unix seconds, if stated.
    pub(crate) expires_at: Option<i64>,
    /// `expires_in` of the response, in seconds.
    pub(crate) expires_in: Option<i64>,
}

/// Decodes the credential of a body, which must have exactly the form that the manifest declares.
///
/// # Errors
/// How the body differs from that form.
pub(crate) fn decode(
    body: &str,
    form: &CredentialForm,
    reading: &CredentialReading,
) -> Result<DecodedCredential, String> {
    let members: Map<String, Value> =
        serde_json::from_str(body).map_err(|_| "the body is not a JSON object".to_owned())?;
    let (text, expires_in) = match form {
        CredentialForm::Jwt => bearer(&members)?,
        CredentialForm::Text { member } => (only_text(&members, member)?, None),
        CredentialForm::Object | CredentialForm::Unknown => {
            (Value::Object(members.clone()).to_string(), None)
        }
    };
    let mut decoded = match (form, reading) {
        (CredentialForm::Jwt, _) => jwt(text)?,
        (_, CredentialReading::Query(reading)) => query(text, reading)?,
        (CredentialForm::Object, CredentialReading::Object(reading)) => object(text, members, reading),
        (CredentialForm::Object, _) => {
            object(text, members, &ObjectReading { expires_at: None, token: None })
        }
        _ => opaque(text),
    };
    decoded.expires_in = expires_in;
    Ok(decoded)
}

fn bearer(members: &Map<String, Value>) -> Result<(String, Option<i64>), String> {
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    if names != ["token_type", "expires_in", "id_token"] {
        return Err(format!("the members of the body are {}", names.join(", ")));
    }
    if members.get("token_type") != Some(&Value::String("Bearer".to_owned())) {
        return Err("token_type is not Bearer".to_owned());
    }
    let expires_in =
        members.get("expires_in").and_then(Value::as_i64).ok_or("expires_in is not a whole number")?;
    let token = members.get("id_token").and_then(Value::as_str).ok_or("id_token is not a text")?;
    Ok((token.to_owned(), Some(expires_in)))
}

fn only_text(members: &Map<String, Value>, member: &str) -> Result<String, String> {
    match (members.len(), members.get(member)) {
        (1, Some(Value::String(text))) => Ok(text.clone()),
        _ => Err(format!(
            "the members of the body are {}",
            members.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// Decodes a compact JWT.
///
/// # Errors
/// It is not one.
pub(crate) fn jwt(token: String) -> Result<DecodedCredential, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, _] = parts.as_slice() else {
        return Err("the token is not a compact JWT".to_owned());
    };
    let part = |text: &str| -> Option<Map<String, Value>> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    };
    let header = part(header).ok_or("the token's header is not a JSON object")?;
    let claims = part(claims).ok_or("the token's claims are not a JSON object")?;
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    Ok(DecodedCredential {
        issued_at: seconds("iat"),
        expires_at: seconds("exp"),
        header: Some(header),
        claims,
        presented: token.clone(),
        text: token,
        expires_in: None,
    })
}

fn query(text: String, reading: &QueryReading) -> Result<DecodedCredential, String> {
    let pairs = text
        .strip_prefix(&reading.after)
        .ok_or_else(|| format!("the credential does not start with `{}`", reading.after))?;
    let mut claims = Map::new();
    for pair in pairs.split('&') {
        let (name, value) = pair.split_once('=').ok_or("a query parameter has no value")?;
        let value = percent_decode_str(value).decode_utf8().map_err(|_| "a query parameter is not UTF-8")?;
        if claims.insert(name.to_owned(), value.into_owned().into()).is_some() {
            return Err(format!("the query parameter {name} is repeated"));
        }
    }
    let seconds = |name: &Option<String>| claims.get(name.as_deref()?).and_then(time_in_claim);
    Ok(DecodedCredential {
        issued_at: seconds(&reading.issued_at),
        expires_at: seconds(&reading.expires_at),
        header: None,
        presented: text.clone(),
        text,
        claims,
        expires_in: None,
    })
}

fn object(text: String, members: Map<String, Value>, reading: &ObjectReading) -> DecodedCredential {
    let whole = Value::Object(members.clone());
    let expires_at =
        reading.expires_at.as_deref().and_then(|pointer| whole.pointer(pointer)).and_then(time_in_claim);
    let token = reading.token.as_deref().and_then(|pointer| whole.pointer(pointer)?.as_str());
    let presented = token.map_or_else(|| text.clone(), str::to_owned);
    DecodedCredential {
        presented,
        text,
        header: None,
        claims: members,
        issued_at: None,
        expires_at,
        expires_in: None,
    }
}

fn opaque(text: String) -> DecodedCredential {
    DecodedCredential {
        presented: text.clone(),
        text,
        header: None,
        claims: Map::new(),
        issued_at: None,
        expires_at: None,
        expires_in: None,
    }
}

/// Unix seconds, from a number, from a number in a text, or from RFC 3339.
fn time_in_claim(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok().or_else(|| unix_seconds(text)),
        other => other.as_i64(),
    }
}

impl DecodedCredential {
    /// A claim, parameter or member, by its name or JSON pointer.
    pub(crate) fn claim(&self, name: &str) -> Option<Value> {
        if name.starts_with('/') {
            return Value::Object(self.claims.clone()).pointer(name).cloned();
        }
        self.claims.get(name).cloned()
    }

    /// The credential and its decoded parts as one text, to search for forbidden texts.
    pub(crate) fn as_searchable_text(&self) -> String {
        let header = self.header.clone().map(Value::Object).unwrap_or_default();
        format!("{} {header} {}", self.text, Value::Object(self.claims.clone()))
    }

    /// The same credential with the signature of this token; `None` if the token does not sign the same.
    pub(crate) fn signed_anew(&self, token: &str) -> Option<Self> {
        let signed = |jwt: &str| jwt.rsplit_once('.').map(|(signed, _)| signed.to_owned());
        (signed(token)? == signed(&self.text)?).then(|| Self {
            text: token.to_owned(),
            presented: token.to_owned(),
            ..self.clone()
        })
    }

    /// Verifies the signature.
    ///
    /// # Errors
    /// Why the signature is not valid for this key.
    pub(crate) fn verify(
        &self,
        key: &VerifyingKey,
        settings: &Map<String, Value>,
        tenant: &TestedTenant,
    ) -> Result<(), String> {
        let (algorithm, key) = decoding_key(key, settings, tenant)?;
        let stated = self.header.as_ref().and_then(|header| header.get("alg")).and_then(Value::as_str);
        let name = format!("{algorithm:?}");
        if stated != Some(name.as_str()) {
            return Err(format!("the header states {}, the key is for {name}", stated.unwrap_or("nothing")));
        }
        let (message, signature) = self.text.rsplit_once('.').unwrap_or_default();
        match crypto::verify(signature, message.as_bytes(), &key, algorithm) {
            Ok(true) => Ok(()),
            _ => Err("the signature is not valid for the key".to_owned()),
        }
    }
}

fn decoding_key(
    key: &VerifyingKey,
    settings: &Map<String, Value>,
    tenant: &TestedTenant,
) -> Result<(Algorithm, DecodingKey), String> {
    let unusable = |error: jsonwebtoken::errors::Error| format!("the verifying key cannot be used: {error}");
    let of_client = |secret: &[u8]| (Algorithm::HS256, DecodingKey::from_secret(secret));
    match key {
        VerifyingKey::TargetSecret => Ok(of_client(tenant.target_secret())),
        VerifyingKey::CallerSecret => Ok(of_client(tenant.caller_secret())),
        VerifyingKey::SecretInSetting(name) => {
            let secret = settings.get(name).and_then(Value::as_str).unwrap_or_default();
            Ok((Algorithm::HS256, DecodingKey::from_secret(secret.as_bytes())))
        }
        VerifyingKey::SecretBytes(bytes) => {
            let bytes =
                URL_SAFE_NO_PAD.decode(bytes).map_err(|_| "secret-bytes is not base64url".to_owned())?;
            Ok((Algorithm::HS256, DecodingKey::from_secret(&bytes)))
        }
        VerifyingKey::TenantKey => {
            let (pem, _) = tenant.signing_key().ok_or("the tenant has no signing key")?;
            let private = jsonwebtoken::EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(unusable)?;
            let public = Jwk::from_encoding_key(&private, Algorithm::RS256).map_err(unusable)?;
            Ok((Algorithm::RS256, DecodingKey::from_jwk(&public).map_err(unusable)?))
        }
        VerifyingKey::PublicJwk { alg, jwk } => {
            let jwk: Jwk = serde_json::from_value(jwk.clone())
                .map_err(|_| "the verifying key is not a JWK".to_owned())?;
            Ok((alg.parse().map_err(unusable)?, DecodingKey::from_jwk(&jwk).map_err(unusable)?))
        }
        VerifyingKey::PublicKey { alg, pem } => {
            let algorithm: Algorithm = alg.parse().map_err(unusable)?;
            let key = match algorithm {
                Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(pem.as_bytes()),
                Algorithm::EdDSA => DecodingKey::from_ed_pem(pem.as_bytes()),
                _ => DecodingKey::from_rsa_pem(pem.as_bytes()),
            };
            Ok((algorithm, key.map_err(unusable)?))
        }
    }
}

#[cfg(test)]
mod tests;
