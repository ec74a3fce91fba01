//! The ideal refuses what Locum refuses.

use axum::http::HeaderValue;
use serde_json::{Value, json};

use super::*;
use crate::exchange::Exchange;
use crate::id_token::{Minter, claims};
use crate::requests::body;
use crate::tenant;

const NOW: u64 = 1_800_000_000;

fn ideal() -> Ideal {
    Ideal { tenant: Tenant::new().unwrap(), buckets: Buckets::default() }
}

fn answer(ideal: &Ideal, body: &str) -> Result<Value, Refusal> {
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))].into_iter().collect();
    let address = SocketAddr::from(([192, 0, 2, 1], 40_000));
    let body = ideal.exchange(&headers, body.as_bytes(), address, NOW * 1_000_000, &mut None)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

/// What it answers to an id_token with these claims in place of valid ones.
fn answer_to(exchange: Exchange, changed: Value) -> Result<Value, Refusal> {
    let mut claims = claims(tenant::ISSUER, exchange.client(), 7, NOW);
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let id_token = Minter::of(exchange).unwrap().sign(&claims).unwrap();
    answer(&ideal(), &body(exchange, &id_token))
}

fn description(answer: Result<Value, Refusal>) -> &'static str {
    answer.unwrap_err().description
}

#[test]
fn every_exchange_gets_its_credential() {
    for exchange in Exchange::ALL {
        let answer = answer_to(exchange, json!({})).unwrap();
        let member = if exchange == Exchange::Hs256Sas { "azure_blob_sas" } else { "id_token" };
        assert!(answer[member].as_str().is_some_and(|credential| credential.len() > 100), "{answer}");
    }
}

#[test]
fn an_app_token_is_verified_as_an_id_token_of_its_target() {
    // The target of both is verified with the key that signed the token; its claims name no `spa` as audience.
    for (exchange, client) in [(Exchange::Hs256Hs256, "orders-api"), (Exchange::Hs256Rs256, "reports-api")] {
        let answer = answer_to(exchange, json!({})).unwrap();
        let token = answer["id_token"].as_str().unwrap();
        let ideal = ideal();
        let verify = |client: &str, token: &str| {
            let client = ideal.tenant.client(client).unwrap();
            id_token::verify(token, client, &ideal.tenant, NOW, &mut Vec::new()).map(drop)
        };
        // Only that another client requested it is wrong with it.
        assert_eq!(verify(client, token).unwrap_err().description, "aud is another client");
        assert_eq!(verify("spa", token).unwrap_err().code, "invalid_grant");
        let tampered = token.replacen('.', ".e30", 1);
        assert_eq!(verify(client, &tampered).unwrap_err().description, "the id_token's signature is invalid");
    }
}

#[test]
fn an_expired_id_token_is_refused() {
    for exchange in Exchange::ALL {
        assert!(answer_to(exchange, json!({"exp": NOW + 1})).is_ok());
        assert_eq!(description(answer_to(exchange, json!({"exp": NOW}))), "the id_token has expired");
    }
}

#[test]
fn an_id_token_of_another_audience_or_issuer_or_of_the_future_is_refused() {
    let exchange = Exchange::Hs256Hs256;
    assert_eq!(description(answer_to(exchange, json!({"aud": "rs-spa"}))), "aud is another client");
    assert_eq!(description(answer_to(exchange, json!({"azp": "rs-spa"}))), "aud is another client");
    assert!(answer_to(exchange, json!({"azp": "spa"})).is_ok());
    assert_eq!(description(answer_to(exchange, json!({"iss": "https://other/"}))), "iss is another issuer");
    assert!(answer_to(exchange, json!({"iat": NOW + 60, "nbf": NOW + 60})).is_ok());
    assert_eq!(description(answer_to(exchange, json!({"iat": NOW + 61}))), "the id_token is not valid yet");
    assert_eq!(description(answer_to(exchange, json!({"nbf": NOW + 61}))), "the id_token is not valid yet");
    assert_eq!(description(answer_to(exchange, json!({"sub": "a\nb"}))), "sub is not a user's id");
    assert_eq!(description(answer_to(exchange, json!({"exp": "soon"}))), "the id_token is malformed");
}

#[test]
fn an_id_token_that_another_key_signed_is_refused() {
    for (exchange, other) in
        [(Exchange::Hs256Hs256, Exchange::Rs256Hs256), (Exchange::Rs256Hs256, Exchange::Hs256Hs256)]
    {
        let claims = claims(tenant::ISSUER, exchange.client(), 7, NOW);
        let token = Minter::of(other).unwrap().sign(&claims).unwrap();
        let refused = description(answer(&ideal(), &body(exchange, &token)));
        assert_eq!(refused, "the id_token's algorithm or key is not the client's");
    }
}

#[test]
fn an_id_token_with_one_other_byte_in_its_signature_is_refused() {
    for exchange in [Exchange::Hs256Hs256, Exchange::Rs256Hs256] {
        let token =
            Minter::of(exchange).unwrap().sign(&claims(tenant::ISSUER, exchange.client(), 7, NOW)).unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        let first = if signature.starts_with('A') { 'B' } else { 'A' };
        let tampered = format!("{message}.{first}{}", &signature[1..]);
        let refused = description(answer(&ideal(), &body(exchange, &tampered)));
        assert_eq!(refused, "the id_token's signature is invalid");
    }
}

#[test]
fn a_body_with_a_duplicate_member_or_of_another_type_is_refused() {
    let exchange = Exchange::Hs256Hs256;
    let token =
        Minter::of(exchange).unwrap().sign(&claims(tenant::ISSUER, exchange.client(), 7, NOW)).unwrap();
    let good = body(exchange, &token);
    let ideal = ideal();
    assert!(answer(&ideal, &good).is_ok());
    assert!(answer(&ideal, &good.replacen('{', r#"{"nonce":1,"#, 1)).is_ok());
    for bad in [r#"{"client_id":"spa","#, "[{"] {
        assert_eq!(description(answer(&ideal, &good.replacen('{', bad, 1))), "the body is not a delegation");
    }
    let form = ideal.exchange(&HeaderMap::new(), good.as_bytes(), ([192, 0, 2, 1], 1).into(), NOW, &mut None);
    assert_eq!(form.unwrap_err().description, "the body must be application/json");
}

#[test]
fn the_headers_of_tokens_are_what_their_comments_say() {
    for (exchange, header) in [
        (Exchange::Hs256Hs256, json!({"alg": "HS256", "typ": "JWT"})),
        (Exchange::Hs256Rs256, json!({"alg": "RS256", "typ": "JWT", "kid": tenant::KEY_ID})),
    ] {
        use base64::Engine as _;
        let answer = answer_to(exchange, json!({})).unwrap();
        let first = answer["id_token"].as_str().unwrap().split('.').next().unwrap();
        let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(first).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&decoded).unwrap(), header);
    }
}
