//! Each rule, once kept and once violated by one change.

use std::net::Ipv4Addr;

use locum_engine::model::Tenant;
use locum_store::TenantData;

use super::*;
use crate::exchange::message::{Internals, Response};
use crate::fixtures::tested_tenant::Roles;
use crate::fixtures::variables::TimeWindow;

const SECRET: &str = "a-secret-of-the-settings";
const TOKEN: &str = "00Dx!token-of-the-upstream";

/// A valid response to a delegation.
fn valid() -> Transcript {
    let headers = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
        ("pragma", "no-cache"),
        ("x-content-type-options", "nosniff"),
        ("x-ratelimit-limit", "10"),
        ("x-ratelimit-remaining", "9"),
        ("x-ratelimit-reset", "1060"),
    ];
    let response = Response {
        status: 200,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: "{}".to_owned(),
    };
    let event = Map::from_iter([("code".to_owned(), "sd".into())]);
    Transcript {
        response,
        window: TimeWindow { earliest: 1_000, latest: 1_000 },
        internals: Some(Internals { audit: vec![event], ..Internals::default() }),
    }
}

fn decoded() -> DecodedCredential {
    DecodedCredential {
        text: "a text".to_owned(),
        presented: "a text".to_owned(),
        header: None,
        claims: Map::new(),
        issued_at: Some(1_000),
        expires_at: Some(1_300),
        expires_in: Some(300),
    }
}

/// The names of the violations.
fn violations(transcript: &Transcript, credential: Option<Result<DecodedCredential, String>>) -> Vec<String> {
    violations_for(None, transcript, credential)
}

/// The names of the violations of a step with this verifying key.
fn violations_for(
    verifies_with: Option<&VerifyingKey>,
    transcript: &Transcript,
    credential: Option<Result<DecodedCredential, String>>,
) -> Vec<String> {
    let request = Request {
        method: "POST",
        target: "/delegation".to_owned(),
        host: "acme.example.com".to_owned(),
        ip: Ipv4Addr::LOCALHOST.into(),
        headers: Vec::new(),
        body: String::new(),
    };
    let invariants = Invariants {
        form: &CredentialForm::Jwt,
        reading: &CredentialReading::Opaque,
        verifies_with,
        settings: &Map::new(),
        tenant: &TestedTenant {
            data: TenantData::new(Tenant::new("acme.example.com"), Vec::new()),
            roles: Roles::of_suite(),
        },
        secrets: [&Secrets::of(&[("the secret".to_owned(), SECRET.to_owned())]), &Secrets::default()],
        tokens: &Secrets::of(&[("the issued credential".to_owned(), TOKEN.to_owned())]),
    };
    let violations = invariants.violations(&request, transcript, credential.as_ref());
    violations.into_iter().map(|difference| difference.what).collect()
}

fn without_header(name: &str) -> Transcript {
    let mut transcript = valid();
    transcript.response.headers.retain(|(own, _)| own != name);
    transcript
}

const NONE: [&str; 0] = [];

#[test]
fn a_valid_response_violates_no_rule() {
    assert_eq!(violations(&valid(), Some(Ok(decoded()))), NONE);
}

#[test]
fn a_response_that_may_be_cached_or_sniffed_is_a_violation() {
    for name in ["cache-control", "pragma", "x-content-type-options"] {
        assert_eq!(violations(&without_header(name), None), [format!("header {name}")]);
    }
}

#[test]
fn rate_limit_headers_are_all_present_or_all_absent_and_are_whole_numbers() {
    assert_eq!(violations(&without_header("x-ratelimit-reset"), None), ["rate limit headers"]);
    let mut none = valid();
    none.response.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
    assert_eq!(violations(&none, None), NONE);
    let mut fraction = without_header("x-ratelimit-reset");
    fraction.response.headers.push(("x-ratelimit-reset".to_owned(), "1060.5".to_owned()));
    assert_eq!(violations(&fraction, None), ["rate limit headers"]);
}

