//! The api_type through the messages that a host sends: settings, calls to Entra, and its answers.

use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::abi::grant::Grant;
use locum_plugin::prelude::{Credential, Failure, IssueAnswer, UpstreamReply, UpstreamRequest, Value, json};
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, VerifiedJwt, grant, tenant, tenant_with_key};

use crate::Entra;

const DIRECTORY: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const GRAPH: &str = "https://graph.microsoft.com/.default";
const STORAGE: &str = "https://storage.azure.com/.default";
const ANSWER: &str =
    r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ0.e30.c2ln"}"#;

fn settings(changes: Value) -> Value {
    let mut settings = json!({ "tenant": DIRECTORY, "client_id": CLIENT, "scopes": [GRAPH, STORAGE] });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<Entra>("entra", settings(changes), tenant_with_key())
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn call(changes: Value, grant: &Grant) -> Result<(UpstreamRequest, VerifiedJwt), Failure> {
    let request = match configure(changes).unwrap().issue(grant, &[])? {
        IssueAnswer::Call { request } => request,
        other => panic!("a call was expected, not {other:?}"),
    };
    let (_, rest) = request.body.split_once("&client_assertion=").unwrap();
    let jwt = TestKey::rsa().verify_jwt(Algorithm::RS256, rest.split('&').next().unwrap()).unwrap();
    Ok((request, jwt))
}

fn answered(status: u16, body: &str) -> Result<Issued, Failure> {
    configure(json!({})).unwrap().drive(&grant(json!({})), |_| UpstreamReply::new(status, body))
}

#[test]
fn the_application_is_authenticated_by_a_jwt_about_the_user() {
    let (request, jwt) = call(json!({}), &grant(json!({}))).unwrap();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/oauth2/v2.0/token")
    );
    assert!(request.body.starts_with(
        "grant_type=client_credentials&client_id=11111111-2222-3333-4444-555555555555\
         &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
    ));
    assert!(request.body.ends_with("&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"));
    assert_eq!(jwt.header, json!({ "typ": "JWT", "alg": "RS256", "kid": "tenant-key" }));
    assert_eq!(
        jwt.claims,
        json!({
            "iss": "https://acme.example.com/",
            "sub": "auth0|alice",
            "aud": "api://AzureADTokenExchange",
            "iat": NOW,
            "exp": NOW + 300,
            "jti": "07".repeat(32),
        })
    );
}

#[test]
fn audience_and_subject_of_the_jwt_can_be_set() {
    let changes = || json!({ "audience": "api://AzureADTokenExchangeUSGov", "subject": "role" });
    let mut grant = grant(json!({}));
    assert_eq!(call(changes(), &grant).unwrap_err().code, FailureCode::AttributeMissing);
    grant.profile.insert("role".to_owned(), json!("reader"));
    let claims = call(changes(), &grant).unwrap().1.claims;
    assert_eq!(
        (&claims["aud"], &claims["sub"]),
        (&json!("api://AzureADTokenExchangeUSGov"), &json!("reader"))
    );
}

#[test]
fn an_address_is_the_subject_only_if_it_is_verified() {
    let mut grant = grant(json!({}));
    grant.profile.insert("email".to_owned(), json!("alice@example.com"));
    for unverified in [json!(null), json!(false), json!("true")] {
        grant.profile.insert("email_verified".to_owned(), unverified);
        let failure = call(json!({ "subject": "email" }), &grant).unwrap_err();
        assert_eq!(failure.code, FailureCode::AttributeMissing);
    }
    grant.profile.insert("email_verified".to_owned(), json!(true));
    assert_eq!(call(json!({ "subject": "email" }), &grant).unwrap().1.claims["sub"], "alice@example.com");
}

#[test]
fn a_request_chooses_one_of_the_scopes() {
    let (request, _) = call(json!({}), &grant(json!({ "entra_scope": STORAGE }))).unwrap();
    assert!(request.body.ends_with("&scope=https%3A%2F%2Fstorage.azure.com%2F.default"));
    for bad in ["", "https://vault.azure.net/.default", &format!("{GRAPH} {STORAGE}"), &GRAPH.to_uppercase()]
    {
        let failure = call(json!({}), &grant(json!({ "entra_scope": bad }))).unwrap_err();
        assert_eq!(failure.pointer.as_deref(), Some("/entra_scope"), "{bad}");
    }
}

#[test]
fn each_cloud_has_a_host_of_its_own() {
    let url = |changes| call(changes, &grant(json!({}))).unwrap().0.url;
    let path = "/9188040d-6c67-4c5b-b112-36a304b66dad/oauth2/v2.0/token";
    for (cloud, origin) in [
        ("public", "https://login.microsoftonline.com"),
        ("us_government", "https://login.microsoftonline.us"),
        ("china", "https://login.partner.microsoftonline.cn"),
    ] {
        assert_eq!(url(json!({ "cloud": cloud })), format!("{origin}{path}"));
    }
    assert_eq!(url(json!({ "endpoint": "http://127.0.0.1:9/" })), format!("http://127.0.0.1:9{path}"));
    assert_eq!(refused_setting(json!({ "cloud": "china", "endpoint": "http://127.0.0.1:9" })), "/cloud");
}

