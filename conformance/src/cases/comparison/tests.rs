//! Which differences are found, and how they are worded.

use super::*;
use crate::exchange::message::Internals;
use crate::fixtures::variables::TimeWindow;
use crate::fixtures::yaml::parse;

const NOW: TimeWindow = TimeWindow { earliest: 1_000, latest: 1_000 };

fn transcript(status: u16, headers: &[(&str, &str)], body: &str) -> Transcript {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let response = Response { status, headers: headers.collect(), body: body.to_owned() };
    Transcript { response, window: NOW, internals: Some(Internals::default()) }
}

fn decoded(claims: Value) -> DecodedCredential {
    let Value::Object(claims) = claims else { panic!("an object") };
    DecodedCredential {
        text: "a.b.c".to_owned(),
        presented: "a.b.c".to_owned(),
        header: Some(Map::from_iter([("alg".to_owned(), "HS256".into())])),
        issued_at: claims.get("iat").and_then(Value::as_i64),
        expires_at: claims.get("exp").and_then(Value::as_i64),
        expires_in: None,
        claims,
    }
}

/// The differences, as one text each.
fn compared(expected: &str, transcript: &Transcript, credential: Option<DecodedCredential>) -> Vec<String> {
    compared_at(NOW, expected, transcript, credential)
}

/// The same for a request that was sent in this time.
fn compared_at(
    now: TimeWindow,
    expected: &str,
    transcript: &Transcript,
    credential: Option<DecodedCredential>,
) -> Vec<String> {
    let expected: ExpectedResponse = parse("expected.yaml", expected).unwrap();
    let credential = credential.map(Ok);
    let earlier = [Some(decoded(serde_json::json!({})))];
    let actual = Actual {
        transcript,
        credential: credential.as_ref(),
        earlier: &earlier,
        variables: &Variables::new(now),
        script: &[],
        verify: &|_, _| Ok(()),
    };
    let differences = differences(&expected, &actual).unwrap();
    differences
        .iter()
        .map(|Difference { what, expected, got }| format!("{what}: {expected} / {got}"))
        .collect()
}

fn compared_credential(expected: &str, claims: Value) -> Vec<String> {
    let transcript = transcript(200, &[], "{}");
    compared(&format!("status: 200\ncredential: {expected}"), &transcript, Some(decoded(claims)))
}

const NONE: [&str; 0] = [];

#[test]
fn what_is_not_expected_is_not_compared() {
    assert_eq!(compared("status: 200", &transcript(200, &[("a", "b")], "body"), None), NONE);
}

#[test]
fn an_unexpected_status_is_reported_with_its_reason() {
    let mut transcript = transcript(500, &[], "");
    let event = Map::from_iter([("inside".to_owned(), "the issuer broke its contract".into())]);
    transcript.internals = Some(Internals { audit: vec![event], ..Internals::default() });
    assert_eq!(
        compared("status: 200", &transcript, None),
        ["status: 200 / 500", "reason in the audit event: none / the issuer broke its contract"]
    );
}

#[test]
fn headers_are_compared_as_text_absence_or_time() {
    let transcript = transcript(200, &[("retry-after", "60"), ("x-ratelimit-reset", "1060")], "");
    let good = "status: 200\nheaders: { retry-after: \"60\", X-RateLimit-Reset: \"${now+60}\", vary: null }";
    assert_eq!(compared(good, &transcript, None), NONE);
    let bad = "status: 200\nheaders: { retry-after: null, x-ratelimit-reset: \"${now+61}\", vary: Origin }";
    assert_eq!(
        compared(bad, &transcript, None),
        [
            "header retry-after: absent / 60",
            "header vary: Origin / absent",
            "header x-ratelimit-reset: 1061 / 1060"
        ]
    );
}

#[test]
fn a_remote_server_may_have_started_to_count_earlier() {
    const WINDOW: TimeWindow = TimeWindow { earliest: 996, latest: 1_000 };
    let expected = "status: 200\nheaders: { retry-after: \"60\" }";
    let got = |now: TimeWindow, seconds: &str| {
        compared_at(now, expected, &transcript(200, &[("retry-after", seconds)], ""), None)
    };
    for seconds in ["60", "58", "56"] {
        assert_eq!(got(WINDOW, seconds), NONE, "{seconds}");
    }
    for seconds in ["61", "55", "soon"] {
        assert_eq!(got(WINDOW, seconds), [format!("header retry-after: 60 / {seconds}")]);
    }
    assert_eq!(got(NOW, "59"), ["header retry-after: 60 / 59"]);

    let expected = "status: 200\ncredential: { lifetime_seconds: 300 }";
    let got = |expires_at: i64| {
        let mut credential = decoded(serde_json::json!({ "exp": expires_at }));
        credential.issued_at = None;
        compared_at(WINDOW, expected, &transcript(200, &[], "{}"), Some(credential))
    };
    assert_eq!((got(1_296), got(1_300)), (Vec::new(), Vec::new()));
    assert_eq!(got(1_295), ["lifetime of the credential: 300 / 299"]);
    assert_eq!(got(1_301), ["lifetime of the credential: 300 / 305"]);
}

#[test]
fn a_repeated_header_differs_from_a_single_one() {
    let transcript = transcript(200, &[("vary", "Origin"), ("vary", "Origin")], "");
    assert_eq!(
        compared("status: 200\nheaders: { vary: Origin }", &transcript, None),
        ["header vary: Origin / Origin, Origin"]
    );
}

