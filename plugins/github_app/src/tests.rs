//! The api_type through the messages that a host sends: settings, calls to GitHub, and its answers.

use locum_plugin::abi::answer::{FailureCode, Issued};
use locum_plugin::abi::grant::Grant;
use locum_plugin::prelude::{
    Credential, Failure, IssueAnswer, RevokeAnswer, UpstreamReply, UpstreamRequest, Value, json, serde_json,
};
use locum_plugin::signing::Algorithm;
use locum_plugin::testing::{NOW, ReadyIssuer, TestKey, grant, tenant};

use crate::GithubApp;

const TOKEN: &str = "ghs_16C7e42F292c6912E7710c838347Ae178B4a";
const VERSION: (&str, &str) = ("x-github-api-version", "2022-11-28");
const MEDIA_TYPE: (&str, &str) = ("accept", "application/vnd.github+json");

fn settings(changes: Value) -> Value {
    let mut settings = json!({
        "client_id": "Iv23liAbCd", "private_key": TestKey::rsa().private_key_pem(), "installation_id": 4711,
        "repositories": ["web", "api"], "permissions": { "contents": "write", "issues": "read" },
    });
    for (name, value) in changes.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn configure(changes: Value) -> Result<ReadyIssuer, Failure> {
    ReadyIssuer::configure::<GithubApp>("github_app", settings(changes), tenant())
}

fn refused_setting(changes: Value) -> String {
    let failure = configure(changes).err().expect("the settings are refused");
    assert_eq!(failure.code, FailureCode::SettingsRefused);
    failure.pointer.unwrap_or(failure.message)
}

fn hour(parameters: Value) -> Grant {
    let mut grant = grant(parameters);
    grant.lifetime_seconds = 3600;
    grant
}

fn call(changes: Value, parameters: Value) -> Result<UpstreamRequest, Failure> {
    match configure(changes).unwrap().issue(&hour(parameters), &[])? {
        IssueAnswer::Call { request } => Ok(request),
        other => panic!("a call was expected, not {other:?}"),
    }
}

fn body(changes: Value, parameters: Value) -> Value {
    serde_json::from_str(&call(changes, parameters).unwrap().body).unwrap()
}

fn refused_parameter(changes: Value, parameters: Value) -> String {
    call(changes, parameters).unwrap_err().pointer.unwrap()
}

fn answered(reply: &UpstreamReply) -> Result<Issued, Failure> {
    configure(json!({})).unwrap().drive(&hour(json!({})), |_| reply.clone())
}

fn answer(changes: Value) -> UpstreamReply {
    let mut answer = json!({ "token": TOKEN, "expires_at": "2030-01-08T19:45:14Z" });
    for (name, value) in changes.as_object().unwrap() {
        answer[name] = value.clone();
    }
    UpstreamReply::new(201, answer.to_string())
}

fn refused(status: u16, headers: &[(&str, &str)]) -> UpstreamReply {
    let mut reply = UpstreamReply::new(status, r#"{"message":"web of acme","status":"x"}"#);
    reply.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    reply
}

#[test]
fn the_app_asks_for_a_token_with_a_jwt_that_is_backdated_by_a_minute() {
    let request = call(json!({}), json!({})).unwrap();
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", "https://api.github.com/app/installations/4711/access_tokens")
    );
    let (name, bearer) = request.headers.last().unwrap();
    let jwt = bearer.strip_prefix("Bearer ").filter(|_| name == "authorization").unwrap();
    let headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(headers[..3], [("content-type", "application/json"), MEDIA_TYPE, VERSION]);
    let opened = TestKey::rsa().verify_jwt(Algorithm::RS256, jwt).unwrap();
    assert_eq!(opened.header, json!({ "typ": "JWT", "alg": "RS256" }));
    assert_eq!(opened.claims, json!({ "iss": "Iv23liAbCd", "iat": NOW + -60, "exp": NOW + 300 }));
}

#[test]
fn the_token_is_for_the_repositories_and_permissions_of_the_settings() {
    assert_eq!(
        body(json!({}), json!({})),
        json!({ "repositories": ["web", "api"], "permissions": { "contents": "write", "issues": "read" } })
    );
    assert_eq!(
        body(json!({ "repositories": [], "all_repositories": true }), json!({})),
        json!({ "permissions": { "contents": "write", "issues": "read" } })
    );
}

#[test]
fn a_request_chooses_less_and_never_more() {
    assert_eq!(
        body(json!({}), json!({ "github_repositories": "api", "github_permissions": "contents:read" })),
        json!({ "repositories": ["api"], "permissions": { "contents": "read" } })
    );
    let all = || json!({ "repositories": [], "all_repositories": true });
    assert_eq!(body(all(), json!({ "github_repositories": "docs" }))["repositories"], json!(["docs"]));
    for repositories in ["", "docs", "web docs", "acme/web"] {
        let parameters = json!({ "github_repositories": repositories });
        assert_eq!(refused_parameter(json!({}), parameters), "/github_repositories", "{repositories}");
    }
    for permissions in ["", "contents:admin", "issues:write", "secrets:read", "contents"] {
        let parameters = json!({ "github_permissions": permissions });
        assert_eq!(refused_parameter(json!({}), parameters), "/github_permissions", "{permissions}");
    }
}

#[test]
fn another_api_can_be_set() {
    let changes = json!({ "endpoint": "https://github.example.com/api/v3/" });
    assert_eq!(
        call(changes.clone(), json!({})).unwrap().url,
        "https://github.example.com/api/v3/app/installations/4711/access_tokens"
    );
    let RevokeAnswer::Call { request } = configure(changes).unwrap().revoke(TOKEN, &[]).unwrap() else {
        panic!("a call was expected")
    };
    assert_eq!(request.url, "https://github.example.com/api/v3/installation/token");
}

#[test]
fn githubs_answer_becomes_a_token_response_without_the_list_of_repositories() {
    let reply = answer(json!({
        "permissions": { "contents": "write", "metadata": "read" },
        "repository_selection": "selected",
        "repositories": [{ "id": 1, "full_name": "acme/web" }],
    }));
    let issued = answered(&reply).unwrap();
    let Credential::Object(object) = issued.credential else { panic!("an object") };
    assert_eq!(
        Value::Object(object).to_string(),
        json!({
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 3600,
            "permissions": { "contents": "write", "metadata": "read" },
            "repository_selection": "selected",
        })
        .to_string()
    );
    assert_eq!(issued.expires_at, Some((NOW + 3600).as_seconds()));
}

#[test]
fn tokens_of_both_formats_are_passed_on() {
    for token in [TOKEN, "ghs_4711_eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln-_"] {
        assert!(answered(&answer(json!({ "token": token }))).is_ok(), "{token}");
    }
}

#[test]
fn an_answer_without_a_token_and_its_expiry_is_a_fault_of_github() {
    for changes in [
        json!({ "token": "" }),
        json!({ "token": "ghs_" }),
        json!({ "token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a" }),
        json!({ "token": "ghs_a b" }),
        json!({ "token": 7 }),
        json!({ "expires_at": null }),
        json!({ "expires_at": "soon" }),
        json!({ "expires_at": 1_894_131_914 }),
    ] {
        let failure = answered(&answer(changes.clone())).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{changes}");
    }
    for (status, body) in [(201, ""), (201, "[]"), (200, r#"{"token":"ghs_x"}"#), (204, "")] {
        let failure = answered(&UpstreamReply::new(status, body)).unwrap_err();
        assert_eq!(failure.code, FailureCode::UpstreamNonsense, "{status}");
    }
}

#[test]
fn of_githubs_refusals_the_status_is_passed_on_and_never_the_text() {
    for (status, code) in [(401, "401"), (403, "403"), (404, "404"), (422, "422")] {
        let failure = answered(&refused(status, &[])).unwrap_err();
        assert_eq!(
            (failure.code, failure.upstream_code.as_deref()),
            (FailureCode::UpstreamRefused, Some(code))
        );
        assert!(!failure.message.contains("acme"));
    }
    for status in [400, 500, 502] {
        assert_eq!(
            answered(&refused(status, &[])).unwrap_err().code,
            FailureCode::UpstreamNonsense,
            "{status}"
        );
    }
}

#[test]
fn a_rate_limit_is_told_with_the_time_to_wait() {
    let reset = (NOW + 90).as_seconds().to_string();
    let past = (NOW + -1).as_seconds().to_string();
    let late = (NOW + 90_000).as_seconds().to_string();
    for (status, headers, seconds) in [
        (429, vec![], 5),
        (403, vec![("retry-after", "30")], 30),
        (403, vec![("x-ratelimit-remaining", "0")], 5),
        (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset.as_str())], 90),
        (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", past.as_str())], 5),
        (429, vec![("x-ratelimit-reset", late.as_str())], 3600),
        (429, vec![("retry-after", "30"), ("x-ratelimit-reset", reset.as_str())], 30),
        (503, vec![("retry-after", "7")], 7),
    ] {
        let failure = answered(&refused(status, &headers)).unwrap_err();
        assert_eq!(failure.retry_after_seconds, Some(seconds), "{headers:?}");
    }
    let failure = answered(&refused(403, &[("x-ratelimit-remaining", "1")])).unwrap_err();
    assert_eq!(failure.code, FailureCode::UpstreamRefused);
}

#[test]
fn a_token_is_revoked_by_itself() {
    let RevokeAnswer::Call { request } = configure(json!({})).unwrap().revoke(TOKEN, &[]).unwrap() else {
        panic!("a call was expected")
    };
    assert_eq!(
        (request.method.as_str(), request.url.as_str(), request.body.as_str()),
        ("DELETE", "https://api.github.com/installation/token", "")
    );
    let bearer = format!("Bearer {TOKEN}");
    let headers = [MEDIA_TYPE, VERSION, ("authorization", bearer.as_str())];
    assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn the_answer_to_a_revocation_is_githubs() {
    let revoke = |reply| configure(json!({})).unwrap().revoke(TOKEN, &[reply]);
    assert_eq!(revoke(UpstreamReply::new(204, "")), Ok(RevokeAnswer::Revoked));
    assert_eq!(revoke(refused(401, &[])), Ok(RevokeAnswer::AlreadyGone));
    assert_eq!(revoke(refused(403, &[])).unwrap_err().code, FailureCode::UpstreamRefused);
    assert_eq!(revoke(refused(403, &[("retry-after", "9")])).unwrap_err().retry_after_seconds, Some(9));
    for status in [200, 302, 500] {
        assert_eq!(revoke(refused(status, &[])).unwrap_err().code, FailureCode::UpstreamNonsense, "{status}");
    }
}

#[test]
fn a_token_of_another_issuer_is_never_sent_to_github() {
    let long = format!("ghs_{}", "x".repeat(4093));
    for other in ["", "ghs_", "ghp_abc", "gho_abc", "ghs_a b", "ghs_a\r\nx: y", "ghs_\u{e4}", "00D!x", &long]
    {
        assert_eq!(
            configure(json!({})).unwrap().revoke(other, &[]),
            Ok(RevokeAnswer::AlreadyGone),
            "{other}"
        );
    }
}

#[test]
fn unusable_settings_are_refused_when_the_issuer_is_configured() {
    for (name, value) in [
        ("client_id", json!("")),
        ("client_id", json!("a b")),
        ("client_id", json!("a".repeat(65))),
        ("permissions", json!({})),
        ("permissions", json!({ "Contents": "read" })),
        ("repositories", json!([])),
        ("repositories", json!(["acme/web"])),
        ("all_repositories", json!(true)),
        ("endpoint", json!("http://github.example.com/api/v3")),
    ] {
        assert_eq!(refused_setting(json!({ name: value })), format!("/{name}"), "{value}");
    }
    assert!(refused_setting(json!({ "permissions": { "contents": "all" } })).contains("all"));
    assert!(refused_setting(json!({ "owner": "acme" })).contains("unknown field `owner`"));
}
