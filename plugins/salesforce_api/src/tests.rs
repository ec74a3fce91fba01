//! Both api_types through the messages that a host sends: settings, calls to Salesforce, and its answers.

use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::abi::grant::Grant;
use locum_plugin::prelude::{
    Credential, Failure, IssueAnswer, RevokeAnswer, UpstreamReply, UpstreamRequest, Value, json,
};
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, VerifiedJwt, grant, tenant, tenant_with_key};

use crate::Salesforce;

const TOKEN: &str =
    "00Dx0000000BV7z!AR8AQAxo9UfVkh8AlV0Gomt9Czx9LjHnSSpwBMmbRcgKFmxOtvxjTrKW19ye6PE3Ds1eQz3z";

fn settings(changes: Value) -> Value {
    let mut settings = json!({ "clientid": "3MVG9.consumer" });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn configure(api_type: &str, changes: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<Salesforce>(api_type, settings(changes), tenant_with_key())
}

fn refused_setting(changes: Value) -> String {
    let failure = configure("salesforce_api", changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn alice(parameters: Value) -> Grant {
    let mut grant = grant(parameters);
    grant.profile.insert("email".to_owned(), json!("alice@example.com"));
    grant.profile.insert("email_verified".to_owned(), json!(true));
    grant
}

fn call(issuer: &ReadyIssuer, grant: &Grant) -> Result<(UpstreamRequest, VerifiedJwt), Failure> {
    let request = match issuer.issue(grant, &[])? {
        IssueAnswer::Call { request } => request,
        other => panic!("a call was expected, not {other:?}"),
    };
    let assertion = request
        .body
        .strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=")
        .unwrap();
    let opened = TestKey::rsa().verify_jwt(Algorithm::RS256, assertion).unwrap();
    Ok((request, opened))
}

/// The URL that a token is requested at, and the audience of the request.
fn requested(changes: Value, parameters: Value) -> Result<(String, String), String> {
    let issuer = configure("salesforce_api", changes).unwrap();
    match call(&issuer, &alice(parameters)) {
        Ok((request, jwt)) => Ok((request.url, jwt.claims["aud"].as_str().unwrap().to_owned())),
        Err(failure) => Err(failure.pointer.unwrap()),
    }
}

fn reply(status: u16, body: &str) -> UpstreamReply {
    UpstreamReply::new(status, body)
}

#[test]
fn the_two_api_types_differ_only_in_their_host() {
    for (api_type, host) in [
        ("salesforce_api", "https://login.salesforce.com"),
        ("salesforce_sandbox_api", "https://test.salesforce.com"),
    ] {
        let (request, jwt) = call(&configure(api_type, json!({})).unwrap(), &alice(json!({}))).unwrap();
        assert_eq!(
            (request.method, request.url),
            ("POST".to_owned(), format!("{host}/services/oauth2/token"))
        );
        assert_eq!(jwt.header, json!({ "typ": "JWT", "alg": "RS256", "kid": "tenant-key" }));
        assert_eq!(
            jwt.claims,
            json!({
                "iss": "3MVG9.consumer",
                "sub": "alice@example.com",
                "aud": host,
                "iat": NOW,
                "exp": NOW + 120,
                "jti": "07".repeat(32),
            })
        );
    }
}

#[test]
fn a_community_is_both_the_host_and_the_audience() {
    let of = |base: &str| Ok((format!("{base}/services/oauth2/token"), base.to_owned()));
    let stored = || json!({ "communityName": "acme", "community_url_section": "customers" });
    assert_eq!(requested(stored(), json!({})), of("https://acme.force.com/customers"));
    assert_eq!(requested(json!({ "communityName": "acme" }), json!({})), of("https://acme.force.com"));
    assert_eq!(
        requested(stored(), json!({ "community_url_section": "partners" })),
        of("https://acme.force.com/partners")
    );
    assert_eq!(
        requested(json!({}), json!({ "community_name": "acme", "community_url_section": "customers" })),
        of("https://acme.force.com/customers")
    );
}

#[test]
fn both_spellings_of_a_communitys_parameters_are_understood_and_named() {
    let of = |base: &str| Ok((format!("{base}/services/oauth2/token"), base.to_owned()));
    let acme = || of("https://acme.force.com/customers");
    assert_eq!(
        requested(json!({}), json!({ "communityName": "acme", "community_url": "customers" })),
        acme()
    );
    let agreeing = json!({
        "communityName": "acme", "community_name": "acme",
        "community_url": "customers", "community_url_section": "customers",
    });
    assert_eq!(requested(json!({}), agreeing), acme());
    let refused = [
        (json!({ "communityName": "a.b" }), "/communityName"),
        (json!({ "communityName": "acme", "community_name": "other" }), "/communityName"),
        (json!({ "communityName": "acme", "community_url": "https://evil.example.com" }), "/community_url"),
        (
            json!({ "communityName": "acme", "community_url": "a", "community_url_section": "b" }),
            "/community_url",
        ),
    ];
    for (parameters, pointer) in refused {
        assert_eq!(requested(json!({}), parameters.clone()), Err(pointer.to_owned()), "{parameters}");
    }
}

#[test]
fn a_request_cannot_leave_force_com() {
    let parameters = |name: &str| json!({ "community_name": name });
    assert_eq!(requested(json!({}), parameters("evil.example.com/")), Err("/community_name".to_owned()));
    assert_eq!(requested(json!({}), parameters("a.b")), Err("/community_name".to_owned()));
    assert_eq!(
        requested(json!({}), json!({ "community_name": "acme", "community_url_section": "../x" })),
        Err("/community_url_section".to_owned())
    );
    assert_eq!(
        requested(json!({}), json!({ "community_url_section": "customers" })),
        Err("/community_name".to_owned())
    );
}

#[test]
fn an_endpoint_in_the_settings_changes_the_url_and_not_the_audience() {
    let endpoint = json!({ "endpoint": "https://acme.my.salesforce.com/" });
    let url = "https://acme.my.salesforce.com/services/oauth2/token".to_owned();
    assert_eq!(
        requested(endpoint.clone(), json!({})),
        Ok((url.clone(), "https://login.salesforce.com".to_owned()))
    );
    assert_eq!(
        requested(endpoint, json!({ "community_name": "acme" })),
        Ok((url, "https://acme.force.com".to_owned()))
    );
}

#[test]
fn a_user_without_a_verified_salesforce_name_is_refused() {
    let issuer = configure("salesforce_api", json!({})).unwrap();
    for (name, value) in [("email", json!(null)), ("email", json!(7))] {
        let mut grant = alice(json!({}));
        grant.profile.insert(name.to_owned(), value);
        assert_eq!(call(&issuer, &grant).unwrap_err().code, FailureCode::AttributeMissing, "{name}");
    }
    let mut grant = alice(json!({}));
    for flag in [json!(false), json!("true"), json!(1), json!(null)] {
        grant.profile.insert("email_verified".to_owned(), flag);
        assert_eq!(call(&issuer, &grant).unwrap_err().code, FailureCode::AttributeMissing);
    }
    grant.profile.remove("email_verified");
    assert_eq!(call(&issuer, &grant).unwrap_err().code, FailureCode::AttributeMissing);
    assert!(call(&issuer, &alice(json!({}))).is_ok());
}

#[test]
fn the_attribute_that_principal_names_is_the_user() {
    let issuer = configure("salesforce_api", json!({ "principal": "sf_name" })).unwrap();
    let mut grant = alice(json!({}));
    assert_eq!(call(&issuer, &grant).unwrap_err().code, FailureCode::AttributeMissing);
    grant.profile.insert("sf_name".to_owned(), json!("alice@acme.force"));
    assert_eq!(call(&issuer, &grant).unwrap().1.claims["sub"], "alice@acme.force");
}

#[test]
fn salesforces_answer_is_passed_on_unchanged_and_states_no_expiry() {
    let issuer = configure("salesforce_api", json!({})).unwrap();
    let body = format!(
        r#"{{"scope":"full api","instance_url":"https://na31.salesforce.com","id":"https://login.salesforce.com/id/00D/005","token_type":"Bearer","access_token":"{TOKEN}"}}"#
    );
    let answer = issuer.issue(&alice(json!({})), &[reply(200, &body)]).unwrap();
    let IssueAnswer::Issued(Issued { credential: Credential::Object(object), expires_at, .. }) = answer
    else {
        panic!("an object")
    };
    assert_eq!((Value::Object(object).to_string(), expires_at), (body, None));
}

#[test]
fn of_salesforces_refusal_only_the_code_is_passed_on() {
    let issuer = configure("salesforce_api", json!({})).unwrap();
    let body = r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#;
    let failure = issuer.issue(&alice(json!({})), &[reply(400, body)]).unwrap_err();
    assert_eq!(failure.upstream_code.as_deref(), Some("invalid_grant"));
    assert!(!failure.message.contains("consumer"));
}

#[test]
fn a_token_is_revoked_at_the_host_that_issued_it() {
    for (changes, base) in [
        (json!({}), "https://login.salesforce.com"),
        (json!({ "communityName": "acme" }), "https://acme.force.com"),
        (json!({ "endpoint": "http://127.0.0.1:9000" }), "http://127.0.0.1:9000"),
    ] {
        let answer = configure("salesforce_api", changes).unwrap().revoke(TOKEN, &[]).unwrap();
        let RevokeAnswer::Call { request } = answer else { panic!("a call was expected") };
        assert_eq!(request.url, format!("{base}/services/oauth2/revoke"));
        assert_eq!(request.body, format!("token={TOKEN}"));
    }
}

#[test]
fn the_answer_to_a_revocation_is_salesforces() {
    let issuer = configure("salesforce_api", json!({})).unwrap();
    let revoke = |status, body: &str| issuer.revoke(TOKEN, &[reply(status, body)]);
    assert_eq!(revoke(200, ""), Ok(RevokeAnswer::Revoked));
    assert_eq!(revoke(400, r#"{"error":"invalid_token"}"#), Ok(RevokeAnswer::AlreadyGone));
    assert_eq!(revoke(400, r#"{"error":"unsupported_token_type"}"#), Ok(RevokeAnswer::AlreadyGone));
    assert_eq!(revoke(403, r#"{"error":"access_denied"}"#).unwrap_err().code, FailureCode::UpstreamRefused);
    assert_eq!(revoke(400, "").unwrap_err().code, FailureCode::UpstreamNonsense);
    assert_eq!(revoke(503, "").unwrap_err().code, FailureCode::UpstreamNonsense);
}

#[test]
fn a_token_of_another_issuer_is_never_sent_to_salesforce() {
    let issuer = configure("salesforce_api", json!({})).unwrap();
    for other in [
        "",
        "refresh-token",
        "00Dx0000000BV7z",
        "eyJhbGciOiJIUzI1NiJ9.e30.x!",
        "00D!\n",
        &format!("00D!{}", "x".repeat(2048)),
    ] {
        assert_eq!(issuer.revoke(other, &[]), Ok(RevokeAnswer::AlreadyGone), "{other}");
    }
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "clientid": "" })), "/clientid");
    assert_eq!(refused_setting(json!({ "principal": "" })), "/principal");
    assert_eq!(refused_setting(json!({ "communityName": "a.b" })), "/communityName");
    assert_eq!(
        refused_setting(json!({ "communityName": "a", "community_url_section": "b/c" })),
        "/community_url_section"
    );
    assert_eq!(refused_setting(json!({ "community_url_section": "b" })), "/communityName");
    assert_eq!(refused_setting(json!({ "endpoint": "http://example.com" })), "/endpoint");
    assert!(refused_setting(json!({ "community_name": "a" })).contains("unknown field `community_name`"));
}

#[test]
fn a_tenant_without_a_signing_key_is_refused() {
    let issuer = ReadyIssuer::configure::<Salesforce>("salesforce_api", settings(json!({})), tenant());
    assert_eq!(issuer.err().unwrap().pointer.as_deref(), Some("/clientid"));
}
