//! Issued and refused tokens, through the messages that a host sends.

use locum_plugin::prelude::*;
@if not upstream@
@if hs256@
use locum_plugin::testing::{NOW, ReadyIssuer, grant, tenant, verify_hs256};
@end@
@if rs256@
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, grant, tenant};
@end@
@end@
@if upstream@
@if hs256@
use locum_plugin::testing::{ReadyIssuer, grant, tenant};
@end@
@if rs256@
use locum_plugin::testing::{ReadyIssuer, TestKey, grant, tenant};
@end@
@end@

use crate::@Issuer@;
@if hs256@

const KEY: &str = "throw-away-key-of-a-test";
@end@

@if not upstream@
fn configure(key: &str) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<@Issuer@>("@api_type@", json!({ "@key@": key }), tenant())
}

#[test]
fn a_token_has_the_users_id_and_expires_with_its_grant() {
@if hs256@
    let token = configure(KEY).unwrap().issue_token(&grant(json!({}))).unwrap();
    let claims = verify_hs256(KEY.as_bytes(), &token).unwrap().claims;
@end@
@if rs256@
    let token = configure(TestKey::rsa().private_key_pem()).unwrap().issue_token(&grant(json!({}))).unwrap();
    let claims = TestKey::rsa().verify_jwt(Algorithm::RS256, &token).unwrap().claims;
@end@
    assert_eq!(claims["sub"], "auth0|alice");
    assert_eq!(claims["exp"], json!(NOW + 3600));
}
@end@
@if upstream@
fn configure(key: &str) -> Result<ReadyIssuer, Failure> {
    let settings = json!({
        "@key@": key,
        "client_id": "client-of-a-test",
@if url@
        "token_url": "@token_url@",
@if revocable@
        "revocation_url": "@revocation_url@",
@end@
@end@
    });
    ReadyIssuer::configure::<@Issuer@>("@api_type@", settings, tenant())
}

fn issuer() -> ReadyIssuer {
@if hs256@
    configure(KEY).unwrap()
@end@
@if rs256@
    configure(TestKey::rsa().private_key_pem()).unwrap()
@end@
}

#[test]
fn the_upstream_is_asked_before_there_is_a_token() {
    let Ok(IssueAnswer::Call { request }) = issuer().issue(&grant(json!({})), &[]) else {
        panic!("no call");
    };
    assert_eq!(request.url, "@token_url@");
    assert!(request.body.starts_with("grant_type="), "{}", request.body);
}

#[test]
fn a_lifetime_that_is_not_a_number_is_refused() {
    let issued = |expires_in: Value| {
        let reply = json!({ "access_token": "token-of-the-upstream", "expires_in": expires_in });
        issuer().issue(&grant(json!({})), &[UpstreamReply::new(200, reply.to_string())])
    };
    assert!(issued(json!(600)).is_ok());
    for expires_in in [json!("600"), json!(0), json!(null)] {
        assert!(issued(expires_in.clone()).is_err(), "{expires_in}");
    }
}
@end@
@if revocable@

#[test]
fn only_what_can_be_a_token_is_sent_to_be_revoked() {
    let asked = |credential| issuer().revoke(credential, &[]).unwrap();
    assert!(matches!(asked("token-of-the-upstream"), RevokeAnswer::Call { .. }));
    assert!(matches!(asked("not a token"), RevokeAnswer::AlreadyGone));
}
@end@

@if hs256@
#[test]
fn an_empty_key_is_refused() {
    assert_eq!(configure("").err().unwrap().pointer.as_deref(), Some("/key"));
}
@end@
@if rs256@
#[test]
fn a_key_that_is_not_pem_is_refused() {
    assert_eq!(configure("not a key").err().unwrap().pointer.as_deref(), Some("/private_key"));
}
@end@