#[test]
fn a_refusal_has_exactly_two_text_members() {
    let refused = |body: &str| {
        let mut transcript = valid();
        transcript.response.status = 400;
        transcript.response.body = body.to_owned();
        violations(&transcript, None)
    };
    assert_eq!(refused(r#"{"error":"e","error_description":"d"}"#), NONE);
    for body in [
        r#"{"error":"e"}"#,
        r#"{"error":"e","error_description":7}"#,
        r#"{"error":"e","error_description":"d","x":1}"#,
        "no",
    ] {
        assert_eq!(refused(body), ["body"], "{body}");
    }
}

#[test]
fn expires_in_equals_exp_minus_iat() {
    assert_eq!(
        violations(&valid(), Some(Ok(DecodedCredential { expires_in: Some(301), ..decoded() }))),
        ["expires_in"]
    );
}

#[test]
fn a_credential_is_valid_at_the_time_of_the_request() {
    let expired = DecodedCredential { issued_at: Some(700), expires_at: Some(1_000), ..decoded() };
    assert_eq!(violations(&valid(), Some(Ok(expired))), ["expiry of the credential"]);
    let early = DecodedCredential { issued_at: Some(1_001), expires_at: Some(1_301), ..decoded() };
    assert_eq!(violations(&valid(), Some(Ok(early))), ["start of the credential"]);
}

#[test]
fn the_signature_of_the_runner_is_verified_where_it_is_another() {
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let claims = "eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjEwMDAsImV4cCI6MTMwMH0";
    let signed = |secret: &[u8]| {
        let key = jsonwebtoken::EncodingKey::from_secret(secret);
        let signature =
            jsonwebtoken::crypto::sign(claims.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
        format!("{claims}.{signature}")
    };
    let key = VerifyingKey::SecretBytes("c2VjcmV0".to_owned());
    let header = Map::from_iter([("alg".to_owned(), "HS256".into())]);
    let issued = DecodedCredential { text: signed(b"secret"), header: Some(header), ..decoded() };
    let with_runner = |token: String| {
        let mut transcript = valid();
        transcript.internals.as_mut().unwrap().runner_tokens = vec![token];
        violations_for(Some(&key), &transcript, Some(Ok(issued.clone())))
    };
    assert_eq!(with_runner(signed(b"secret")), NONE);
    assert_eq!(with_runner(signed(b"another secret")), ["signature in the runner"]);
    // What a mutant made of the response is not what the runner signed.
    assert_eq!(with_runner(signed(b"another secret").replacen('e', "f", 1)), NONE);
}

#[test]
fn a_credential_of_another_form_is_a_violation() {
    assert_eq!(
        violations(&valid(), Some(Err("the response is not a JSON object".to_owned()))),
        ["credential"]
    );
}

#[test]
fn a_delegation_has_one_audit_event() {
    for events in [0, 2] {
        let mut transcript = valid();
        transcript.internals = Some(Internals { audit: vec![Map::new(); events], ..Internals::default() });
        assert_eq!(violations(&transcript, None), ["audit events"]);
    }
}

#[test]
fn a_secret_is_found_in_every_searched_text() {
    let leak = format!("it is {SECRET}, really");
    let mut body = valid();
    body.response.body = leak.clone();
    assert_eq!(violations(&body, None), ["body"]);
    let mut header = valid();
    header.response.headers.push(("x-debug".to_owned(), leak.clone()));
    assert_eq!(violations(&header, None), ["header"]);
    let mut log = valid();
    log.internals.as_mut().unwrap().log.push(leak.clone());
    assert_eq!(violations(&log, None), ["log line"]);
    let mut audit = valid();
    audit.internals.as_mut().unwrap().audit[0].insert("device".to_owned(), leak.clone().into());
    assert_eq!(violations(&audit, None), ["audit event"]);
    let claims = Map::from_iter([("debug".to_owned(), leak.into())]);
    assert_eq!(violations(&valid(), Some(Ok(DecodedCredential { claims, ..decoded() }))), ["credential"]);
}

#[test]
fn what_the_host_masks_is_a_violation_wherever_it_is() {
    let mut log = valid();
    log.internals.as_mut().unwrap().log.push("INFO plugin: signing with [secret]".to_owned());
    assert_eq!(violations(&log, None), ["log line"]);
    let mut audit = valid();
    audit.internals.as_mut().unwrap().audit[0].insert("inside".to_owned(), "bad key [secret]".into());
    assert_eq!(violations(&audit, None), ["audit event"]);
    let mut body = valid();
    body.response.body = r#"{"a":"[secret]"}"#.to_owned();
    assert_eq!(violations(&body, None), ["body"]);
}

#[test]
fn a_token_may_be_in_a_successful_response_only() {
    for token in [TOKEN, "MDBEeCF0b2tlbi1vZi10aGUtdXBzdHJlYW0", "eyJhbGciOiJub25lIn0.e30.abc"] {
        let mut success = valid();
        success.response.body = format!("{{\"access_token\":\"{token}\"}}");
        assert_eq!(violations(&success, None), NONE);
        let mut refusal = valid();
        refusal.response.status = 400;
        refusal.response.body = format!("{{\"error\":\"e\",\"error_description\":\"not {token}\"}}");
        assert_eq!(violations(&refusal, None), ["body"], "{token}");
        let mut log = valid();
        log.internals.as_mut().unwrap().log.push(format!("INFO plugin: got {token}"));
        assert_eq!(violations(&log, None), ["log line"], "{token}");
    }
}
