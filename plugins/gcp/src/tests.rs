//! Both api_types through the messages that a host sends: settings, calls to Google, and its answers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::abi::grant::Grant;
use locum_plugin::prelude::{
    Credential, Failure, IssueAnswer, UpstreamReply, UpstreamRequest, Value, json, serde_json,
};
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, VerifiedJwt, grant, tenant, tenant_with_key};

use crate::access_tokens::AccessTokens;
use crate::id_tokens::IdTokens;

const PROVIDER: &str =
    "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/staff/providers/locum";
const ACCOUNT: &str = "reader@acme.iam.gserviceaccount.com";
const READ: &str = "https://www.googleapis.com/auth/devstorage.read_only";
const WRITE: &str = "https://www.googleapis.com/auth/devstorage.read_write";
const CLOUD_RUN: &str = "https://orders-1234.a.run.app";

fn with(mut settings: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn access_settings(changes: Value) -> Value {
    with(json!({ "provider": PROVIDER, "service_account": ACCOUNT, "scopes": [READ, WRITE] }), changes)
}

fn id_settings(changes: Value) -> Value {
    let settings = json!({ "provider": PROVIDER, "service_account": ACCOUNT, "audiences": [CLOUD_RUN, "b"] });
    with(settings, changes)
}

fn access(changes: Value) -> ReadyIssuer {
    ReadyIssuer::configure::<AccessTokens>("gcp", access_settings(changes), tenant_with_key()).unwrap()
}

fn id(changes: Value) -> ReadyIssuer {
    ReadyIssuer::configure::<IdTokens>("gcp_id_token", id_settings(changes), tenant_with_key()).unwrap()
}

fn refused_setting(changes: Value) -> String {
    let settings = access_settings(changes);
    pointer(ReadyIssuer::configure::<AccessTokens>("gcp", settings, tenant_with_key()))
}

fn refused_id_setting(changes: Value) -> String {
    let settings = id_settings(changes);
    pointer(ReadyIssuer::configure::<IdTokens>("gcp_id_token", settings, tenant_with_key()))
}

fn pointer(configured: Result<ReadyIssuer, Failure>) -> String {
    let failure = configured.err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn call(issuer: &ReadyIssuer, grant: &Grant, replies: &[UpstreamReply]) -> UpstreamRequest {
    match issuer.issue(grant, replies) {
        Ok(IssueAnswer::Call { request }) => request,
        other => panic!("a call was expected, not {other:?}"),
    }
}

fn issued(answer: Result<IssueAnswer, Failure>) -> Result<Issued, Failure> {
    match answer? {
        IssueAnswer::Issued(issued) => Ok(issued),
        other => panic!("a credential was expected, not {other:?}"),
    }
}

fn assertion(request: &UpstreamRequest) -> VerifiedJwt {
    let (_, rest) = request.body.split_once("&subject_token=").unwrap();
    TestKey::rsa().verify_jwt(Algorithm::RS256, rest.split('&').next().unwrap()).unwrap()
}

fn federated() -> UpstreamReply {
    UpstreamReply::new(
        200,
        r#"{"access_token":"ya29.federated","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3599}"#,
    )
}

fn generated(token: &str, expires: &str) -> UpstreamReply {
    UpstreamReply::new(200, json!({ "accessToken": token, "expireTime": expires }).to_string())
}

fn id_token(claims: Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn generated_id_token(claims: Value) -> UpstreamReply {
    UpstreamReply::new(200, json!({ "token": id_token(claims) }).to_string())
}

#[test]
fn the_provider_is_shown_a_jwt_about_the_user() {
    let request = call(&access(json!({})), &grant(json!({})), &[]);
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://sts.googleapis.com/v1/token")
    );
    let body = request.body.split("&subject_token=").next().unwrap();
    assert_eq!(
        body,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
         &audience=%2F%2Fiam.googleapis.com%2Fprojects%2F123456789012%2Flocations%2Fglobal%2FworkloadIdentityPools%2Fstaff%2Fproviders%2Flocum\
         &scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fiam\
         &requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
    );
    assert!(request.body.ends_with("&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"));
    let jwt = assertion(&request);
    assert_eq!(jwt.header, json!({ "typ": "JWT", "alg": "RS256", "kid": "tenant-key" }));
    assert_eq!(
        jwt.claims,
        json!({
            "iss": "https://acme.example.com/",
            "sub": "auth0|alice",
            "aud": PROVIDER,
            "azp": "caller",
            "iat": NOW,
            "exp": NOW + 300,
            "jti": "07".repeat(32),
        })
    );
}

#[test]
fn audience_and_subject_of_the_jwt_can_be_set() {
    let issuer = access(json!({ "audience": "https://acme.example.org/gcp", "subject": "employee" }));
    let mut grant = grant(json!({}));
    assert_eq!(issuer.issue(&grant, &[]).unwrap_err().code, FailureCode::AttributeMissing);
    grant.profile.insert("employee".to_owned(), json!("e-17"));
    let claims = assertion(&call(&issuer, &grant, &[])).claims;
    assert_eq!((&claims["aud"], &claims["sub"]), (&json!("https://acme.example.org/gcp"), &json!("e-17")));
}

#[test]
fn an_address_is_the_subject_only_if_it_is_verified() {
    let issuer = id(json!({ "subject": "email" }));
    let mut grant = grant(json!({}));
    grant.profile.insert("email".to_owned(), json!("alice@example.com"));
    for unverified in [json!(null), json!(false), json!("true")] {
        grant.profile.insert("email_verified".to_owned(), unverified);
        assert_eq!(issuer.issue(&grant, &[]).unwrap_err().code, FailureCode::AttributeMissing);
    }
    grant.profile.insert("email_verified".to_owned(), json!(true));
    assert_eq!(assertion(&call(&issuer, &grant, &[])).claims["sub"], "alice@example.com");
}

#[test]
fn the_federated_token_is_exchanged_for_a_token_of_the_service_account() {
    let issuer = access(json!({ "delegates": ["between@acme.iam.gserviceaccount.com"] }));
    let mut grant = grant(json!({ "gcp_scope": WRITE }));
    grant.lifetime_seconds = 600;
    let request = call(&issuer, &grant, &[federated()]);
    assert_eq!(
        request.url,
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/reader@acme.iam.gserviceaccount.com:generateAccessToken"
    );
    let headers = [("content-type", "application/json"), ("authorization", "Bearer ya29.federated")];
    assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(
        serde_json::from_str::<Value>(&request.body).unwrap(),
        json!({
            "delegates": ["projects/-/serviceAccounts/between@acme.iam.gserviceaccount.com"],
            "scope": [WRITE],
            "lifetime": "600s",
        })
    );
}

#[test]
fn the_token_of_the_service_account_is_answered_in_the_form_of_oauth() {
    let replies = [federated(), generated("ya29.account", "2030-01-08T19:45:14Z")];
    let issued = issued(access(json!({})).issue(&grant(json!({})), &replies)).unwrap();
    let Credential::Object(object) = issued.credential else { panic!("an object") };
    assert_eq!(
        Value::Object(object).to_string(),
        r#"{"access_token":"ya29.account","token_type":"Bearer","expires_in":3600}"#
    );
    assert_eq!(issued.expires_at, Some((NOW + 3600).as_seconds()));
}

#[test]
fn every_form_of_an_expiry_is_read_and_none_is_stated_later_than_granted() {
    let stated = |expiry: &str| {
        let replies = [federated(), generated("t", expiry)];
        issued(access(json!({})).issue(&grant(json!({})), &replies)).map(|issued| issued.expires_at.unwrap())
    };
    assert_eq!(stated("2030-01-08T19:45:13Z"), Ok((NOW + 3599).as_seconds()));
    assert_eq!(stated("2030-01-08T20:45:13.25+01:00"), Ok((NOW + 3599).as_seconds()));
    assert_eq!(stated("2030-01-08T19:50:14Z"), Ok((NOW + 3600).as_seconds()));
    for bad in ["2030-01-08T19:50:15Z", "2030-01-08T18:45:14Z", "soon", "", "1900003600"] {
        assert_eq!(stated(bad).unwrap_err().code, FailureCode::UpstreamNonsense, "{bad}");
    }
}

#[test]
fn without_a_service_account_the_federated_token_is_the_credential() {
    let issuer = access(json!({ "service_account": null }));
    let request = call(&issuer, &grant(json!({ "gcp_scope": READ })), &[]);
    assert!(request.body.contains("&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fdevstorage.read_only&"));
    let issued = issued(issuer.issue(&grant(json!({})), &[federated()])).unwrap();
    let Credential::Object(object) = issued.credential else { panic!("an object") };
    assert_eq!(
        Value::Object(object),
        json!({ "access_token": "ya29.federated", "token_type": "Bearer", "expires_in": 3599 })
    );
    assert_eq!(issued.expires_at, Some((NOW + 3599).as_seconds()));
}

#[test]
fn a_federated_token_without_an_expiry_is_a_credential_of_unknown_lifetime_and_refused() {
    let body = r#"{"access_token":"ya29.federated","token_type":"Bearer"}"#;
    let reply = || UpstreamReply::new(200, body);
    let direct = access(json!({ "service_account": null }));
    assert_eq!(direct.issue(&grant(json!({})), &[reply()]).unwrap_err().code, FailureCode::UpstreamNonsense);
    // Where it is only used to call the next API, its lifetime does not matter.
    call(&access(json!({})), &grant(json!({})), &[reply()]);
}

#[test]
fn a_federated_token_that_is_not_one_bearer_token_goes_nowhere() {
    for (good, bad) in [
        ("ya29.federated", ""),
        ("ya29.federated", "a b"),
        ("ya29.federated", "a\\nb"),
        ("ya29.federated", "\u{e4}"),
        ("ya29.federated", &"a".repeat(16 * 1024 + 1)),
        ("Bearer", "N_A"),
        ("\"token_type\":\"Bearer\",", ""),
        ("3599", "\"3599\""),
        ("3599", "-1"),
        ("3599", "1.5"),
        ("3599", "5000000000"),
        ("{", "{\"error\":\"x\","),
    ] {
        let body = federated().body.replacen(good, bad, 1);
        let failure =
            access(json!({})).issue(&grant(json!({})), &[UpstreamReply::new(200, body)]).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{bad}");
    }
}

#[test]
fn an_id_token_is_requested_for_an_allowed_audience() {
    let requested = |parameters: Value| {
        let request = call(&id(json!({ "include_email": true })), &grant(parameters), &[federated()]);
        assert!(
            request.url.ends_with("/serviceAccounts/reader@acme.iam.gserviceaccount.com:generateIdToken")
        );
        serde_json::from_str::<Value>(&request.body).unwrap()
    };
    assert_eq!(requested(json!({})), json!({ "audience": CLOUD_RUN, "delegates": [], "includeEmail": true }));
    assert_eq!(requested(json!({ "gcp_audience": "b" }))["audience"], "b");
    for bad in ["", "c", "B", "b ", "https://orders-1234.a.run.app/"] {
        let failure = id(json!({})).issue(&grant(json!({ "gcp_audience": bad })), &[]).unwrap_err();
        assert_eq!(failure.pointer.as_deref(), Some("/gcp_audience"), "{bad}");
    }
}

#[test]
fn an_id_token_is_answered_with_the_expiry_in_it() {
    let answered = |claims: Value| {
        issued(id(json!({})).issue(&grant(json!({})), &[federated(), generated_id_token(claims)]))
    };
    let claims = json!({ "aud": CLOUD_RUN, "exp": NOW + 3599 });
    let issued = answered(claims.clone()).unwrap();
    assert_eq!(issued.credential, Credential::Text(id_token(claims)));
    assert_eq!(issued.expires_at, Some((NOW + 3599).as_seconds()));
    assert_eq!(
        answered(json!({ "aud": CLOUD_RUN, "exp": NOW + 3900 })).unwrap().expires_at,
        Some((NOW + 3600).as_seconds())
    );
    for bad in [
        json!({ "aud": CLOUD_RUN, "exp": NOW + 3901 }),
        json!({ "aud": CLOUD_RUN, "exp": NOW }),
        json!({ "aud": CLOUD_RUN, "exp": "soon" }),
        json!({ "aud": CLOUD_RUN }),
        json!({ "aud": "b", "exp": NOW + 3599 }),
        json!({ "aud": [CLOUD_RUN], "exp": NOW + 3599 }),
        json!([]),
    ] {
        assert_eq!(answered(bad.clone()).unwrap_err().code, FailureCode::UpstreamNonsense, "{bad}");
    }
    for body in [
        "{}",
        "",
        r#"{"token":7}"#,
        r#"{"token":"a.b"}"#,
        r#"{"token":"a.b.c.d"}"#,
        r#"{"token":"e30.!.c2ln"}"#,
    ] {
        let replies = [federated(), UpstreamReply::new(200, body)];
        let failure = id(json!({})).issue(&grant(json!({})), &replies).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{body}");
    }
}

#[test]
fn of_googles_refusals_only_the_code_is_passed_on() {
    let issuer = access(json!({}));
    let sts = r#"{"error":"invalid_grant","error_description":"The audience of alice does not match"}"#;
    let failure = issuer.issue(&grant(json!({})), &[UpstreamReply::new(400, sts)]).unwrap_err();
    assert_eq!(failure.upstream_code.as_deref(), Some("invalid_grant"));
    assert!(!failure.message.contains("alice"));
    for (status, code) in [(403, "PERMISSION_DENIED"), (400, "INVALID_ARGUMENT"), (404, "NOT_FOUND")] {
        let body = json!({ "error": { "code": status, "message": "reader@acme lacks it", "status": code } });
        let replies = [federated(), UpstreamReply::new(status, body.to_string())];
        let failure = issuer.issue(&grant(json!({})), &replies).unwrap_err();
        assert_eq!(
            (failure.code, failure.upstream_code.as_deref()),
            (FailureCode::UpstreamRefused, Some(code))
        );
        assert!(!failure.message.contains("acme"));
    }
}

#[test]
fn an_answer_that_is_no_refusal_is_a_fault_of_google() {
    let issuer = access(json!({}));
    for (status, body, seconds) in [
        (404, "", None),
        (404, r#"{"error":{"status":"OTHER"}}"#, None),
        (400, r#"{"error":"INVALID_ARGUMENT"}"#, None),
        (500, r#"{"error":{"status":"INTERNAL"}}"#, None),
        (200, r#"{"accessToken":"","expireTime":"2030-01-08T19:45:14Z"}"#, None),
        (200, r#"{"accessToken":"t"}"#, None),
        (200, r#"{"expireTime":"2030-01-08T19:45:14Z"}"#, None),
        (200, "[]", None),
        (429, r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#, Some(5)),
        (503, "", Some(5)),
    ] {
        let failure =
            issuer.issue(&grant(json!({})), &[federated(), UpstreamReply::new(status, body)]).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{status} {body}");
        assert_eq!(failure.retry_after_seconds, seconds, "{status} {body}");
    }
}

#[test]
fn a_request_cannot_have_other_scopes_than_the_settings() {
    for bad in ["", "https://www.googleapis.com/auth/cloud-platform", "*", &format!("{READ}  {WRITE}")] {
        let failure = access(json!({})).issue(&grant(json!({ "gcp_scope": bad })), &[]).unwrap_err();
        assert_eq!(failure.pointer.as_deref(), Some("/gcp_scope"), "{bad}");
    }
}

#[test]
fn other_endpoints_can_be_set() {
    let endpoints =
        json!({ "sts_endpoint": "http://127.0.0.1:9/sts", "iam_endpoint": "http://127.0.0.1:9/iam/" });
    let issuer = access(endpoints);
    assert_eq!(call(&issuer, &grant(json!({})), &[]).url, "http://127.0.0.1:9/sts");
    assert_eq!(
        call(&issuer, &grant(json!({})), &[federated()]).url,
        "http://127.0.0.1:9/iam/v1/projects/-/serviceAccounts/reader@acme.iam.gserviceaccount.com:generateAccessToken"
    );
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    for (name, value) in [
        ("provider", json!(PROVIDER.replace("123456789012", "acme"))),
        ("audience", json!("")),
        ("audience", json!("a\n")),
        ("subject", json!("")),
        ("service_account", json!("reader")),
        ("delegates", json!(["reader"])),
        ("delegates", json!([ACCOUNT, ACCOUNT, ACCOUNT, ACCOUNT, ACCOUNT])),
        ("sts_endpoint", json!("http://sts.example.com/")),
        ("iam_endpoint", json!("https://iam.example.com/?x")),
    ] {
        assert_eq!(refused_setting(json!({ name: value })), format!("/{name}"), "{value}");
        assert_eq!(refused_id_setting(json!({ name: value })), format!("/{name}"), "{value}");
    }
    for scopes in [json!([]), json!([""]), json!(["a b"]), json!(["a", "a"])] {
        assert_eq!(refused_setting(json!({ "scopes": scopes })), "/scopes");
    }
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    for audiences in [json!([]), json!([""]), json!(["a", " b"]), json!(many)] {
        assert_eq!(refused_id_setting(json!({ "audiences": audiences })), "/audiences");
    }
    assert!(refused_setting(json!({ "audiences": ["a"] })).contains("unknown field `audiences`"));
    assert!(refused_id_setting(json!({ "scopes": ["a"] })).contains("unknown field `scopes`"));
}

#[test]
fn settings_of_a_service_account_are_refused_without_one() {
    for (name, value) in [
        ("delegates", json!([ACCOUNT])),
        ("iam_endpoint", json!("https://iam.example.com")),
        ("lifetime_in_seconds", json!(600)),
    ] {
        assert_eq!(refused_setting(json!({ "service_account": null, name: value })), format!("/{name}"));
    }
}

#[test]
fn a_tenant_without_a_signing_key_is_refused() {
    let configured = ReadyIssuer::configure::<AccessTokens>("gcp", access_settings(json!({})), tenant());
    assert_eq!(pointer(configured), "/provider");
}
