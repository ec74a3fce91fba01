//! Verifies an id_token: its form, its signature, its claims.

use std::borrow::Cow;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::services::ideal::clients::{Client, Tenant};
use crate::services::ideal::refusal::Refusal;
use crate::tenant;

const MAX_BYTES: usize = 16 * 1024;
/// How far a clock may be ahead.
const SKEW_SECONDS: u64 = 60;

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    typ: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kid: Option<Cow<'a, str>>,
    crit: Option<IgnoredAny>,
}

/// The claims that are checked or copied.
#[derive(Deserialize)]
pub(super) struct Claims<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) sub: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    exp: u64,
    iat: u64,
    nbf: Option<u64>,
    #[serde(borrow)]
    azp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) email: Option<Cow<'a, str>>,
    pub(super) email_verified: Option<bool>,
    #[serde(borrow)]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) nickname: Option<Cow<'a, str>>,
}

/// Its claims, which borrow from `payload`.
pub(super) fn verify<'p>(
    token: &str,
    client: &Client,
    tenant: &Tenant,
    now: u64,
    payload: &'p mut Vec<u8>,
) -> Result<Claims<'p>, Refusal> {
    let malformed = Refusal::id_token("the id_token is malformed");
    if token.len() > MAX_BYTES {
        return Err(malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(malformed)?;
    let (header, claims) = message.split_once('.').ok_or(malformed)?;
    check_header(header, client)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed)?;
    let verified = match &client.secret {
        Some(secret) => hmac::verify(secret, message.as_bytes(), &signature),
        None => tenant.public_key.verify_sig(message.as_bytes(), &signature),
    };
    verified.map_err(|_| Refusal::id_token("the id_token's signature is invalid"))?;
    URL_SAFE_NO_PAD.decode_vec(claims, payload).map_err(|_| malformed)?;
    let claims: Claims<'p> = serde_json::from_slice(payload).map_err(|_| malformed)?;
    check_claims(&claims, client, now)?;
    Ok(claims)
}

fn check_header(header: &str, client: &Client) -> Result<(), Refusal> {
    let malformed = Refusal::id_token("the id_token's header is malformed");
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| malformed)?;
    let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| malformed)?;
    let algorithm = if client.secret.is_some() { "HS256" } else { "RS256" };
    let key_is_known = client.secret.is_some() || header.kid.is_none_or(|kid| kid == tenant::KEY_ID);
    if header.alg != algorithm
        || header.typ.is_some_and(|typ| typ != "JWT")
        || header.crit.is_some()
        || !key_is_known
    {
        return Err(Refusal::id_token("the id_token's algorithm or key is not the client's"));
    }
    Ok(())
}

fn check_claims(claims: &Claims<'_>, client: &Client, now: u64) -> Result<(), Refusal> {
    if claims.iss != tenant::ISSUER {
        return Err(Refusal::id_token("iss is another issuer"));
    }
    if claims.aud != client.id || claims.azp.as_ref().is_some_and(|azp| azp != client.id) {
        return Err(Refusal::id_token("aud is another client"));
    }
    if claims.exp <= now {
        return Err(Refusal::id_token("the id_token has expired"));
    }
    if claims.iat > now + SKEW_SECONDS || claims.nbf.is_some_and(|nbf| nbf > now + SKEW_SECONDS) {
        return Err(Refusal::id_token("the id_token is not valid yet"));
    }
    if !(1..=255).contains(&claims.sub.len()) || claims.sub.chars().any(char::is_control) {
        return Err(Refusal::id_token("sub is not a user's id"));
    }
    Ok(())
}
