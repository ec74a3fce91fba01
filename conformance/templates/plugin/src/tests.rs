//! Issued and refused tokens, through the messages that a host sends.

use locum_plugin::prelude::*;
use locum_plugin::testing::{NOW, ReadyIssuer, grant, tenant, verify_hs256};

use crate::@Issuer@;

const KEY: &str = "throw-away-key-of-a-test";

fn configure(key: &str) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<@Issuer@>("@api_type@", json!({ "key": key }), tenant())
}

#[test]
fn a_token_has_the_users_id_and_expires_with_its_grant() {
    let token = configure(KEY).unwrap().issue_token(&grant(json!({}))).unwrap();
    let claims = verify_hs256(KEY.as_bytes(), &token).unwrap().claims;
    assert_eq!(claims["sub"], "auth0|alice");
    assert_eq!(claims["exp"], json!(NOW + 3600));
}

#[test]
fn an_empty_key_is_refused() {
    assert_eq!(configure("").err().unwrap().pointer.as_deref(), Some("/key"));
}
