//! Each kind of expectation on a request, with one that it meets and one that it does not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::fixtures::variables::{TimeWindow, Variables};
use crate::fixtures::yaml::parse;
use crate::report::Difference;

const NONE: [&str; 0] = [];

fn post(body: &str) -> UpstreamRequest {
    let mut request = UpstreamRequest::new("POST", "https://a.example.com/token");
    request.headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    request.body = body.to_owned();
    request
}

/// The differences, as one text each, from the name of what differs on.
fn compared(expected: &str, request: &UpstreamRequest) -> Vec<String> {
    let exchange = format!("{{ request: {expected}, outcome: {{ reply: {{ status: 200 }} }} }}");
    let script: Vec<UpstreamExchange> = vec![parse("e.yaml", &exchange).unwrap()];
    compared_with(&script, std::slice::from_ref(request))
        .into_iter()
        .map(|difference| difference.strip_prefix("upstream request 1, ").unwrap_or(&difference).to_owned())
        .collect()
}

fn compared_with(script: &[UpstreamExchange], requests: &[UpstreamRequest]) -> Vec<String> {
    let mut variables = Variables::new(TimeWindow { earliest: 1_000, latest: 1_000 });
    variables.set("user", "auth0|alice");
    let mut comparison = Comparison { variables: &variables, differences: Vec::new() };
    let verify = |token: &DecodedCredential, key: &VerifyingKey| {
        let fits = *key == VerifyingKey::TenantKey && token.text.ends_with(".tenant");
        if fits { Ok(()) } else { Err("the signature is not valid for the key".to_owned()) }
    };
    comparison.upstream_requests(script, requests, "", &verify).unwrap();
    let differences = comparison.differences.into_iter();
    differences.map(|Difference { what, expected, got }| format!("{what}: {expected} / {got}")).collect()
}

#[test]
fn a_request_beyond_the_script_is_reported() {
    assert_eq!(
        compared_with(&[], &[post("")]),
        ["upstream request 1: none / POST https://a.example.com/token"]
    );
}

#[test]
fn method_url_and_body_are_compared() {
    let request = post("a=b");
    assert_eq!(compared("{ method: POST, url: 'https://a.example.com/token', body: a=b }", &request), NONE);
    assert_eq!(compared("{ method: GET }", &request), ["method: GET / POST"]);
    assert_eq!(
        compared("{ url: 'https://b.example.com' }", &request),
        ["URL: https://b.example.com / https://a.example.com/token"]
    );
    assert_eq!(compared("{ body: '${user}' }", &request), ["body: auth0|alice / a=b"]);
}

#[test]
fn headers_are_compared_by_any_spelling_of_their_names() {
    let mut request = post("");
    let basic = STANDARD.encode("client:password");
    request.headers.push(("authorization".to_owned(), format!("Basic {basic}")));
    assert_eq!(
        compared("{ headers: { content-type: application/x-www-form-urlencoded, accept: null } }", &request),
        NONE
    );
    assert_eq!(compared(&format!("{{ headers: {{ Authorization: 'Basic {basic}' }} }}"), &request), NONE);
    assert_eq!(
        compared("{ headers: { content-type: null, accept: a } }", &request),
        ["header accept: a / absent", "header content-type: absent / application/x-www-form-urlencoded"]
    );
    assert_eq!(
        compared("{ headers: { authorization: Bearer a } }", &request),
        ["header authorization: Bearer a / Basic, decoded client:password"]
    );
}

#[test]
fn fields_of_a_form_are_compared_decoded() {
    let request = post("user=auth0%7Calice&scope=a+b");
    assert_eq!(compared("{ form: { user: '${user}', scope: a b, other: null } }", &request), NONE);
    assert_eq!(
        compared("{ form: { user: bob, scope: null, other: x } }", &request),
        [
            "form field other: x / absent",
            "form field scope: absent / a b",
            "form field user: bob / auth0|alice"
        ]
    );
    assert_eq!(
        compared("{ form: { user: '${user}' } }", &post("user=auth0%7Calice&user=bob")),
        ["form field user: once / several times"]
    );
}

