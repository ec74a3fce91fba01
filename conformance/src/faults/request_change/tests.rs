//! Which changes a request has, and that each of them changes it in one place.

use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::*;
use crate::faults::request_fault::{Operation, RequestFault};

fn post(kind: &str, body: String) -> UpstreamRequest {
    let mut request = UpstreamRequest::new("POST", "https://a.example.com/token");
    request.headers.push(("content-type".to_owned(), kind.to_owned()));
    request.body = body;
    request
}

fn form_post(body: &str) -> UpstreamRequest {
    post("application/x-www-form-urlencoded", body.to_owned())
}

fn token() -> String {
    let claims = json!({ "iss": "i", "sub": "s", "aud": ["a"], "exp": 1000 });
    let [header, claims] =
        [json!({ "alg": "RS256" }), claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.AAAA")
}

fn ids(request: &UpstreamRequest) -> Vec<String> {
    RequestChange::all_of(request).iter().map(RequestChange::id).collect()
}

fn changed(request: &UpstreamRequest, id: &str) -> UpstreamRequest {
    let change = RequestChange::all_of(request).into_iter().find(|change| change.id() == id).unwrap();
    let mut request = request.clone();
    change.apply(&mut request);
    request
}

#[test]
fn every_field_of_a_form_is_left_out_and_changed() {
    let request = form_post("user=auth0%7Calice&scope=a+b");
    assert_eq!(
        ids(&request),
        ["url/other", "form/user/left-out", "form/user/other", "form/scope/left-out", "form/scope/other"]
    );
    assert_eq!(changed(&request, "form/user/left-out").body, "scope=a+b");
    assert_eq!(changed(&request, "form/scope/other").body, "user=auth0%7Calice&scope=a+b-other");
    assert_eq!(changed(&request, "url/other").url, "https://a.example.com/token-other");
}

#[test]
fn every_member_of_a_json_body_is_left_out_and_its_values_are_changed() {
    let request =
        post("application/json", json!({ "a": { "b": [1, true] }, "c/d": "x", "e": null }).to_string());
    assert_eq!(
        ids(&request),
        [
            "url/other",
            "json/a/left-out",
            "json/a/b/0/other",
            "json/a/b/1/other",
            "json/c~1d/left-out",
            "json/c~1d/other",
            "json/e/left-out",
            "json/e/other"
        ]
    );
    let body = |id: &str| serde_json::from_str::<Value>(&changed(&request, id).body).unwrap();
    assert_eq!(body("json/c~1d/left-out"), json!({ "a": { "b": [1, true] }, "e": null }));
    assert_eq!(body("json/a/b/0/other"), json!({ "a": { "b": [3601, true] }, "c/d": "x", "e": null }));
    assert_eq!(body("json/a/b/1/other"), json!({ "a": { "b": [1, false] }, "c/d": "x", "e": null }));
    assert_eq!(body("json/c~1d/other"), json!({ "a": { "b": [1, true] }, "c/d": "x-other", "e": null }));
    assert_eq!(body("json/e/other"), json!({ "a": { "b": [1, true] }, "c/d": "x", "e": "-other" }));
}

#[test]
fn the_claims_and_the_signature_of_a_jwt_are_changed() {
    let mut request = form_post("");
    request.headers.push(("Authorization".to_owned(), format!("Bearer {}", token())));
    assert_eq!(
        ids(&request),
        [
            "url/other",
            "header/authorization/left-out",
            "header/authorization/aud/other",
            "header/authorization/sub/other",
            "header/authorization/exp/other",
            "header/authorization/signature/other"
        ]
    );
    let sent = |id: &str| {
        let request = changed(&request, &format!("header/authorization/{id}"));
        assert!(request.headers.get(1).is_none_or(|(_, value)| value.starts_with("Bearer ")));
        at(&request, &Place::Header("authorization".to_owned()))
    };
    let claims = |id: &str| Value::Object(jwt(sent(id).unwrap()).unwrap().claims);
    assert_eq!(claims("aud/other"), json!({ "iss": "i", "sub": "s", "aud": ["a", "-other"], "exp": 1000 }));
    assert_eq!(claims("sub/other"), json!({ "iss": "i", "sub": "s-other", "aud": ["a"], "exp": 1000 }));
    assert_eq!(claims("exp/other"), json!({ "iss": "i", "sub": "s", "aud": ["a"], "exp": 4600 }));
    assert_ne!(sent("signature/other").unwrap(), token());
    assert_eq!(sent("left-out"), None);
}

#[test]
fn an_opaque_authorization_is_changed() {
    let mut request = UpstreamRequest::new("GET", "https://a.example.com/");
    request.headers.push(("authorization".to_owned(), "Basic abc".to_owned()));
    assert_eq!(ids(&request), ["url/other", "header/authorization/left-out", "header/authorization/other"]);
    assert_eq!(changed(&request, "header/authorization/other").headers[0].1, "Basic abc-other");
}

#[test]
fn the_parts_of_an_assertion_are_changed() {
    for (encode, encoding) in [(STANDARD, XmlEncoding::Base64), (URL_SAFE_NO_PAD, XmlEncoding::Base64url)] {
        let assertion = encode.encode("<s:A><s:NameID>a</s:NameID><s:Audience>bb</s:Audience></s:A>");
        let mut request = form_post("");
        set_form(&mut request, vec![("assertion".to_owned(), assertion)]);
        assert_eq!(
            ids(&request),
            [
                "url/other",
                "form/assertion/left-out",
                "form/assertion/Audience/other",
                "form/assertion/NameID/other"
            ]
        );
        let sent =
            at(&changed(&request, "form/assertion/NameID/other"), &Place::Form("assertion".to_owned()));
        let document = decoded(sent.unwrap(), Some(encoding)).unwrap();
        assert_eq!(document, "<s:A><s:NameID>a-other</s:NameID><s:Audience>bb</s:Audience></s:A>");
    }
}

#[test]
fn only_the_request_of_the_operation_at_the_position_is_changed() {
    let fault = RequestFault {
        operation: Operation::Revocation,
        exchange: 1,
        change: RequestChange::LeftOut(Place::Form("a".to_owned())),
    };
    assert_eq!(fault.id(), "revocation-2/form/a/left-out");
    assert_eq!(fault.description(), "Request 2 of a revocation has nothing at `form:a`.");
    let bodies = |path: &str| {
        let mut requests = [form_post("a=1"), form_post("a=1&b=2")];
        fault.change(path, &mut requests);
        requests.map(|request| request.body)
    };
    assert_eq!(bodies("/oauth/revoke"), ["a=1", "b=2"]);
    assert_eq!(bodies("/delegation"), ["a=1", "a=1&b=2"]);
}
