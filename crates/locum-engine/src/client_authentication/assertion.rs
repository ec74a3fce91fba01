//! A client's assertion: a JWT by which it authenticates, signed with a private key of its own (RFC 7523 section 3; the method
//! `private_key_jwt` of OpenID Connect Core section 9).

use locum_abi::secret::Secret;

use crate::limits::{ASSERTION_ID_BYTES_MAX, ASSERTION_SECONDS_MAX, FUTURE_SECONDS_MAX};
use crate::model::PublicKeyAlgorithm;
use crate::ports::UsedAssertions;
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::strict_json::{Members, Node};
use crate::subject_token::{ClaimError, Token, TokenError, VerificationKey, optional_seconds, seconds, text};

/// The path of the token endpoint, whose URL may be the audience of an assertion.
const TOKEN_ENDPOINT: &str = "/oauth/token";

/// Why an assertion proves nothing. Clients receive the texts, after the name of the parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum AssertionError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("has an iss or sub that is not the client_id")]
    OtherClient,
    #[error("has an aud that is neither the issuer nor the URL of the token endpoint")]
    OtherAudience,
    #[error("is valid for more than an hour")]
    TooLongValid,
    #[error("has a jti that is empty or longer than {ASSERTION_ID_BYTES_MAX} bytes")]
    UnusableId,
    #[error("was used before; make a new one for each request")]
    Used,
}

impl From<AssertionError> for Refusal {
    fn from(why: AssertionError) -> Self {
        Self::new(RefusalKind::InvalidClient, format!("client_assertion {why}"))
    }
}

/// The client that an assertion claims to be of.
///
/// # Errors
/// It is not a JWT with a `sub`.
pub(super) fn claimed_client(assertion: &Secret) -> Result<String, AssertionError> {
    let mut decoded = Vec::new();
    let token = Token::read(assertion.expose(), &mut decoded)?;
    Ok(token.claimed_subject().ok_or(ClaimError::Missing("sub"))?.to_owned())
}

/// Uses an assertion, which must be one of this client for this tenant at `now`, in unix seconds.
///
/// # Errors
/// It is not, it was used before, or nobody can say whether it was.
pub(super) async fn use_assertion(
    used: &dyn UsedAssertions,
    tenant: &PreparedTenant,
    client: &PreparedClient,
    assertion: &Secret,
    now: i64,
) -> Result<(), Refusal> {
    let mut decoded = Vec::new();
    let token = Token::read(assertion.expose(), &mut decoded).map_err(AssertionError::from)?;
    let keys: Vec<&VerificationKey> = client.assertion_keys(&PublicKeyAlgorithm::ALL).collect();
    let claims = token.verify(&keys).map_err(AssertionError::from)?;
    let Use { id, expires_at } = check(&claims, tenant, client.id(), now)?;
    let is_first = used.use_once(tenant.domain(), client.id(), id, expires_at, now).wait().await;
    if is_first.map_err(Refusal::unavailable)? { Ok(()) } else { Err(AssertionError::Used.into()) }
}

/// What is remembered of an assertion.
#[derive(Debug, PartialEq, Eq)]
struct Use<'c> {
    /// `jti`
    id: &'c str,
    /// `exp`, in unix seconds. From then on it is refused whether or not it was used.
    expires_at: i64,
}

/// Checks the claims that RFC 7523 section 3 and OpenID Connect Core section 9 demand.
fn check<'c>(
    claims: &'c Members<'_>,
    tenant: &PreparedTenant,
    client_id: &str,
    now: i64,
) -> Result<Use<'c>, AssertionError> {
    if text(claims, "iss")? != client_id || text(claims, "sub")? != client_id {
        return Err(AssertionError::OtherClient);
    }
    check_audience(claims, tenant)?;
    let expires_at = seconds(claims, "exp")?;
    if now >= expires_at {
        return Err(ClaimError::Expired.into());
    }
    if expires_at.saturating_sub(now) > ASSERTION_SECONDS_MAX + FUTURE_SECONDS_MAX {
        return Err(AssertionError::TooLongValid);
    }
    let starts = [optional_seconds(claims, "nbf")?, optional_seconds(claims, "iat")?];
    if starts.into_iter().flatten().any(|time| time > now.saturating_add(FUTURE_SECONDS_MAX)) {
        return Err(ClaimError::NotYetValid.into());
    }
    let id = text(claims, "jti")?;
    if id.is_empty() || id.len() > ASSERTION_ID_BYTES_MAX {
        return Err(AssertionError::UnusableId);
    }
    Ok(Use { id, expires_at })
}

/// Each audience must be the tenant: an assertion that is for other servers too could be used here by one of them.
fn check_audience(claims: &Members<'_>, tenant: &PreparedTenant) -> Result<(), AssertionError> {
    let is_ours = |audience: &Node<'_>| {
        audience.as_text().ok_or(ClaimError::WrongType("aud")).map(|audience| is_tenant(audience, tenant))
    };
    let is_ours = match claims.get("aud").ok_or(ClaimError::Missing("aud"))? {
        Node::List(audiences) => {
            let each: Vec<bool> = audiences.iter().map(is_ours).collect::<Result<_, _>>()?;
            !each.is_empty() && each.into_iter().all(|is_ours| is_ours)
        }
        audience => is_ours(audience)?,
    };
    if is_ours { Ok(()) } else { Err(AssertionError::OtherAudience) }
}

/// Whether this is the tenant's issuer or its token endpoint, which a server may have under a path of its own.
fn is_tenant(audience: &str, tenant: &PreparedTenant) -> bool {
    let is_token_endpoint = || {
        let url = audience.strip_prefix("https://")?.strip_prefix(tenant.domain())?;
        url.strip_suffix(TOKEN_ENDPOINT).filter(|path| path.is_empty() || path.starts_with('/'))
    };
    audience == tenant.issuer() || is_token_endpoint().is_some()
}
