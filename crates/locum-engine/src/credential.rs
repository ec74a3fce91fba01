//! Issued credentials, and the check of an issuer's answer against the grant.

use std::borrow::Cow;

use locum_abi::answer::{Credential as PluginCredential, Issued as PluginIssued};
use locum_abi::manifest::{CredentialForm, EXPIRY_SKEW_SECONDS_MAX, IssuerManifest};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::base64url;
use crate::jws_parts::jws_parts;
use crate::limits::BACKDATING_SECONDS_MAX;
use crate::strict_json::{Node, plain};

/// A credential that was checked and is ready to return.
#[derive(Debug)]
pub struct Issued {
    /// The credential in the form of its answer.
    pub credential: Credential,
    /// When it expires, in unix seconds; absent if the upstream does not state it.
    pub expires_at: Option<i64>,
    /// Whether it was issued for an earlier request with an equal grant.
    pub reused: bool,
}

/// The credential in the form of its answer.
pub enum Credential {
    /// `{"token_type":"Bearer","expires_in":…,"id_token":"…"}`
    Bearer {
        /// The token.
        token: String,
        /// The lifetime of the token, `exp − iat`, in seconds (RFC 6749 section 5.1).
        expires_in: i64,
    },
    /// `{"<member>":"…"}`
    Text {
        /// The name of the answer's only member, such as `azure_blob_sas`.
        member: String,
        /// The value of that member.
        text: String,
    },
    /// A JSON object, which is the whole answer.
    Object(Map<String, Value>),
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bearer { .. } => "Bearer(…)",
            Self::Text { .. } => "Text(…)",
            Self::Object(_) => "Object(…)",
        })
    }
}

/// How a credential violates its grant or its manifest. Operators read the texts in the audit event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCredential {
    #[error("the credential has another form than the manifest declares")]
    WrongForm,
    #[error("the credential outlives its grant")]
    OutlivesGrant,
    #[error("the issuer states that it issued the credential at another time than now")]
    NotIssuedNow,
    #[error("the credential has already expired")]
    AlreadyExpired,
    #[error("the credential is empty")]
    Empty,
    #[error("the credential has a member `error`")]
    HasErrorMember,
    #[error("the token is not a compact JWT")]
    NotAToken,
    #[error("the token is not signed")]
    Unsigned,
    #[error("the token's exp or iat is not what the issuer stated")]
    TimesDiffer,
    #[error("the issuer does not state when its credential expires")]
    NoExpiry,
}

/// What a manifest promises of the credentials of its issuer.
#[derive(Debug)]
pub(crate) struct Promised {
    pub(crate) form: CredentialForm,
    /// How far the clock of its upstream may be ahead.
    pub(crate) skew_seconds: u64,
}

impl Promised {
    pub(crate) fn of(manifest: &IssuerManifest) -> Self {
        Self {
            form: manifest.credential.clone(),
            skew_seconds: manifest.expiry_skew_seconds.min(EXPIRY_SKEW_SECONDS_MAX),
        }
    }
}

/// Checks the answer of an issuer at `now`, in unix seconds. The engine trusts no statement of an issuer.
pub(crate) fn check(
    answered: PluginIssued,
    promised: &Promised,
    lifetime_seconds: u64,
    now: i64,
) -> Result<Issued, InvalidCredential> {
    let PluginIssued { credential, issued_at, expires_at } = answered;
    check_times(issued_at, expires_at, lifetime_seconds, promised.skew_seconds, now)?;
    let credential = match (&promised.form, credential) {
        (CredentialForm::Jwt, PluginCredential::Jwt(token)) => {
            let expires_at = expires_at.ok_or(InvalidCredential::NoExpiry)?;
            if times_of(&token)? != (issued_at, expires_at) {
                return Err(InvalidCredential::TimesDiffer);
            }
            Credential::Bearer { token, expires_in: expires_at - issued_at }
        }
        (CredentialForm::Text { .. }, PluginCredential::Text(text)) if text.is_empty() => {
            return Err(InvalidCredential::Empty);
        }
        (CredentialForm::Text { member }, PluginCredential::Text(text)) => {
            Credential::Text { member: member.clone(), text }
        }
        (CredentialForm::Object, PluginCredential::Object(object)) if object.is_empty() => {
            return Err(InvalidCredential::Empty);
        }
        // Clients read an answer with this member as a refusal, whatever else it contains (CVE-2026-46405).
        (CredentialForm::Object, PluginCredential::Object(object)) if object.contains_key("error") => {
            return Err(InvalidCredential::HasErrorMember);
        }
        (CredentialForm::Object, PluginCredential::Object(object)) => Credential::Object(object),
        _ => return Err(InvalidCredential::WrongForm),
    };
    Ok(Issued { credential, expires_at, reused: false })
}