#[test]
fn other_fields_of_a_form_are_reported() {
    let token = jwt_of(json!({}), "tenant");
    let request = post(&format!("a=1&b=2&assertion={token}"));
    let stated = "{ form: { a: '1', b: '2', c: null }, jwt: { at: 'form:assertion' }, only_form: true }";
    assert_eq!(compared(stated, &request), NONE);
    assert_eq!(compared("{ only_form: [b, assertion, a] }", &request), NONE);
    assert_eq!(compared("{ form: { a: '1' }, only_form: false }", &request), NONE);
    assert_eq!(
        compared("{ form: { a: '1' }, only_form: true }", &request),
        ["names of the form's fields: no others than the stated ones / assertion, b"]
    );
    assert_eq!(
        compared("{ only_form: [a, c] }", &request),
        ["names of the form's fields: a, c / a, assertion, b"]
    );
}

#[test]
fn members_of_a_json_body_are_compared() {
    let request = post(r#"{"a":{"b":[1060]},"c":"x","d/e":true}"#);
    assert_eq!(compared("{ json: { /a/b/0: '${now+60}', c: x, f: null } }", &request), NONE);
    assert_eq!(
        compared("{ json: { /a/b/0: 1, c: null, /f: x } }", &request),
        ["member /a/b/0: 1 / 1060", "member /f: \"x\" / absent", "member c: absent / \"x\""]
    );
    assert_eq!(compared("{ json: { a: 1 } }", &post("a=1")), ["body: a JSON object / another body"]);
}

#[test]
fn other_members_of_a_json_body_are_reported() {
    let request = post(r#"{"a":{"b":1},"d/e":true}"#);
    assert_eq!(compared("{ json: { /a/b: 1, /d~1e: true }, only_json: true }", &request), NONE);
    assert_eq!(compared("{ only_json: [d/e, a] }", &request), NONE);
    assert_eq!(
        compared("{ json: { /a/b: 1 }, only_json: true }", &request),
        ["names of the members: no others than the stated ones / d/e"]
    );
    assert_eq!(compared("{ only_json: [a] }", &request), ["names of the members: a / a, d/e"]);
}

fn jwt_of(claims: Value, signature: &str) -> String {
    let parts = [json!({ "alg": "RS256", "kid": "k" }), claims];
    let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.{signature}")
}

#[test]
fn a_jwt_is_compared_wherever_it_is() {
    let token = jwt_of(json!({ "sub": "auth0|alice", "exp": 1060, "act": { "sub": "a" } }), "tenant");
    let mut in_header = post("");
    in_header.headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
    let in_form = post(&format!("assertion={token}"));
    let in_json = post(&json!({ "a": { "b": token } }).to_string());
    let in_body = post(&token);
    for (place, request) in [
        ("header:authorization", in_header),
        ("form:assertion", in_form),
        ("json:/a/b", in_json),
        ("body", in_body),
    ] {
        let expected = format!(
            "{{ jwt: {{ at: '{place}', verifies_with: tenant-key, header: {{ kid: k, alg: RS256 }}, claims: {{ sub: '${{user}}', exp: '${{now+60}}', /act/sub: a, aud: null }}, only_claims: [act, exp, sub] }} }}"
        );
        assert_eq!(compared(&expected, &request), NONE, "{place}");
        let expected = format!(
            "{{ jwt: {{ at: '{place}', verifies_with: target-secret, header: {{ alg: RS256 }}, claims: {{ sub: bob, exp: '${{now+61}}', aud: b, act: null }}, only_claims: [sub] }} }}"
        );
        let got = compared(&expected, &request);
        assert_eq!(
            got,
            [
                format!(
                    "header of the JWT at {place}: {{\"alg\":\"RS256\"}} / {{\"alg\":\"RS256\",\"kid\":\"k\"}}"
                ),
                format!("claim act of the JWT at {place}: absent / {{\"sub\":\"a\"}}"),
                format!("claim aud of the JWT at {place}: \"b\" / absent"),
                format!("claim exp of the JWT at {place}: 1061 / 1060"),
                format!("claim sub of the JWT at {place}: \"bob\" / \"auth0|alice\""),
                format!("names of the claims of the JWT at {place}: sub / act, exp, sub"),
                format!(
                    "signature of the JWT at {place}: valid for the stated key / the signature is not valid for the key"
                ),
            ]
        );
    }
}

#[test]
fn what_is_not_a_jwt_is_reported() {
    let expected = "{ jwt: { at: 'form:assertion' } }";
    assert_eq!(compared(expected, &post("a=b")), ["JWT at form:assertion: a compact JWT / absent"]);
    assert_eq!(
        compared(expected, &post("assertion=a")),
        ["JWT at form:assertion: a compact JWT / the token is not a compact JWT"]
    );
}

const ASSERTION: &str = "<s:Assertion xmlns:s=\"x\"><s:Issuer>urn:acme</s:Issuer>\
    <s:NameID Format=\"p\">auth0|alice</s:NameID><s:Conditions NotOnOrAfter=\"1970-01-01T00:17:40Z\"/>\
    <s:Attribute Name=\"a\"><s:V>1</s:V></s:Attribute><s:Attribute Name=\"b\"><s:V>2</s:V></s:Attribute></s:Assertion>";

#[test]
fn a_document_is_compared_by_path() {
    let request = post(&format!("SAMLAssertion={}", URL_SAFE_NO_PAD.encode(ASSERTION)));
    let at = "at: 'form:SAMLAssertion', encoding: base64url";
    let expected = format!(
        "{{ only_form: true, xml: {{ {at}, elements: {{ Assertion/Issuer: 'urn:acme', NameID: '${{user}}', NameID/@Format: p, Conditions/@NotOnOrAfter: '${{rfc3339 now+60}}', 'Attribute[@Name=a]': '1', Attribute/@Name: [a, b], Issuer: ['urn:acme'], AuthnStatement: null }} }} }}"
    );
    assert_eq!(compared(&expected, &request), NONE);
    let expected = format!(
        "{{ xml: {{ {at}, elements: {{ NameID: null, Issuer: 'urn:other', Conditions/@NotOnOrAfter: '${{rfc3339 now}}', Attribute/@Name: a, Audience: x }} }} }}"
    );
    assert_eq!(
        compared(&expected, &request),
        [
            "Attribute/@Name of the XML at form:SAMLAssertion: a / [\"a\",\"b\"]",
            "Audience of the XML at form:SAMLAssertion: x / absent",
            "Conditions/@NotOnOrAfter of the XML at form:SAMLAssertion: 1970-01-01T00:16:40Z / 1970-01-01T00:17:40Z",
            "Issuer of the XML at form:SAMLAssertion: urn:other / urn:acme",
            "NameID of the XML at form:SAMLAssertion: absent / auth0|alice"
        ]
    );
}

#[test]
fn what_is_not_a_document_in_its_encoding_is_reported() {
    let expected = "{ xml: { at: 'form:a', encoding: base64, elements: {} } }";
    assert_eq!(compared(expected, &post("b=c")), ["XML at form:a: an XML document / absent"]);
    assert_eq!(
        compared(expected, &post("a=PGEvPg")),
        ["XML at form:a: a document in the stated encoding / another text"]
    );
    let encoded = |text: &str| post(&format!("a={}", STANDARD.encode(text).replace('+', "%2B")));
    assert_eq!(compared(expected, &encoded("<a/>")), NONE);
    assert_eq!(
        compared(expected, &encoded("<!DOCTYPE a><a/>")),
        ["XML at form:a: an XML document / it has a document type or a processing instruction"]
    );
    assert_eq!(compared("{ xml: { at: body } }", &post(ASSERTION)), NONE);
}
