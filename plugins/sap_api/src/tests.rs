//! The issuer through the messages that a host sends: settings, the call to SAP, and its answers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::abi::grant::Grant;
use locum_plugin::prelude::{Credential, Failure, IssueAnswer, UpstreamReply, UpstreamRequest, Value, json};
use locum_plugin::testing::{NOW, ReadyIssuer, grant, tenant, tenant_with_key};

use crate::SapApi;
use crate::bearer::Scope;

const URL: &str = "https://sap.example.com:8443/sap/bc/sec/oauth2/token";

fn settings(changes: Value) -> Value {
    let mut settings = json!({
        "clientid": "OAUTH_CLIENT",
        "servicePassword": "s3cret:ä",
        "tokenEndpointUrl": URL,
        "scope": "ZSRV_0001 ZSRV_0002",
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<SapApi>("sap_api", settings(changes), tenant_with_key())
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn alice(parameters: Value) -> Grant {
    let mut grant = grant(parameters);
    grant.profile.insert("email".to_owned(), json!("alice@example.com"));
    grant.profile.insert("email_verified".to_owned(), json!(true));
    grant
}

fn call(changes: Value, grant: &Grant) -> Result<UpstreamRequest, Failure> {
    match configure(changes)?.issue(grant, &[])? {
        IssueAnswer::Call { request } => Ok(request),
        other => panic!("a call was expected, not {other:?}"),
    }
}

fn answered(status: u16, body: &str) -> Result<Issued, Failure> {
    let reply = UpstreamReply::new(status, body);
    match configure(json!({}))?.issue(&alice(json!({})), &[reply])? {
        IssueAnswer::Issued(issued) => Ok(issued),
        other => panic!("a token was expected, not {other:?}"),
    }
}

fn assertion(request: &UpstreamRequest) -> String {
    let (_, rest) = request.body.split_once("&assertion=").unwrap();
    let (assertion, _) = rest.split_once('&').unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(assertion).unwrap()).unwrap()
}

#[test]
fn the_call_is_a_saml_bearer_grant_of_the_system_user() {
    let request = call(json!({}), &alice(json!({}))).unwrap();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", URL));
    assert!(
        request
            .body
            .starts_with("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer&assertion=")
    );
    assert!(request.body.ends_with("&client_id=OAUTH_CLIENT&scope=ZSRV_0001%20ZSRV_0002"));
    let (_, basic) = request.headers.iter().find(|(name, _)| name == "authorization").unwrap();
    assert_eq!(*basic, format!("Basic {}", STANDARD.encode("OAUTH_CLIENT:s3cret:ä")));
}

#[test]
fn the_assertion_is_for_the_token_endpoint_and_for_one_client() {
    let assertion = assertion(&call(json!({}), &alice(json!({}))).unwrap());
    for said in [
        "<saml:Issuer>urn:acme.example.com</saml:Issuer><ds:Signature ",
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">alice@example.com</saml:NameID>",
        &format!("NotOnOrAfter=\"2030-01-08T18:50:14Z\" Recipient=\"{URL}\""),
        &format!("<saml:Audience>{URL}</saml:Audience>"),
        "<saml:Attribute Name=\"client_id\"><saml:AttributeValue>OAUTH_CLIENT</saml:AttributeValue></saml:Attribute>",
    ] {
        assert!(assertion.contains(said), "{said} is missing in {assertion}");
    }
}

#[test]
fn audience_format_and_attribute_come_from_the_settings() {
    let changes =
        json!({ "audience": "ABC100", "nameIdentifierFormat": "urn:x", "usernameAttribute": "sap_user" });
    let mut grant = alice(json!({}));
    grant.profile.insert("sap_user".to_owned(), json!("ALICE & <CO>"));
    let assertion = assertion(&call(changes, &grant).unwrap());
    assert!(assertion.contains("<saml:Audience>ABC100</saml:Audience>"));
    assert!(assertion.contains("<saml:NameID Format=\"urn:x\">ALICE &amp; &lt;CO&gt;</saml:NameID>"));
}

#[test]
fn a_request_can_choose_another_sap_scope_and_its_oauth_scope_is_ignored() {
    let mut grant = alice(json!({ "sap_scope": "ZOTHER_0001" }));
    grant.scopes = vec!["openid".to_owned(), "profile".to_owned()];
    assert!(call(json!({}), &grant).unwrap().body.ends_with("&client_id=OAUTH_CLIENT&scope=ZOTHER_0001"));
    for none in [json!(null), json!("")] {
        let request = call(json!({ "scope": none }), &alice(json!({}))).unwrap();
        assert!(request.body.ends_with("&client_id=OAUTH_CLIENT"));
    }
}

#[test]
fn scopes_follow_the_grammar_of_oauth() {
    for good in ["a", "a b", "ZSRV_0001 http://x/y'", &"x".repeat(1024)] {
        assert!(Scope::parse(good).is_ok(), "{good}");
    }
    for bad in ["", " ", "a  b", " a", "a ", "a\tb", "a\nb", "a\"b", "a\\b", "ä", &"x".repeat(1025)] {
        assert!(Scope::parse(bad).is_err(), "{bad:?}");
    }
    let failure = call(json!({}), &alice(json!({ "sap_scope": "a  b" }))).unwrap_err();
    assert_eq!(
        (failure.code, failure.pointer.as_deref()),
        (FailureCode::ParameterRefused, Some("/sap_scope"))
    );
}

#[test]
fn a_user_without_a_verified_sap_name_is_refused() {
    for (name, value) in [("email", json!(null)), ("email", json!(""))] {
        let mut grant = alice(json!({}));
        grant.profile.insert(name.to_owned(), value);
        assert_eq!(call(json!({}), &grant).unwrap_err().code, FailureCode::AttributeMissing, "{name}");
    }
    let mut grant = alice(json!({}));
    for flag in [json!(false), json!("true"), json!(1), json!(null)] {
        grant.profile.insert("email_verified".to_owned(), flag);
        assert_eq!(call(json!({}), &grant).unwrap_err().code, FailureCode::AttributeMissing);
    }
    grant.profile.remove("email_verified");
    assert_eq!(call(json!({}), &grant).unwrap_err().code, FailureCode::AttributeMissing);
    assert!(call(json!({}), &alice(json!({}))).is_ok());
}

#[test]
fn saps_answer_is_passed_on_unchanged_and_its_expires_in_is_the_expiry() {
    let body = r#"{"access_token":"AFBWmAG","token_type":"Bearer","expires_in":"600","scope":"ZSRV_0001"}"#;
    let issued = answered(200, body).unwrap();
    assert_eq!(issued.expires_at, Some((NOW + 600).as_seconds()));
    let Credential::Object(object) = issued.credential else { panic!("an object") };
    assert_eq!(Value::Object(object).to_string(), body);
    assert_eq!(
        answered(200, r#"{"access_token":"t","expires_in":60}"#).unwrap().expires_at,
        Some((NOW + 60).as_seconds())
    );
    assert_eq!(answered(200, r#"{"access_token":"t"}"#).unwrap().expires_at, None);
}

#[test]
fn an_expires_in_of_whole_seconds_is_read_in_any_spelling() {
    for seconds in ["600", "600.0", r#""600""#, r#""600.0""#, r#""0600.00""#] {
        let issued = answered(200, &format!(r#"{{"access_token":"t","expires_in":{seconds}}}"#)).unwrap();
        assert_eq!(issued.expires_at, Some((NOW + 600).as_seconds()), "{seconds}");
    }
}

#[test]
fn a_token_that_is_valid_for_longer_than_granted_is_refused_with_the_remedy() {
    assert!(answered(200, r#"{"access_token":"t","expires_in":3600}"#).is_ok());
    for seconds in [3601, 40 * 86_400] {
        let failure =
            answered(200, &format!(r#"{{"access_token":"t","expires_in":"{seconds}"}}"#)).unwrap_err();
        assert_eq!(failure.code, FailureCode::Internal);
        let named = format!("valid for {seconds} s, and at most 3600 s are granted");
        assert!(
            failure.message.contains(&named) && failure.message.contains("SOAUTH2"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn a_query_of_the_token_endpoint_is_sent_as_it_is() {
    let url = "https://sap.example.com/sap/bc/sec/oauth2/token?sap-client=100";
    let request = call(json!({ "tokenEndpointUrl": url }), &alice(json!({}))).unwrap();
    assert_eq!(request.url, url);
    assert!(assertion(&request).contains(&format!("Recipient=\"{url}\"")));
    assert_eq!(refused_setting(json!({ "tokenEndpointUrl": format!("{url}#x") })), "/tokenEndpointUrl");
}

#[test]
fn a_name_in_sap_with_white_space_around_it_is_refused_by_its_attribute() {
    let named = |name: &str| {
        let mut grant = alice(json!({}));
        grant.profile.insert("sap_user".to_owned(), json!(name));
        call(json!({ "usernameAttribute": "sap_user" }), &grant)
    };
    assert!(assertion(&named("A  B").unwrap()).contains(">A  B</saml:NameID>"));
    for name in [" A", "A ", "A\n", "\tA"] {
        let failure = named(name).unwrap_err();
        assert_eq!(failure.code, FailureCode::AttributeMissing);
        assert!(failure.message.contains("`sap_user`"), "{}", failure.message);
    }
}

#[test]
fn a_busy_sap_is_named_as_busy() {
    assert_eq!(answered(503, "").unwrap_err().retry_after_seconds, Some(5));
    assert_eq!(answered(500, "").unwrap_err().retry_after_seconds, None);
}

#[test]
fn an_expires_in_that_is_not_a_number_is_a_fault_of_the_upstream() {
    for wrong in [
        r#""soon""#,
        r#""""#,
        "0",
        "-1",
        r#""-1""#,
        "null",
        "1.5",
        "[]",
        "1e3",
        r#""600.""#,
        r#""+600""#,
        r#""600.5""#,
        r#"".0""#,
    ] {
        let failure = answered(200, &format!(r#"{{"access_token":"t","expires_in":{wrong}}}"#)).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{wrong}");
    }
}

#[test]
fn of_saps_refusal_only_the_code_is_passed_on() {
    let body = r#"{"error":"invalid_grant","error_description":"user ALICE is locked"}"#;
    let failure = answered(400, body).unwrap_err();
    assert_eq!(failure.code, FailureCode::UpstreamRefused);
    assert_eq!(failure.upstream_code.as_deref(), Some("invalid_grant"));
    assert!(!failure.message.contains("ALICE"));
    assert_eq!(answered(401, "<html>").unwrap_err().code, FailureCode::UpstreamRefused);
    assert_eq!(answered(500, body).unwrap_err().code, FailureCode::UpstreamNonsense);
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(
        refused_setting(json!({ "tokenEndpointUrl": "http://sap.example.com/token" })),
        "/tokenEndpointUrl"
    );
    assert_eq!(refused_setting(json!({ "clientid": "a:b" })), "/clientid");
    assert_eq!(refused_setting(json!({ "clientid": "" })), "/clientid");
    assert_eq!(refused_setting(json!({ "servicePassword": "" })), "/servicePassword");
    assert_eq!(refused_setting(json!({ "clientid": "a\u{1}b" })), "/clientid");
    assert_eq!(refused_setting(json!({ "usernameAttribute": "" })), "/usernameAttribute");
    assert_eq!(refused_setting(json!({ "nameIdentifierFormat": "" })), "/nameIdentifierFormat");
    for audience in ["", "ABC\n100"] {
        assert_eq!(refused_setting(json!({ "audience": audience })), "/audience");
    }
    assert_eq!(refused_setting(json!({ "scope": "a  b" })), "/scope");
    assert!(refused_setting(json!({ "password": "x" })).contains("unknown field `password`"));
}

#[test]
fn a_tenant_without_a_signing_key_is_refused() {
    assert!(ReadyIssuer::configure::<SapApi>("sap_api", settings(json!({})), tenant()).is_err());
}
