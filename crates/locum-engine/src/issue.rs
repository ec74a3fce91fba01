//! The issuer's work, and the checks of what it gave against what was authorised. The engine believes nothing.

use locum_abi::answer::{Credential as Given, Failure, FailureCode, Issued as GivenCredential};
use locum_abi::manifest::CredentialForm;
use locum_abi::upstream::is_error_code;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::authorize::Authorized;
use crate::base64url;
use crate::ports::{CallContext, Entropy, IssuerFailure};
use crate::refusal::{Refusal, RefusalKind};

/// A credential that may leave the house.
#[derive(Debug)]
pub struct Issued {
    /// The credential in the form of its answer.
    pub credential: Credential,
    /// When it ends, unix seconds; absent where the upstream does not say.
    pub expires_at: Option<i64>,
    /// Whether an earlier request with the same grant was given it too.
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

/// Issues what was authorised, or gives again what the tenant lets be reused. `reference` is told to the client when
/// the fault is inside.
///
/// # Errors
/// The issuer's refusal or failure, or a credential that is not what was authorised.
pub async fn issue(
    entropy: &dyn Entropy,
    authorized: Authorized,
    reference: &str,
) -> Result<Issued, Refusal> {
    let now = i64::try_from(authorized.now_unix_ms / 1000).unwrap_or(i64::MAX);
    if let Some(issued) = authorized.reuse.as_ref().and_then(|reuse| reuse.given_before(now)) {
        return Ok(issued);
    }
    let context = CallContext { now_unix_ms: authorized.now_unix_ms, entropy: entropy.draw() };
    let given = authorized
        .issuer
        .issue(&authorized.grant, context)
        .await
        .map_err(|failure| refusal_of(failure, reference))?;
    let issued = checked(given, &authorized, now)
        .map_err(|broken| Refusal::fault(RefusalKind::ServerError, reference, broken))?;
    if let Some(reuse) = &authorized.reuse {
        reuse.keep(&issued, now);
    }
    Ok(issued)
}

/// What the client is told of an issuer's failure.
pub(crate) fn refusal_of(failure: IssuerFailure, reference: &str) -> Refusal {
    match failure {
        IssuerFailure::Failed(failure) => refusal_of_failure(&failure, reference),
        IssuerFailure::ContractBroken(_) => Refusal::fault(RefusalKind::ServerError, reference, failure),
        IssuerFailure::Hung(_) => Refusal::fault(RefusalKind::IssuerHung, reference, failure),
        IssuerFailure::Quarantined => Refusal::fault(RefusalKind::TemporarilyUnavailable, reference, failure),
        IssuerFailure::UpstreamUnreachable(_) => {
            Refusal::new(RefusalKind::UpstreamUnreachable, "the upstream cannot be reached or made no sense")
                .because(failure)
        }
        IssuerFailure::UpstreamTimedOut(_) => {
            Refusal::new(RefusalKind::UpstreamTimedOut, "the upstream did not answer in time")
                .because(failure)
        }
    }
}

fn refusal_of_failure(failure: &Failure, reference: &str) -> Refusal {
    match failure.code {
        FailureCode::ParameterRefused | FailureCode::AttributeMissing => {
            Refusal::refused_by_issuer(&failure.message)
        }
        FailureCode::UpstreamRefused => {
            let code = failure.upstream_code.as_deref().filter(|code| is_error_code(code));
            let told = code
                .map_or("the upstream refused".to_owned(), |code| format!("the upstream refused: {code}"));
            Refusal::new(RefusalKind::AccessDenied, told).because(failure)
        }
        FailureCode::UpstreamNonsense => {
            Refusal::new(RefusalKind::UpstreamUnreachable, "the upstream cannot be reached or made no sense")
                .because(failure)
        }
        FailureCode::SettingsRefused
        | FailureCode::Internal
        | FailureCode::Panicked
        | FailureCode::UnknownOp
        | FailureCode::Unknown => {
            let code = failure.code;
            Refusal::fault(RefusalKind::ServerError, reference, format!("{code:?}: {failure}"))
        }
    }
}

/// How a credential differs from what was authorised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum NotAuthorized {
    #[error("the credential has another form than the manifest declares")]
    OtherForm,
    #[error("the credential outlives its grant")]
    OutlivesGrant,
    #[error("the credential has ended before it begins")]
    AlreadyOver,
    #[error("the credential holds a member `error`")]
    HoldsError,
    #[error("the token is not a compact JWT")]
    NotAToken,
    #[error("the token's exp or iat is not what the issuer stated")]
    TimesDiffer,
    #[error("the issuer does not state when its credential ends")]
    NoEnd,
}

fn checked(given: GivenCredential, authorized: &Authorized, now: i64) -> Result<Issued, NotAuthorized> {
    let lifetime = i64::try_from(authorized.grant.lifetime_seconds).unwrap_or(i64::MAX);
    if let Some(expires_at) = given.expires_at {
        // Both ends: a token issued into the future would live its whole life after the grant's.
        if expires_at > now.saturating_add(lifetime) || expires_at.saturating_sub(given.issued_at) > lifetime
        {
            return Err(NotAuthorized::OutlivesGrant);
        }
        if expires_at <= now.max(given.issued_at) {
            return Err(NotAuthorized::AlreadyOver);
        }
    }
    let credential = match (&authorized.form, given.credential) {
        (CredentialForm::Jwt, Given::Jwt(token)) => {
            let expires_at = given.expires_at.ok_or(NotAuthorized::NoEnd)?;
            if times_of(&token)? != (given.issued_at, expires_at) {
                return Err(NotAuthorized::TimesDiffer);
            }
            Credential::Bearer { token, expires_in: expires_at - given.issued_at }
        }
        (CredentialForm::Text { member }, Given::Text(text)) => {
            Credential::Text { member: member.clone(), text }
        }
        // Clients take an answer with this member for a refusal, whatever else stands in it.
        (CredentialForm::Object, Given::Object(object)) if object.contains_key("error") => {
            return Err(NotAuthorized::HoldsError);
        }
        (CredentialForm::Object, Given::Object(object)) => Credential::Object(object),
        _ => return Err(NotAuthorized::OtherForm),
    };
    Ok(Issued { credential, expires_at: given.expires_at, reused: false })
}

/// `iat` and `exp` as they stand in the token.
fn times_of(token: &str) -> Result<(i64, i64), NotAuthorized> {
    #[derive(Deserialize)]
    struct Times {
        iat: i64,
        exp: i64,
    }
    let parts: Vec<_> = token.splitn(4, '.').map(base64url::decode).collect();
    let [Some(header), Some(payload), Some(signature)] = parts.as_slice() else {
        return Err(NotAuthorized::NotAToken);
    };
    if header.is_empty() || signature.is_empty() {
        return Err(NotAuthorized::NotAToken);
    }
    let times: Times = serde_json::from_slice(payload).map_err(|_| NotAuthorized::NotAToken)?;
    Ok((times.iat, times.exp))
}
