//! The user of a subject token: chooses the keys by the token's issuer, and checks signature and claims.

use std::fmt::Display;

use crate::delegation::request::{PresentedKind, PresentedToken};
use crate::model::{ClientKey, PublicKeyAlgorithm, TokenType, TrustedIssuer};
use crate::ports::{IssuerKeys, StoreUnavailable};
use crate::prepared::{OtherIssuer, OtherKeys, PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::subject_token::{
    ClaimError, Expectation, ForeignRules, KeySet, Subject, Token, TokenError, VerificationKey, check,
};

/// Verifies a JWT that this client presents at `now_unix_ms`, milliseconds since the unix epoch. The subject borrows from
/// `decoded`, which receives the decoded parts of the token.
///
/// # Errors
/// The token is invalid, its issuer is not trusted here, or the keys of its issuer cannot be had.
pub(crate) async fn subject_of<'d>(
    issuer_keys: &dyn IssuerKeys,
    tenant: &PreparedTenant,
    client: &PreparedClient,
    presented: &PresentedToken,
    now_unix_ms: u64,
    decoded: &'d mut Vec<u8>,
) -> Result<Subject<'d>, Refusal> {
    let refused = |why: &dyn Display| Refusal::invalid_grant(format!("{} {why}", presented.parameter));
    let token = Token::read(presented.token.expose(), decoded).map_err(|why| refused(&why))?;
    let token_type = token.claimed_type();
    // Only chooses among the issuers that are trusted; each has its own keys.
    let other = token.claimed_issuer().and_then(|issuer| tenant.other_issuers().find(issuer));
    if !is_presented_as(token_type, presented.kind) || !accepts(other, token_type) {
        return Err(refused(&TokenError::WrongType));
    }
    let fetched = match keys_of(client, other) {
        Some(OtherKeys::Remote(remote)) => {
            Some(issuer_keys.keys(remote, token.claimed_kid()).wait().await.map_err(unavailable)?)
        }
        Some(OtherKeys::Held(_)) | None => None,
    };
    let keys = verification_keys(tenant, client, other, fetched.as_deref());
    let claims = token.verify(&keys).map_err(|why| refused(&why))?;
    let expected = Expectation {
        token_type,
        issuer: other.map_or(tenant.issuer(), |other| &other.issuer),
        client_id: client.id(),
        foreign: other.and_then(|other| other.trusted.as_ref()).map(rules),
        now: i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX),
        leeway_seconds: i64::try_from(tenant.delegation().leeway_seconds).unwrap_or(i64::MAX),
    };
    let subject = check(claims, expected).map_err(|why| match why {
        ClaimError::IssuerMismatch => {
            Refusal::invalid_grant(format!("the issuer of the {} is not trusted here", presented.parameter))
        }
        why => refused(&why),
    })?;
    if tenant.other_issuers().reserve(&subject.user_id, other) {
        return Err(refused(&"names a user that only another issuer can name"));
    }
    Ok(subject)
}

/// The keys of another issuer, if it is them that verify its tokens for this client. A token of a former issuer may be signed
/// with the client's secret instead: the client's configuration says so, and no header does.
fn keys_of<'k>(client: &PreparedClient, other: Option<&'k OtherIssuer>) -> Option<&'k OtherKeys> {
    let OtherIssuer { keys, trusted, .. } = other?;
    (trusted.is_some() || matches!(client.client().key, ClientKey::TenantKeys)).then_some(keys)
}

/// The keys that verify tokens of an issuer, or of the tenant if `other` is `None`.
fn verification_keys<'k>(
    tenant: &'k PreparedTenant,
    client: &'k PreparedClient,
    other: Option<&'k OtherIssuer>,
    fetched: Option<&'k KeySet>,
) -> Vec<&'k VerificationKey> {
    let set = match keys_of(client, other) {
        None => return client.verification_keys(tenant),
        Some(OtherKeys::Held(set)) => set,
        Some(OtherKeys::Remote(_)) => match fetched {
            Some(set) => set,
            None => return Vec::new(),
        },
    };
    let trusted = other.and_then(|other| other.trusted.as_ref());
    set.keys(trusted.map_or(&[PublicKeyAlgorithm::RS256], |trusted| &trusted.algorithms)).collect()
}

fn rules(trusted: &TrustedIssuer) -> ForeignRules<'_> {
    let TrustedIssuer { audiences, user_id, claims, .. } = trusted;
    ForeignRules { audiences, user_id, claims }
}

fn is_presented_as(token_type: TokenType, kind: PresentedKind) -> bool {
    match kind {
        PresentedKind::IdToken => token_type == TokenType::IdToken,
        PresentedKind::AccessToken => token_type == TokenType::AccessToken,
        PresentedKind::Jwt => true,
        PresentedKind::RefreshToken => false,
    }
}

/// Whether tokens of this type are accepted of an issuer. The tenant issues no access tokens, so it has none to accept.
fn accepts(other: Option<&OtherIssuer>, token_type: TokenType) -> bool {
    match other.and_then(|other| other.trusted.as_ref()) {
        None => token_type == TokenType::IdToken,
        Some(trusted) => trusted.token_types.contains(&token_type),
    }
}

/// The client did nothing wrong, so its token does not count as invalid.
fn unavailable(why: StoreUnavailable) -> Refusal {
    let description = "the keys of the token's issuer cannot be fetched now; try again later";
    Refusal::new(RefusalKind::TemporarilyUnavailable, description).because(why)
}
