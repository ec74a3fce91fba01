//! Issued credentials, and the check of what an issuer answered against what was authorised.

use locum_abi::answer::Credential as PluginCredential;
use locum_abi::manifest::CredentialForm;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::base64url;

/// A credential that was checked and is ready to return.
#[derive(Debug)]
pub struct Issued {
    /// The credential in the form of its answer.
    pub credential: Credential,
    /// When it expires, unix seconds; absent where the upstream does not say.
    pub expires_at: Option<i64>,
    /// Whether an earlier request with the same grant was answered with it too.
    pub reused: bool,
}

/// The credential in the form of its answer.
pub enum Credential {
    /// `{"token_type":"Bearer","expires_in":…,"id_token":"…"}`
    Bearer {
        /// The token.
        token: String,
        /// `exp − iat` of the token, in seconds.
        expires_in: i64,
    },
    /// `{"<member>":"…"}`
    Text {
        /// The member's name.
        member: String,
        /// The text.
        text: String,
    },
    /// The object itself.
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

/// How a credential differs from what was authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidCredential {
    #[error("the credential has another form than the manifest declares")]
    WrongForm,
    #[error("the credential outlives its grant")]
    OutlivesGrant,
    #[error("the credential expires before it is valid")]
    AlreadyExpired,
    #[error("the credential has a member `error`")]
    HasErrorMember,
    #[error("the token is not a compact JWT")]
    NotAToken,
    #[error("the token's exp or iat is not what the issuer stated")]
    TimesDiffer,
    #[error("the issuer does not state when its credential expires")]
    NoExpiry,
}

/// Checks what an issuer answered at `now`, unix seconds. The engine believes nothing.
pub(crate) fn check(
    given: locum_abi::answer::Issued,
    form: &CredentialForm,
    lifetime_seconds: u64,
    now: i64,
) -> Result<Issued, InvalidCredential> {
    let lifetime = i64::try_from(lifetime_seconds).unwrap_or(i64::MAX);
    if let Some(expires_at) = given.expires_at {
        // Both bounds: a token issued in the future would be valid for its whole lifetime after the grant's.
        if expires_at > now.saturating_add(lifetime) || expires_at.saturating_sub(given.issued_at) > lifetime
        {
            return Err(InvalidCredential::OutlivesGrant);
        }
        if expires_at <= now.max(given.issued_at) {
            return Err(InvalidCredential::AlreadyExpired);
        }
    }
    let credential = match (form, given.credential) {
        (CredentialForm::Jwt, PluginCredential::Jwt(token)) => {
            let expires_at = given.expires_at.ok_or(InvalidCredential::NoExpiry)?;
            if times_of(&token)? != (given.issued_at, expires_at) {
                return Err(InvalidCredential::TimesDiffer);
            }
            Credential::Bearer { token, expires_in: expires_at - given.issued_at }
        }
        (CredentialForm::Text { member }, PluginCredential::Text(text)) => {
            Credential::Text { member: member.clone(), text }
        }
        // Clients take an answer with this member for a refusal, whatever else it contains.
        (CredentialForm::Object, PluginCredential::Object(object)) if object.contains_key("error") => {
            return Err(InvalidCredential::HasErrorMember);
        }
        (CredentialForm::Object, PluginCredential::Object(object)) => Credential::Object(object),
        _ => return Err(InvalidCredential::WrongForm),
    };
    Ok(Issued { credential, expires_at: given.expires_at, reused: false })
}

/// `iat` and `exp` as they stand in the token.
fn times_of(token: &str) -> Result<(i64, i64), InvalidCredential> {
    #[derive(Deserialize)]
    struct Times {
        iat: i64,
        exp: i64,
    }
    let parts: Vec<_> = token.splitn(4, '.').map(base64url::decode).collect();
    let [Some(header), Some(payload), Some(signature)] = parts.as_slice() else {
        return Err(InvalidCredential::NotAToken);
    };
    if header.is_empty() || signature.is_empty() {
        return Err(InvalidCredential::NotAToken);
    }
    let times: Times = serde_json::from_slice(payload).map_err(|_| InvalidCredential::NotAToken)?;
    Ok((times.iat, times.exp))
}
