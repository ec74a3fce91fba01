//! Credentials of every form, valid and malformed.

use jsonwebtoken::EncodingKey;
use locum_engine::model::{Client, ClientKey, ClientSecret, Tenant};
use locum_store::TenantData;
use serde_json::json;

use super::*;
use crate::fixtures::credential_reading::JwtReading;
use crate::fixtures::tested_tenant::Roles;

fn token(header: Value, claims: Value, secret: &[u8]) -> String {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature =
        crypto::sign(message.as_bytes(), &EncodingKey::from_secret(secret), Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}

fn bearer(token: &str) -> String {
    json!({ "token_type": "Bearer", "expires_in": 300, "id_token": token }).to_string()
}

fn jwt_of(body: &str) -> Result<DecodedCredential, String> {
    let reading = CredentialReading::Jwt(JwtReading { verifies_with: VerifyingKey::TargetSecret });
    decode(body, &CredentialForm::Jwt, &reading)
}

fn valid_token() -> String {
    token(json!({ "alg": "HS256" }), json!({ "iat": 1000, "exp": 1300, "aud": "target" }), b"target's secret")
}

fn tenant() -> TestedTenant {
    let mut target = Client::new("target");
    target.key = ClientKey::Secret(ClientSecret::new(&"target's secret".into(), false).unwrap());
    let data = TenantData::new(Tenant::new("acme.example.com"), vec![target]);
    TestedTenant { data, roles: Roles::of_suite() }
}

#[test]
fn a_jwt_is_decoded() {
    let decoded = jwt_of(&bearer(&valid_token())).unwrap();
    assert_eq!(
        (decoded.issued_at, decoded.expires_at, decoded.expires_in),
        (Some(1000), Some(1300), Some(300))
    );
    assert_eq!(decoded.claim("aud"), Some(json!("target")));
}

#[test]
fn a_bearer_response_has_exactly_three_members() {
    let good: Value = serde_json::from_str(&bearer(&valid_token())).unwrap();
    for (name, value) in [
        ("token_type", json!("mac")),
        ("expires_in", json!("300")),
        ("id_token", json!(7)),
        ("more", json!(1)),
    ] {
        let mut changed = good.clone();
        changed[name] = value;
        assert!(jwt_of(&changed.to_string()).is_err(), "{name}");
    }
    assert!(jwt_of("[]").is_err());
}

#[test]
fn a_malformed_token_is_not_decoded() {
    for text in ["a.b", "a.b.c", "e30.e30", "e30.W10.c", ""] {
        assert!(jwt_of(&bearer(text)).is_err(), "{text}");
    }
}

#[test]
fn a_token_is_valid_for_its_key_only() {
    let decoded = jwt_of(&bearer(&valid_token())).unwrap();
    let verifies = |key: &VerifyingKey| decoded.verify(key, &Map::new(), &tenant());
    assert_eq!(verifies(&VerifyingKey::TargetSecret), Ok(()));
    let other = VerifyingKey::SecretBytes(URL_SAFE_NO_PAD.encode("another secret"));
    assert_eq!(verifies(&other).unwrap_err(), "the signature is not valid for the key");
}

#[test]
fn a_token_with_another_algorithm_in_its_header_is_not_valid() {
    let token = token(json!({ "alg": "none" }), json!({ "iat": 1000, "exp": 1300 }), b"target's secret");
    let decoded = jwt_of(&bearer(&token)).unwrap();
    let refused = decoded.verify(&VerifyingKey::TargetSecret, &Map::new(), &tenant());
    assert_eq!(refused.unwrap_err(), "the header states none, the key is for HS256");
}

fn query_of(body: &str) -> Result<DecodedCredential, String> {
    let reading = QueryReading {
        after: "SAS ".to_owned(),
        issued_at: Some("st".to_owned()),
        expires_at: Some("se".to_owned()),
    };
    decode(body, &CredentialForm::Text { member: "sas".to_owned() }, &CredentialReading::Query(reading))
}

#[test]
fn a_query_is_decoded_with_times_as_numbers_and_as_rfc_3339() {
    let decoded = query_of(r#"{"sas":"SAS st=1970-01-01T00%3A16%3A40Z&se=1300&sr=a%2Fb"}"#).unwrap();
    assert_eq!((decoded.issued_at, decoded.expires_at), (Some(1000), Some(1300)));
    assert_eq!(decoded.claim("sr"), Some(json!("a/b")));
}

#[test]
fn a_query_with_a_repeated_parameter_or_without_its_prefix_is_refused() {
    for body in
        [r#"{"sas":"SAS a=1&a=2"}"#, r#"{"sas":"a=1"}"#, r#"{"sas":"SAS a"}"#, r#"{"sas":"SAS a=1","b":1}"#]
    {
        assert!(query_of(body).is_err(), "{body}");
    }
}

#[test]
fn the_presented_text_of_an_object_is_its_token() {
    let reading = ObjectReading { expires_at: Some("/c/end".to_owned()), token: Some("/c/token".to_owned()) };
    let body = r#"{"c":{"token":"t","end":"1970-01-01T00:21:40.000Z"}}"#;
    let decoded = decode(body, &CredentialForm::Object, &CredentialReading::Object(reading)).unwrap();
    assert_eq!((decoded.presented.as_str(), decoded.expires_at), ("t", Some(1300)));
    assert_eq!(decoded.claim("/c/token"), Some(json!("t")));
}
