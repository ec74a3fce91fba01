//! The user of a subject token: chooses the keys by the token's issuer, and checks signature and claims.

use std::fmt::Display;

use locum_abi::secret::Secret;

use crate::model::{ClientKey, PublicKeyAlgorithm, TrustedIssuer};
use crate::prepared::{OtherIssuer, PreparedClient, PreparedTenant};
use crate::refusal::Refusal;
use crate::subject_token::{Expectation, ForeignRules, Subject, Token, VerificationKey, check};

/// Verifies a token that this client presents at `now_unix_ms`, milliseconds since the unix epoch. The subject borrows from
/// `decoded`, which receives the decoded parts of the token.
///
/// # Errors
/// The token is invalid, or its issuer is not trusted here.
pub(super) fn subject_of<'d>(
    tenant: &PreparedTenant,
    client: &PreparedClient,
    token: &Secret,
    now_unix_ms: u64,
    decoded: &'d mut Vec<u8>,
) -> Result<Subject<'d>, Refusal> {
    let token = Token::read(token.expose(), decoded).map_err(refused)?;
    // Only chooses among the issuers that are trusted; each has its own keys.
    let other = token.claimed_issuer().and_then(|issuer| tenant.other_issuers().find(issuer));
    let keys = verification_keys(tenant, client, other);
    let claims = token.verify(&keys).map_err(refused)?;
    let expected = Expectation {
        issuer: other.map_or(tenant.issuer(), |other| &other.issuer),
        client_id: client.id(),
        foreign: other.and_then(|other| other.trusted.as_ref()).map(rules),
        now: i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX),
        leeway_seconds: i64::try_from(tenant.delegation().leeway_seconds).unwrap_or(i64::MAX),
    };
    let subject = check(claims, expected).map_err(refused)?;
    if tenant.other_issuers().reserve(&subject.user_id, other) {
        return Err(refused("id_token names a user that only another issuer can name"));
    }
    Ok(subject)
}

/// The keys that verify tokens of an issuer, or of the tenant if `other` is `None`.
fn verification_keys<'k>(
    tenant: &'k PreparedTenant,
    client: &'k PreparedClient,
    other: Option<&'k OtherIssuer>,
) -> Vec<&'k VerificationKey> {
    match other {
        Some(OtherIssuer { keys, trusted: Some(trusted), .. }) => keys.keys(&trusted.algorithms).collect(),
        // The tenant's tokens: the client's configuration says how they are signed, and no header does.
        Some(former) if matches!(client.client().key, ClientKey::TenantKeys) => {
            former.keys.keys(&[PublicKeyAlgorithm::RS256]).collect()
        }
        Some(_) | None => client.verification_keys(tenant),
    }
}

fn rules(trusted: &TrustedIssuer) -> ForeignRules<'_> {
    let TrustedIssuer { audiences, user_id, claims, .. } = trusted;
    ForeignRules { audiences, user_id, claims }
}

fn refused(fact: impl Display) -> Refusal {
    Refusal::invalid_grant(fact.to_string())
}