#[test]
fn entras_answer_is_passed_on_unchanged_with_its_expiry() {
    let issued = answered(200, ANSWER).unwrap();
    let Credential::Object(object) = issued.credential else { panic!("an object") };
    assert_eq!(Value::Object(object).to_string(), ANSWER);
    assert_eq!(issued.expires_at, Some((NOW + 3599).as_seconds()));
}

#[test]
fn a_token_that_outlives_its_grant_is_refused_and_the_reason_says_what_to_do() {
    let answered = |seconds| {
        let mut grant = grant(json!({}));
        grant.lifetime_seconds = 3600;
        let body = ANSWER.replacen("3599", seconds, 1);
        configure(json!({})).unwrap().drive(&grant, |_| UpstreamReply::new(200, body.as_str()))
    };
    assert!(answered("3600").is_ok());
    let failure = answered("3601").unwrap_err();
    assert_eq!(failure.code, FailureCode::Internal);
    assert!(failure.message.contains("valid for 3601 s, and 3600 s are granted"));
}

#[test]
fn an_answer_that_is_not_a_bearer_token_with_a_lifetime_is_a_fault_of_entra() {
    for (good, bad) in [
        ("\"expires_in\":3599,", ""),
        ("3599", "\"3599\""),
        ("3599", "0"),
        ("3599", "-1"),
        ("3599", "5000000000"),
        ("Bearer", "pop"),
        ("\"token_type\":\"Bearer\",", ""),
        ("eyJ0.e30.c2ln", ""),
        ("{", "{\"error\":\"x\","),
    ] {
        let failure = answered(200, &ANSWER.replacen(good, bad, 1)).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{bad}");
    }
}

#[test]
fn of_entras_refusals_the_number_is_passed_on_and_never_the_text() {
    let body = r#"{"error":"invalid_client","error_description":"AADSTS700213: No matching federated identity record found for presented assertion subject 'auth0|alice'.","error_codes":[700213],"correlation_id":"c0ffee"}"#;
    for status in [400, 401] {
        let failure = answered(status, body).unwrap_err();
        assert_eq!(failure.upstream_code.as_deref(), Some("AADSTS700213"));
        assert!(!failure.message.contains("alice"));
    }
    for (body, code) in [
        (r#"{"error":"invalid_client"}"#, Some("invalid_client")),
        (r#"{"error":"invalid_client","error_codes":[]}"#, Some("invalid_client")),
        (r#"{"error":"invalid_client","error_codes":["700213"]}"#, Some("invalid_client")),
        (r#"{"error":"user alice","error_codes":[-1]}"#, None),
        ("", None),
    ] {
        let failure = answered(401, body).unwrap_err();
        assert_eq!(
            (failure.code, failure.upstream_code.as_deref()),
            (FailureCode::UpstreamRefused, code),
            "{body}"
        );
    }
}

#[test]
fn an_answer_that_is_no_refusal_is_a_fault_of_entra() {
    for (status, body, seconds) in [
        (400, "", None),
        (404, r#"{"error_codes":[90002]}"#, None),
        (500, r#"{"error":"server_error"}"#, None),
        (429, r#"{"error_codes":[90033]}"#, Some(5)),
        (503, "", Some(5)),
    ] {
        let failure = answered(status, body).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{status}");
        assert_eq!(failure.retry_after_seconds, seconds, "{status}");
    }
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    let many: Vec<String> = (0..65).map(|number| format!("api://{number}/.default")).collect();
    for (name, value) in [
        ("tenant", json!("common")),
        ("tenant", json!("a/b")),
        ("client_id", json!("acme")),
        ("scopes", json!([])),
        ("scopes", json!(["https://graph.microsoft.com/User.Read"])),
        ("scopes", json!([GRAPH, format!("{GRAPH} {STORAGE}")])),
        ("scopes", json!(many)),
        ("subject", json!("")),
        ("audience", json!("")),
        ("audience", json!("a\n")),
        ("endpoint", json!("http://login.example.com")),
    ] {
        assert_eq!(refused_setting(json!({ name: value })), format!("/{name}"), "{value}");
    }
    assert!(refused_setting(json!({ "cloud": "germany" })).contains("germany"));
    assert!(refused_setting(json!({ "client_secret": "x" })).contains("unknown field `client_secret`"));
}

#[test]
fn a_tenant_without_a_signing_key_is_refused() {
    let issuer = ReadyIssuer::configure::<Entra>("entra", settings(json!({})), tenant());
    assert_eq!(issuer.err().unwrap().pointer.as_deref(), Some("/client_id"));
}