fn check_times(
    issued_at: i64,
    expires_at: Option<i64>,
    lifetime_seconds: u64,
    skew_seconds: u64,
    now: i64,
) -> Result<(), InvalidCredential> {
    let seconds = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
    let ahead = seconds(skew_seconds);
    if !(now.saturating_sub(BACKDATING_SECONDS_MAX)..=now.saturating_add(ahead)).contains(&issued_at) {
        return Err(InvalidCredential::NotIssuedNow);
    }
    let Some(expires_at) = expires_at else { return Ok(()) };
    let lifetime = seconds(lifetime_seconds).saturating_add(ahead);
    // The second condition is needed as well: clients receive `expires_in`, which counts from `issued_at`.
    if expires_at > now.saturating_add(lifetime) || expires_at.saturating_sub(issued_at) > lifetime {
        return Err(InvalidCredential::OutlivesGrant);
    }
    if expires_at <= now { Err(InvalidCredential::AlreadyExpired) } else { Ok(()) }
}

/// `iat` and `exp` of a signed JWT (RFC 7515 section 7.1, RFC 7519 section 4.1). The signature is
/// not verified: the engine has no key for it.
fn times_of(token: &str) -> Result<(i64, i64), InvalidCredential> {
    let mut parts = jws_parts(token);
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(InvalidCredential::NotAToken);
    };
    let mut decoded = Vec::with_capacity(token.len());
    let decode = |part, decoded: &mut Vec<u8>| match base64url::decode_into(part, decoded) {
        true => Ok(()),
        false => Err(InvalidCredential::NotAToken),
    };
    decode(signature, &mut decoded)?;
    if decoded.is_empty() {
        return Err(InvalidCredential::Unsigned);
    }
    decode(header, &mut decoded)?;
    if algorithm(&decoded)?.eq_ignore_ascii_case("none") {
        return Err(InvalidCredential::Unsigned);
    }
    decode(payload, &mut decoded)?;
    iat_and_exp(&decoded)
}

fn algorithm(header: &[u8]) -> Result<Cow<'_, str>, InvalidCredential> {
    #[derive(Deserialize)]
    struct Header<'a> {
        #[serde(borrow)]
        alg: Cow<'a, str>,
    }
    let text = object_text(header)?;
    match plain::object(text).and_then(|mut header| header.remove("alg")) {
        Some(Node::Text(alg)) => Ok(alg),
        _ => general(text).map(|Header { alg }| alg),
    }
}

fn iat_and_exp(payload: &[u8]) -> Result<(i64, i64), InvalidCredential> {
    #[derive(Deserialize)]
    struct Times {
        iat: i64,
        exp: i64,
    }
    let text = object_text(payload)?;
    let times = plain::object(text).and_then(|claims| {
        let seconds = |name| claims.get(name).and_then(Node::as_i64);
        Some((seconds("iat")?, seconds("exp")?))
    });
    times.map_or_else(|| general(text).map(|Times { iat, exp }| (iat, exp)), Ok)
}

/// The JSON, unless it begins otherwise than an object: serde also reads a struct from an array.
fn object_text(json: &[u8]) -> Result<&str, InvalidCredential> {
    let text = std::str::from_utf8(json).ok();
    text.filter(|text| text.starts_with('{')).ok_or(InvalidCredential::NotAToken)
}

/// Reads an object that is not plain, or lacks a member.
fn general<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, InvalidCredential> {
    serde_json::from_str(text).map_err(|_| InvalidCredential::NotAToken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_form_of_a_credential_and_nothing_of_it() {
        let shown = [
            Credential::Bearer { token: "s3cret".to_owned(), expires_in: 60 },
            Credential::Text { member: "sas".to_owned(), text: "s3cret".to_owned() },
            Credential::Object(Map::from_iter([("s3cret".to_owned(), Value::Null)])),
        ]
        .map(|credential| format!("{credential:?}"));
        assert_eq!(shown, ["Bearer(…)", "Text(…)", "Object(…)"]);
    }
}
