//! Each rule, kept and broken by one change.

use std::net::Ipv4Addr;

use serde_json::json;

use super::*;
use crate::exchange::{Internals, Response};
use crate::variables::TimeWindow;

const SECRET: &str = "a-secret-of-the-settings";

/// A good answer to a delegation.
fn good() -> Transcript {
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

/// What is broken, by name.
fn broken(transcript: &Transcript, credential: Option<Result<DecodedCredential, String>>) -> Vec<String> {
    let request = Request {
        method: "POST",
        target: "/delegation".to_owned(),
        host: "acme.example.com".to_owned(),
        ip: Ipv4Addr::LOCALHOST.into(),
        headers: Vec::new(),
        body: String::new(),
    };
    let standing = Invariants {
        form: &CredentialForm::Jwt,
        reading: &CredentialReading::Opaque,
        verifies_with: None,
        settings: &Map::new(),
        tenant: &TenantDocument::new(json!({})),
        secrets: &[("the secret".to_owned(), SECRET.to_owned())],
    };
    let broken = standing.broken(&request, transcript, credential.as_ref());
    broken.into_iter().map(|difference| difference.what).collect()
}

fn without_header(name: &str) -> Transcript {
    let mut transcript = good();
    transcript.response.headers.retain(|(own, _)| own != name);
    transcript
}

const NONE: [&str; 0] = [];

#[test]
fn a_good_answer_breaks_no_rule() {
    assert_eq!(broken(&good(), Some(Ok(decoded()))), NONE);
}

#[test]
fn an_answer_that_may_be_stored_or_sniffed_breaks_a_rule() {
    for name in ["cache-control", "pragma", "x-content-type-options"] {
        assert_eq!(broken(&without_header(name), None), [format!("header {name}")]);
    }
}

#[test]
fn rate_headers_come_all_or_none_and_are_whole_numbers() {
    assert_eq!(broken(&without_header("x-ratelimit-reset"), None), ["rate headers"]);
    let mut none = good();
    none.response.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
    assert_eq!(broken(&none, None), NONE);
    let mut fraction = without_header("x-ratelimit-reset");
    fraction.response.headers.push(("x-ratelimit-reset".to_owned(), "1060.5".to_owned()));
    assert_eq!(broken(&fraction, None), ["rate headers"]);
}

#[test]
fn a_refusal_is_two_texts_and_nothing_else() {
    let refused = |body: &str| {
        let mut transcript = good();
        transcript.response.status = 400;
        transcript.response.body = body.to_owned();
        broken(&transcript, None)
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
fn expires_in_is_what_lies_between_the_tokens_times() {
    assert_eq!(
        broken(&good(), Some(Ok(DecodedCredential { expires_in: Some(301), ..decoded() }))),
        ["expires_in"]
    );
}

#[test]
fn a_credential_lives_now() {
    let ended = DecodedCredential { issued_at: Some(700), expires_at: Some(1_000), ..decoded() };
    assert_eq!(broken(&good(), Some(Ok(ended))), ["end of the credential"]);
    let early = DecodedCredential { issued_at: Some(1_001), expires_at: Some(1_301), ..decoded() };
    assert_eq!(broken(&good(), Some(Ok(early))), ["start of the credential"]);
}

#[test]
fn a_credential_of_another_form_breaks_a_rule() {
    assert_eq!(broken(&good(), Some(Err("the answer is no JSON object".to_owned()))), ["credential"]);
}

#[test]
fn a_delegation_has_one_event() {
    for events in [0, 2] {
        let mut transcript = good();
        transcript.internals = Some(Internals { audit: vec![Map::new(); events], ..Internals::default() });
        assert_eq!(broken(&transcript, None), ["audit events"]);
    }
}

#[test]
fn a_secret_is_found_wherever_it_is() {
    let told = format!("it is {SECRET}, really");
    let mut body = good();
    body.response.body = told.clone();
    assert_eq!(broken(&body, None), ["body"]);
    let mut header = good();
    header.response.headers.push(("x-debug".to_owned(), told.clone()));
    assert_eq!(broken(&header, None), ["header"]);
    let mut log = good();
    log.internals.as_mut().unwrap().log.push(told.clone());
    assert_eq!(broken(&log, None), ["log line"]);
    let mut audit = good();
    audit.internals.as_mut().unwrap().audit[0].insert("device".to_owned(), told.clone().into());
    assert_eq!(broken(&audit, None), ["audit event"]);
    let claims = Map::from_iter([("debug".to_owned(), told.into())]);
    assert_eq!(broken(&good(), Some(Ok(DecodedCredential { claims, ..decoded() }))), ["credential"]);
}

#[test]
fn a_key_is_looked_for_line_by_line_and_a_token_also_by_a_part() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nshort\n-----END KEY-----";
    assert_eq!(pieces(key).collect::<Vec<_>>(), ["MIIEvQIBADANBgkq"]);
    let token: String = (0..300u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    assert_eq!(pieces(&token).collect::<Vec<_>>(), [token.as_str(), &token[128..192]]);
}
