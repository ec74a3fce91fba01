//! Issues app tokens.

use std::io::Write as _;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::services::ideal::clients::{Client, Tenant};
use crate::services::ideal::id_token::Claims;
use crate::services::ideal::refusal::Refusal;
use crate::tenant;

/// `{"alg":"HS256","typ":"JWT"}`
const HS256_HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// `{"alg":"RS256","typ":"JWT","kid":"tenant-2026"}`
const RS256_HEADER: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InRlbmFudC0yMDI2In0";

#[derive(Serialize)]
struct AppClaims<'a> {
    iss: &'static str,
    sub: &'a str,
    aud: &'a str,
    iat: u64,
    exp: u64,
    azp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

/// The body of the response with a token for the target.
pub(super) fn app_token(
    tenant: &Tenant,
    client: &Client,
    target: &Client,
    id_token: &Claims<'_>,
    scope: &str,
    now: u64,
) -> Result<Vec<u8>, Refusal> {
    let selects = |word| scope.split(' ').any(|selected| selected == word);
    let (profile, email) = (selects("profile"), selects("email"));
    let claims = AppClaims {
        iss: tenant::ISSUER,
        sub: &id_token.sub,
        aud: target.id,
        iat: now,
        exp: now + target.lifetime_seconds,
        azp: client.id,
        name: id_token.name.as_deref().filter(|_| profile),
        nickname: id_token.nickname.as_deref().filter(|_| profile),
        email: id_token.email.as_deref().filter(|_| email),
        email_verified: id_token.email_verified.filter(|_| email),
    };
    let failed = Refusal::internal("the token was not made");
    let claims = serde_json::to_vec(&claims).map_err(|_| failed)?;
    let header = if target.secret.is_some() { HS256_HEADER } else { RS256_HEADER };
    let mut body = Vec::with_capacity(1024);
    write!(body, r#"{{"token_type":"Bearer","expires_in":{},"id_token":""#, target.lifetime_seconds)
        .map_err(|_| failed)?;
    let mut token = String::with_capacity(header.len() + 1 + claims.len() * 4 / 3 + 360);
    token.push_str(header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&claims, &mut token);
    match &target.secret {
        Some(secret) => {
            let tag = hmac::sign(secret, token.as_bytes());
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(tag.as_ref(), &mut token);
        }
        None => {
            let key = &tenant.signing_key;
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PKCS1_SHA256, &tenant.random, token.as_bytes(), &mut signature)
                .map_err(|_| failed)?;
            token.push('.');
            URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        }
    }
    // A compact JWT holds no character that JSON escapes.
    body.extend_from_slice(token.as_bytes());
    body.extend_from_slice(b"\"}");
    Ok(body)
}
