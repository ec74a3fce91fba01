//! The whole exchange through the messages that a host sends: settings, the call to STS, its answers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::prelude::*;
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, grant, tenant, tenant_with_key};

use crate::Aws;

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";
const PRINCIPAL: &str = "arn:aws:iam::123456789012:saml-provider/locum";

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    let mut settings = json!({ "role": ROLE, "principal": PRINCIPAL });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    ReadyIssuer::configure::<Aws>("aws", settings, tenant_with_key())
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn call(issuer: &ReadyIssuer, grant: &locum_plugin::abi::grant::Grant) -> Result<UpstreamRequest, Failure> {
    match issuer.issue(grant, &[])? {
        IssueAnswer::Call { request } => Ok(request),
        other => panic!("a call was expected, not {other:?}"),
    }
}

fn field(request: &UpstreamRequest, name: &str) -> Option<String> {
    let value = request.body.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = String::from_utf8(vec![rest.next()?, rest.next()?]).ok()?;
            bytes.push(u8::from_str_radix(&hex, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The SAML response in a call.
fn response(request: &UpstreamRequest) -> String {
    String::from_utf8(STANDARD.decode(field(request, "SAMLAssertion").unwrap()).unwrap()).unwrap()
}

fn attribute(name: &str, value: &str) -> String {
    format!(
        "<saml:Attribute Name=\"https://aws.amazon.com/SAML/Attributes/{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
    )
}

fn sts(status: u16, body: &str) -> UpstreamReply {
    UpstreamReply::new(status, body)
}

fn saml_answer(expiration: &str) -> String {
    format!(
        "<AssumeRoleWithSAMLResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">
           <AssumeRoleWithSAMLResult>
             <Audience>https://signin.aws.amazon.com/saml</Audience>
             <AssumedRoleUser>
               <AssumedRoleId>AROAEXAMPLE:auth0=7Calice</AssumedRoleId>
               <Arn>arn:aws:sts::123456789012:assumed-role/reader/auth0=7Calice</Arn>
             </AssumedRoleUser>
             <Credentials>
               <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
               <SecretAccessKey>secret/+&amp;</SecretAccessKey>
               <SessionToken>AQoD==</SessionToken>
               <Expiration>{expiration}</Expiration>
             </Credentials>
             <PackedPolicySize>6</PackedPolicySize>
             <Subject>auth0|alice</Subject>
             <SubjectType>persistent</SubjectType>
             <Issuer>urn:acme.example.com</Issuer>
             <NameQualifier>base64sha1=</NameQualifier>
             <SourceIdentity>alice</SourceIdentity>
           </AssumeRoleWithSAMLResult>
           <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
         </AssumeRoleWithSAMLResponse>"
    )
}

fn answered(reply: UpstreamReply) -> Result<Issued, Failure> {
    match configure(json!({}))?.issue(&grant(json!({})), &[reply])? {
        IssueAnswer::Issued(issued) => Ok(issued),
        other => panic!("credentials were expected, not {other:?}"),
    }
}

#[test]
fn the_call_contains_role_principal_and_a_signed_response() {
    let request = call(&configure(json!({})).unwrap(), &grant(json!({}))).unwrap();
    assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", "https://sts.amazonaws.com/"));
    assert_eq!(field(&request, "Action").as_deref(), Some("AssumeRoleWithSAML"));
    assert_eq!(field(&request, "Version").as_deref(), Some("2011-06-15"));
    assert_eq!(field(&request, "RoleArn").as_deref(), Some(ROLE));
    assert_eq!(field(&request, "PrincipalArn").as_deref(), Some(PRINCIPAL));
    assert_eq!(field(&request, "DurationSeconds").as_deref(), Some("3600"));
    let response = response(&request);
    for said in [
        "<saml:Issuer>urn:acme.example.com</saml:Issuer>",
        "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">auth0|alice</saml:NameID>",
        "<saml:Audience>https://signin.aws.amazon.com/saml</saml:Audience>",
        "NotOnOrAfter=\"2030-01-08T18:50:14Z\" Recipient=\"https://signin.aws.amazon.com/saml\"",
        "SessionNotOnOrAfter=\"2030-01-08T19:45:14Z\"",
        "<ds:SignatureValue>",
        &attribute("Role", &format!("{ROLE},{PRINCIPAL}")),
        &attribute("RoleSessionName", "auth0=7Calice"),
        &attribute("SessionDuration", "3600"),
    ] {
        assert!(response.contains(said), "{said} is missing in {response}");
    }
    assert!(!response.contains("SourceIdentity") && !response.contains("PrincipalTag"));
}

#[test]
fn the_shortest_session_does_not_state_its_end() {
    let mut grant = grant(json!({}));
    grant.lifetime_seconds = 900;
    let request = call(&configure(json!({})).unwrap(), &grant).unwrap();
    assert_eq!(field(&request, "DurationSeconds").as_deref(), Some("900"));
    assert!(!response(&request).contains("SessionNotOnOrAfter"));
}

#[test]
fn session_name_tags_and_source_identity_come_from_the_profile() {
    let settings = json!({
        "role_session_name": "nickname",
        "source_identity": "employee",
        "session_tags": { "Team": "department" },
    });
    let mut grant = grant(json!({}));
    for (name, value) in [("nickname", "johndoe"), ("employee", "e-17"), ("department", "Sales: EU")] {
        grant.profile.insert(name.to_owned(), json!(value));
    }
    let response = response(&call(&configure(settings).unwrap(), &grant).unwrap());
    assert!(response.contains(&attribute("RoleSessionName", "johndoe")));
    assert!(response.contains(&attribute("SourceIdentity", "e-17")));
    assert!(response.contains(&attribute("PrincipalTag:Team", "Sales: EU")));
}

#[test]
fn an_address_reaches_aws_only_if_it_is_verified() {
    let settings = [
        json!({ "source_identity": "mail" }),
        json!({ "session_tags": { "Mail": "mail" } }),
        json!({ "role_session_name": "mail" }),
    ];
    for settings in settings {
        let issuer = configure(settings.clone()).unwrap();
        let mut grant = grant(json!({}));
        grant.profile.insert("mail".to_owned(), json!("johndoe@example.com"));
        for flag in [json!(null), json!(false), json!("true"), json!(1)] {
            grant.profile.insert("email_verified".to_owned(), flag);
            match call(&issuer, &grant) {
                // A session can always be named by the user's id.
                Ok(request) => {
                    assert!(settings.get("role_session_name").is_some());
                    assert!(response(&request).contains(&attribute("RoleSessionName", "auth0=7Calice")));
                }
                Err(failure) => assert_eq!(failure.code, FailureCode::AttributeMissing),
            }
        }
        grant.profile.insert("email_verified".to_owned(), json!(true));
        assert!(response(&call(&issuer, &grant).unwrap()).contains("johndoe@example.com"), "{settings}");
    }
}

#[test]
fn a_session_name_that_aws_does_not_accept_is_replaced_by_the_user_id() {
    let mut grant = grant(json!({}));
    grant.profile.insert("rolesessionname".to_owned(), json!("john doe"));
    let response = response(&call(&configure(json!({})).unwrap(), &grant).unwrap());
    assert!(response.contains(&attribute("RoleSessionName", "auth0=7Calice")));
}

#[test]
fn a_session_tag_is_a_text_a_number_or_a_boolean() {
    let tag = |value: Value| {
        let mut grant = grant(json!({}));
        grant.profile.insert("attribute".to_owned(), value);
        let issuer = configure(json!({ "mode": "web_identity", "session_tags": { "Tag": "attribute" } }))?;
        let IssueAnswer::Call { request } = issuer.issue(&grant, &[])? else { unreachable!() };
        let (_, token) = request.body.split_once("WebIdentityToken=").unwrap();
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        Ok::<_, Failure>(claims["https://aws.amazon.com/tags"]["principal_tags"]["Tag"].clone())
    };
    let texts = [
        (json!("Sales"), "Sales"),
        (json!(""), ""),
        (json!(7), "7"),
        (json!(-1.5), "-1.5"),
        (json!(true), "true"),
    ];
    for (value, text) in texts {
        assert_eq!(tag(value).unwrap(), json!([text]));
    }
    let nobody = [
        json!(null),
        json!(["a"]),
        json!({}),
        json!("a\tb"),
        json!("a,b"),
        json!("Ⓐ"),
        json!("x".repeat(257)),
    ];
    for value in nobody {
        let failure = tag(value.clone()).unwrap_err();
        assert_eq!(failure.code, FailureCode::AttributeMissing, "{value}");
        assert!(failure.message.contains("`attribute`"), "{}", failure.message);
    }
}

#[test]
fn a_tag_or_source_identity_without_a_usable_attribute_is_refused() {
    for (setting, value) in [
        (json!({ "session_tags": { "Team": "department" } }), json!(null)),
        (json!({ "session_tags": { "Team": "department" } }), json!("a&b")),
        (json!({ "source_identity": "department" }), json!(null)),
        (json!({ "source_identity": "department" }), json!("a b")),
    ] {
        let mut grant = grant(json!({}));
        grant.profile.insert("department".to_owned(), value);
        let failure = call(&configure(setting).unwrap(), &grant).unwrap_err();
        assert_eq!(failure.code, FailureCode::AttributeMissing);
    }
}

#[test]
fn a_request_cannot_choose_a_role_that_is_not_allowed() {
    let other = "arn:aws:iam::123456789012:role/admin";
    let named = grant(json!({ "role": other }));
    let failure = call(&configure(json!({})).unwrap(), &named).unwrap_err();
    assert_eq!((failure.code, failure.pointer.as_deref()), (FailureCode::ParameterRefused, Some("/role")));
    for allowing in [json!({ "allowed_roles": [other] }), json!({ "allow_any_role": true })] {
        let request = call(&configure(allowing).unwrap(), &named).unwrap();
        assert_eq!(field(&request, "RoleArn").as_deref(), Some(other));
    }
}

#[test]
fn without_a_stored_principal_the_request_must_choose_one() {
    let issuer = configure(json!({ "principal": null })).unwrap();
    assert_eq!(call(&issuer, &grant(json!({}))).unwrap_err().pointer.as_deref(), Some("/principal"));
    assert!(call(&issuer, &grant(json!({ "principal": PRINCIPAL }))).is_ok());
}

#[test]
fn a_web_identity_is_a_jwt_of_the_tenant_with_sts_as_audience() {
    let settings = json!({
        "mode": "web_identity", "principal": null, "region": "eu-west-1",
        "source_identity": "employee", "session_tags": { "Team": "employee" },
    });
    let mut grant = grant(json!({}));
    grant.profile.insert("employee".to_owned(), json!("e-17"));
    let request = call(&configure(settings).unwrap(), &grant).unwrap();
    assert_eq!(request.url, "https://sts.eu-west-1.amazonaws.com/");
    assert_eq!(field(&request, "Action").as_deref(), Some("AssumeRoleWithWebIdentity"));
    assert_eq!(field(&request, "RoleSessionName").as_deref(), Some("auth0=7Calice"));
    assert_eq!(field(&request, "PrincipalArn"), None);
    let token = field(&request, "WebIdentityToken").unwrap();
    let opened = TestKey::rsa().verify_jwt(Algorithm::RS256, &token).unwrap();
    assert_eq!(opened.header["kid"], "tenant-key");
    assert_eq!(
        opened.claims,
        json!({
            "iss": "https://acme.example.com/",
            "sub": "auth0|alice",
            "aud": "sts.amazonaws.com",
            "iat": NOW,
            "exp": NOW + 300,
            "jti": "07".repeat(32),
            "https://aws.amazon.com/source_identity": "e-17",
            "https://aws.amazon.com/tags": { "principal_tags": { "Team": ["e-17"] } },
        })
    );
}

#[test]
fn govcloud_and_china_have_their_own_endpoints_and_sign_in_pages() {
    for (partition, region, url, page) in [
        (
            "aws-us-gov",
            "us-gov-west-1",
            "https://sts.us-gov-west-1.amazonaws.com/",
            "https://signin.amazonaws-us-gov.com/saml",
        ),
        (
            "aws-cn",
            "cn-north-1",
            "https://sts.cn-north-1.amazonaws.com.cn/",
            "https://signin.amazonaws.cn/saml",
        ),
    ] {
        let of = |arn: &str| json!(arn.replace("arn:aws:", &format!("arn:{partition}:")));
        let settings = json!({ "role": of(ROLE), "principal": of(PRINCIPAL), "region": region });
        let request = call(&configure(settings).unwrap(), &grant(json!({}))).unwrap();
        assert_eq!(request.url, url);
        assert!(response(&request).contains(&format!("<saml:Audience>{page}</saml:Audience>")));
        assert_eq!(refused_setting(json!({ "role": of(ROLE), "principal": of(PRINCIPAL) })), "/region");
        assert_eq!(refused_setting(json!({ "region": region })), "/region");
    }
}

#[test]
fn an_endpoint_in_the_settings_is_called_unchanged() {
    let issuer = configure(json!({ "endpoint": "http://127.0.0.1:5000/sts" })).unwrap();
    assert_eq!(call(&issuer, &grant(json!({}))).unwrap().url, "http://127.0.0.1:5000/sts");
    assert_eq!(refused_setting(json!({ "endpoint": "http://sts.example.com/" })), "/endpoint");
}

#[test]
fn stss_answer_becomes_the_object_of_the_aws_sdk() {
    let issued = answered(sts(200, &saml_answer("2030-01-08T19:45:14Z"))).unwrap();
    let Credential::Object(object) = issued.credential else { panic!("an object") };
    assert_eq!(
        Value::Object(object).to_string(),
        json!({
            "ResponseMetadata": { "RequestId": "c6104cbe-af31-11e0-8154-cbc7ccf896c7" },
            "Credentials": {
                "AccessKeyId": "ASIAEXAMPLE",
                "SecretAccessKey": "secret/+&",
                "SessionToken": "AQoD==",
                "Expiration": "2030-01-08T19:45:14.000Z",
            },
            "AssumedRoleUser": {
                "AssumedRoleId": "AROAEXAMPLE:auth0=7Calice",
                "Arn": "arn:aws:sts::123456789012:assumed-role/reader/auth0=7Calice",
            },
            "PackedPolicySize": 6,
            "Subject": "auth0|alice",
            "SubjectType": "persistent",
            "Issuer": "urn:acme.example.com",
            "Audience": "https://signin.aws.amazon.com/saml",
            "NameQualifier": "base64sha1=",
            "SourceIdentity": "alice",
        })
        .to_string()
    );
    assert_eq!(issued.expires_at, Some((NOW + 3600).as_seconds()));
}

#[test]
fn every_form_of_expiration_becomes_utc_with_milliseconds() {
    for (spelling, emitted) in [
        ("2030-01-08T19:45:14.188552Z", "2030-01-08T19:45:14.188Z"),
        ("2030-01-08T19:45:14.188552044+00:00", "2030-01-08T19:45:14.188Z"),
        ("2030-01-08T20:45:14+01:00", "2030-01-08T19:45:14.000Z"),
    ] {
        let Credential::Object(object) = answered(sts(200, &saml_answer(spelling))).unwrap().credential
        else {
            panic!("an object")
        };
        assert_eq!(object["Credentials"]["Expiration"], emitted);
    }
}

#[test]
fn credentials_that_expire_more_than_five_minutes_after_the_grant_are_refused() {
    let late = answered(sts(200, &saml_answer("2030-01-08T19:45:19Z"))).unwrap();
    assert_eq!(late.expires_at, Some((NOW + 3600).as_seconds()));
    for wrong in ["2030-01-08T19:50:15Z", "2030-01-08T18:45:14Z", "2029-01-08T19:45:14Z"] {
        let failure = answered(sts(200, &saml_answer(wrong))).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{wrong}");
    }
}

#[test]
fn an_answer_with_incomplete_credentials_is_a_fault_of_the_upstream() {
    let good = saml_answer("2030-01-08T19:45:14Z");
    for (good_part, bad_part) in [
        ("<AccessKeyId>ASIAEXAMPLE</AccessKeyId>", ""),
        ("<SecretAccessKey>secret/+&amp;</SecretAccessKey>", "<SecretAccessKey></SecretAccessKey>"),
        ("<SessionToken>AQoD==</SessionToken>", ""),
        ("2030-01-08T19:45:14Z", "tomorrow"),
        ("AssumeRoleWithSAMLResult", "AssumeRoleWithWebIdentityResult"),
        ("AssumeRoleWithSAMLResponse", "ErrorResponse"),
        ("<PackedPolicySize>6<", "<PackedPolicySize>many<"),
        ("<AssumeRoleWithSAMLResponse ", "<!DOCTYPE x><AssumeRoleWithSAMLResponse "),
    ] {
        let body = good.replace(good_part, bad_part);
        assert_ne!(body, good);
        let failure = answered(sts(200, &body)).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{bad_part}");
    }
    assert!(answered(sts(200, "")).is_err());
    assert!(answered(sts(200, r#"{"Credentials":{}}"#)).is_err());
}

#[test]
fn of_stss_refusals_only_the_code_is_passed_on() {
    let error = |code: &str| {
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>alice may not assume {ROLE}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
        )
    };
    for (status, code) in [
        (400, "MalformedPolicyDocument"),
        (400, "PackedPolicyTooLarge"),
        (403, "IDPRejectedClaim"),
        (400, "InvalidIdentityToken"),
        (400, "ExpiredTokenException"),
        (403, "RegionDisabledException"),
        (403, "AccessDenied"),
        (400, "ValidationError"),
    ] {
        let failure = answered(sts(status, &error(code))).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamRefused, "{code}");
        assert_eq!(failure.upstream_code.as_deref(), Some(code));
        assert!(!failure.message.contains("alice"), "{}", failure.message);
    }
    for (status, code) in
        [(503, "ServiceUnavailable"), (400, "Throttling"), (400, "IDPCommunicationError"), (429, "Other")]
    {
        let failure = answered(sts(status, &error(code))).unwrap_err();
        assert_eq!((failure.retryable, failure.retry_after_seconds), (true, Some(5)), "{code}");
    }
    for (status, code) in [(400, "Throttled"), (400, "IDPRejectedClaim"), (500, "InternalFailure")] {
        assert_eq!(answered(sts(status, &error(code))).unwrap_err().retry_after_seconds, None, "{code}");
    }
    let failure = answered(sts(403, &error("alice may not"))).unwrap_err();
    assert_eq!((failure.code, failure.upstream_code), (FailureCode::UpstreamRefused, None));
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    assert_eq!(refused_setting(json!({ "role": "reader" })), "/role");
    assert_eq!(refused_setting(json!({ "role": null })), "/role");
    assert_eq!(refused_setting(json!({ "principal": ROLE })), "/principal");
    assert_eq!(refused_setting(json!({ "principal": PRINCIPAL.replace("12:", "13:") })), "/principal");
    assert_eq!(refused_setting(json!({ "allowed_roles": ["admin"] })), "/allowed_roles");
    assert_eq!(
        refused_setting(json!({ "allowed_roles": [ROLE.replace("aws:", "aws-cn:")] })),
        "/allowed_roles"
    );
    assert_eq!(refused_setting(json!({ "region": "eu.west" })), "/region");
    assert_eq!(refused_setting(json!({ "audience": "x" })), "/audience");
    assert_eq!(refused_setting(json!({ "mode": "web_identity", "audience": "" })), "/audience");
    assert_eq!(refused_setting(json!({ "role_session_name": "" })), "/role_session_name");
    assert_eq!(refused_setting(json!({ "source_identity": "" })), "/source_identity");
    assert_eq!(refused_setting(json!({ "session_tags": { "Team": "" } })), "/session_tags");
    assert_eq!(refused_setting(json!({ "session_tags": { "Team": "a", "tEAM": "b" } })), "/session_tags");
    assert_eq!(refused_setting(json!({ "session_tags": { "aws:x": "email" } })), "/session_tags");
    assert_eq!(refused_setting(json!({ "session_tags": { "a&b": "email" } })), "/session_tags");
    let many: Map<String, Value> = (0..51).map(|number| (format!("t{number}"), json!("email"))).collect();
    assert_eq!(refused_setting(json!({ "session_tags": many })), "/session_tags");
    assert!(refused_setting(json!({ "mode": "password" })).contains("password"));
    assert!(refused_setting(json!({ "roles": [] })).contains("unknown field `roles`"));
}

#[test]
fn a_tenant_without_a_signing_key_is_refused() {
    for mode in ["saml", "web_identity"] {
        let settings = json!({ "role": ROLE, "principal": PRINCIPAL, "mode": mode });
        let failure = ReadyIssuer::configure::<Aws>("aws", settings, tenant()).err().unwrap();
        assert_eq!(failure.pointer.as_deref(), Some("/mode"));
    }
}