#[test]
fn a_refusal_is_compared_by_code_and_description() {
    let transcript =
        transcript(400, &[], r#"{"error":"invalid_grant","error_description":"id_token has expired"}"#);
    assert_eq!(
        compared("status: 400\nrefusal: { error: invalid_grant, says: expired }", &transcript, None),
        NONE
    );
    assert_eq!(
        compared("status: 400\nrefusal: { error: invalid_request, says: malformed }", &transcript, None),
        [
            "error: \"invalid_request\" / \"invalid_grant\"",
            "error_description: a text that contains `malformed` / id_token has expired"
        ]
    );
}

#[test]
fn a_body_is_compared_by_members_and_forbidden_texts() {
    let transcript = transcript(200, &[], r#"{"keys":[{"kid":"k1","d":"private"}]}"#);
    let expected =
        "status: 200\nbody: { members: { /keys/0/kid: k2 }, lacks: [/keys/0/d, x], never_holds: [private] }";
    assert_eq!(
        compared(expected, &transcript, None),
        [
            "body: a text without `private` / a text that contains it",
            "/keys/0/kid: \"k2\" / \"k1\"",
            "/keys/0/d: absent / \"private\""
        ]
    );
}

#[test]
fn claims_are_compared_by_value_or_absence() {
    let claims = || serde_json::json!({"aud": "caller", "iat": 1000, "exp": 1300, "email": "a@b"});
    assert_eq!(
        compared_credential("{ claims: { aud: caller, exp: \"${now+300}\", azp: null } }", claims()),
        NONE
    );
    assert_eq!(
        compared_credential("{ claims: { aud: target, azp: caller, email: null } }", claims()),
        [
            "claim aud: \"target\" / \"caller\"",
            "claim azp: \"caller\" / absent",
            "claim email: absent / \"a@b\""
        ]
    );
}

#[test]
fn only_claims_compares_the_names_of_all_claims() {
    let claims = || serde_json::json!({"b": 1, "a": 2});
    assert_eq!(compared_credential("{ only_claims: [a, b] }", claims()), NONE);
    assert_eq!(compared_credential("{ only_claims: [a] }", claims()), ["names of the claims: a / a, b"]);
    assert_eq!(
        compared_credential("{ only_claims: [a, b, c] }", claims()),
        ["names of the claims: a, b, c / a, b"]
    );
}

#[test]
fn the_lifetime_is_expiry_minus_start() {
    let claims = || serde_json::json!({"iat": 1000, "exp": 1300});
    assert_eq!(
        compared_credential("{ lifetime_seconds: 300, issued_at: \"${now}\", expires_at: 1300 }", claims()),
        NONE
    );
    assert_eq!(
        compared_credential("{ lifetime_seconds: 301, expires_at: null }", claims()),
        ["lifetime of the credential: 301 / 300", "expiry of the credential: absent / 1300"]
    );
    assert_eq!(compared_credential("{ expires_at: null }", serde_json::json!({})), NONE);
}

#[test]
fn within_includes_both_bounds() {
    let claims = || serde_json::json!({"exp": 1300});
    assert_eq!(compared_credential("{ within: { exp: [1300, \"${now+300}\"] } }", claims()), NONE);
    assert_eq!(
        compared_credential("{ within: { exp: [1301, 1400] } }", claims()),
        ["claim exp: 1301 to 1400 / 1300"]
    );
    assert_eq!(compared_credential("{ within: { nbf: [0, 1] } }", claims()), ["claim nbf: 0 to 1 / absent"]);
}

#[test]
fn a_credential_is_compared_with_earlier_steps() {
    assert_eq!(compared_credential("{ same_as_step: 1 }", serde_json::json!({})), NONE);
    assert_eq!(
        compared_credential("{ differs_from_step: 1 }", serde_json::json!({})),
        ["credential: another than in step 1 / the same"]
    );
    assert_eq!(
        compared_credential("{ same_as_step: 2 }", serde_json::json!({})),
        ["credential: the same as in step 2 / another"]
    );
}

#[test]
fn a_missing_credential_is_reported() {
    let expected = "status: 200\ncredential: {}";
    assert_eq!(compared(expected, &transcript(200, &[], ""), None), ["credential: a credential / none"]);
}

#[test]
fn exactly_one_audit_event_is_compared() {
    let mut transcript = transcript(200, &[], "");
    assert_eq!(compared("status: 200\naudit: { code: sd }", &transcript, None), ["audit events: 1 / 0"]);
    let event = Map::from_iter([("code".to_owned(), "fd".into())]);
    transcript.internals = Some(Internals { audit: vec![event], ..Internals::default() });
    assert_eq!(
        compared("status: 200\naudit: { code: sd, user_id: null }", &transcript, None),
        ["code of the audit event: \"sd\" / \"fd\""]
    );
}

#[test]
fn a_missing_upstream_request_is_reported() {
    assert_eq!(
        compared("status: 200\nupstream_calls: 1", &transcript(200, &[], ""), None),
        ["upstream requests: 1 / 0"]
    );
}

#[test]
fn internals_are_not_compared_for_a_remote_server() {
    let mut transcript = transcript(200, &[], "");
    transcript.internals = None;
    assert_eq!(compared("status: 200\naudit: { code: sd }\nupstream_calls: 1", &transcript, None), NONE);
}

#[test]
fn an_unknown_variable_in_an_expectation_is_an_error() {
    let expected: ExpectedResponse = parse("e.yaml", "status: 200\nheaders: { a: \"${nwo}\" }").unwrap();
    let transcript = transcript(200, &[("a", "b")], "");
    let variables = Variables::new(NOW);
    let actual = Actual {
        transcript: &transcript,
        credential: None,
        earlier: &[],
        variables: &variables,
        script: &[],
        verify: &|_, _| Ok(()),
    };
    assert!(differences(&expected, &actual).is_err());
}
