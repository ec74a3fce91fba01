//! The check of an issuer's credential against the grant: its form and its lifetime.

use locum_abi::answer::{Credential as PluginCredential, Issued as PluginIssued};
use locum_engine::{Credential, Issued};
use serde_json::{Value, json};

use locum_testing::{NOW, Reply, TestEngine, good, good_with, hs256, object};

/// The granted lifetime in these tests, in seconds.
const GRANTED: i64 = 3600;

fn delegate_with(
    api_type: &str,
    credential: PluginCredential,
    issued_at: i64,
    expires_at: Option<i64>,
) -> Reply {
    let test = TestEngine::with(|setup| {
        setup.remove_signing_keys();
        setup.issuers.answers(api_type, move |_, _| {
            Ok(PluginIssued { credential: credential.clone(), issued_at, expires_at })
        });
    });
    test.delegate(good_with(json!({"target": "storage", "api_type": api_type})))
}

/// The internal cause for which a credential was refused. The client does not receive it.
fn refused(reply: &Reply) -> String {
    assert_eq!(reply.summary(), "500 server_error internal error; reference 0000000000000001");
    reply.refusal().inside().unwrap().to_owned()
}

fn jwt(iat: i64, exp: i64) -> Reply {
    delegate_with("app", PluginCredential::Jwt(hs256(&json!({"iat": iat, "exp": exp}))), iat, Some(exp))
}

fn text(issued_at: i64, expires_at: Option<i64>) -> Reply {
    delegate_with("azure_blob", PluginCredential::Text("sig=abc".to_owned()), issued_at, expires_at)
}

fn upstream_object(members: Value) -> Reply {
    delegate_with("aws", PluginCredential::Object(object(members)), NOW, None)
}

#[test]
fn each_form_has_its_own_response() {
    let reply = jwt(NOW, NOW + 600);
    let Issued { credential: Credential::Bearer { expires_in, token }, expires_at, reused: false } =
        reply.issued()
    else {
        panic!("{reply:?}");
    };
    assert_eq!((*expires_in, token.split('.').count(), *expires_at), (600, 3, Some(NOW + 600)));
    let reply = text(NOW, Some(NOW + 600));
    let Credential::Text { member, text } = &reply.issued().credential else { panic!("{reply:?}") };
    assert_eq!((member.as_str(), text.as_str()), ("azure_blob_sas", "sig=abc"));
    let reply = upstream_object(json!({"access_token": "t", "expires_in": "600"}));
    let Credential::Object(members) = &reply.issued().credential else { panic!("{reply:?}") };
    assert_eq!(Value::Object(members.clone()), json!({"access_token": "t", "expires_in": "600"}));
}

#[test]
fn a_credential_may_be_valid_for_less_time_than_granted_but_not_for_more() {
    for seconds in [1, GRANTED - 1, GRANTED] {
        assert_eq!(jwt(NOW, NOW + seconds).summary(), "issued", "{seconds}");
        assert_eq!(text(NOW, Some(NOW + seconds)).summary(), "issued", "{seconds}");
    }
    for seconds in [GRANTED + 1, GRANTED * 1000, i64::MAX - NOW] {
        assert_eq!(refused(&jwt(NOW, NOW + seconds)), "the credential outlives its grant", "{seconds}");
        assert_eq!(
            refused(&text(NOW, Some(NOW + seconds))),
            "the credential outlives its grant",
            "{seconds}"
        );
    }
}

#[test]
fn a_backdated_credential_has_no_longer_lifetime_than_granted() {
    for shift in [1, 299, 300] {
        assert_eq!(refused(&jwt(NOW - shift, NOW + GRANTED)), "the credential outlives its grant");
        assert_eq!(jwt(NOW - shift, NOW - shift + GRANTED).summary(), "issued");
    }
}

/// A regression: `expires_in` was negative for a token that expires before it is issued.
#[test]
fn a_credential_is_issued_now_or_at_most_300_seconds_ago() {
    let not_now = "the issuer states that it issued the credential at another time than now";
    for issued_at in [NOW + 1, NOW + 100, i64::MAX, NOW - 301, 0, i64::MIN] {
        assert_eq!(refused(&jwt(issued_at, NOW + 50)), not_now, "{issued_at}");
        assert_eq!(refused(&text(issued_at, None)), not_now, "{issued_at}");
    }
    assert_eq!(text(NOW - 300, None).summary(), "issued");
}

/// An issuer whose upstream's clock may be half a minute ahead.
fn ahead_of(issued_at: i64, expires_at: i64, skew: u64) -> Reply {
    let test = TestEngine::with(|setup| {
        setup.issuers.manifest("azure_blob").expiry_skew_seconds = skew;
        setup.issuers.answers("azure_blob", move |_, _| {
            let credential = PluginCredential::Text("sig=abc".to_owned());
            Ok(PluginIssued { credential, issued_at, expires_at: Some(expires_at) })
        });
    });
    test.delegate(good_with(json!({"target": "storage", "api_type": "azure_blob"})))
}

#[test]
fn times_may_be_ahead_by_as_much_as_the_manifest_states() {
    let end = NOW + GRANTED;
    for (issued_at, expires_at) in [(NOW, end + 30), (NOW + 30, end + 30), (NOW + 30, NOW + 31)] {
        assert_eq!(ahead_of(issued_at, expires_at, 30).summary(), "issued", "{issued_at} {expires_at}");
    }
    let not_now = "the issuer states that it issued the credential at another time than now";
    assert_eq!(refused(&ahead_of(NOW, end + 31, 30)), "the credential outlives its grant");
    assert_eq!(refused(&ahead_of(NOW - 1, end + 30, 30)), "the credential outlives its grant");
    assert_eq!(refused(&ahead_of(NOW + 31, end, 30)), not_now);
    assert_eq!(refused(&ahead_of(NOW, NOW, 30)), "the credential has already expired");
    assert_eq!(refused(&ahead_of(NOW, end + 1, 0)), "the credential outlives its grant");
    // No manifest gives more than a minute.
    assert_eq!(refused(&ahead_of(NOW, end + 61, 3600)), "the credential outlives its grant");
}

#[test]
fn a_credential_that_has_expired_is_refused() {
    for expires_at in [NOW, NOW - 1, 0, i64::MIN] {
        assert_eq!(refused(&text(NOW - 10, Some(expires_at))), "the credential has already expired");
    }
    assert_eq!(text(NOW - 10, Some(NOW + 1)).summary(), "issued");
}

#[test]
fn an_empty_credential_is_refused() {
    let empty_text = delegate_with("azure_blob", PluginCredential::Text(String::new()), NOW, None);
    assert_eq!(refused(&empty_text), "the credential is empty");
    assert_eq!(refused(&upstream_object(json!({}))), "the credential is empty");
}

#[test]
fn the_times_of_a_token_must_be_those_that_its_issuer_states() {
    let token = |iat: Value, exp: Value| PluginCredential::Jwt(hs256(&json!({"iat": iat, "exp": exp})));
    let stated = |token| delegate_with("app", token, NOW, Some(NOW + 600));
    assert_eq!(stated(token(json!(NOW), json!(NOW + 600))).summary(), "issued");
    let differ = "the token's exp or iat is not what the issuer stated";
    assert_eq!(refused(&stated(token(json!(NOW), json!(NOW + 601)))), differ);
    assert_eq!(refused(&stated(token(json!(NOW - 1), json!(NOW + 600)))), differ);
    let not_a_token = "the token is not a compact JWT";
    assert_eq!(refused(&stated(token(json!(NOW), json!("1900000600")))), not_a_token);
    assert_eq!(refused(&stated(token(json!(NOW), json!(null)))), not_a_token);
    assert_eq!(refused(&stated(token(json!(f64::from(7)), json!(NOW + 600)))), not_a_token);
    for claims in [json!({"iat": NOW}), json!({"exp": NOW + 600}), json!([NOW, NOW + 600])] {
        assert_eq!(refused(&stated(PluginCredential::Jwt(hs256(&claims)))), not_a_token, "{claims}");
    }
}

#[test]
fn a_malformed_jwt_is_refused() {
    let good = hs256(&json!({"iat": NOW, "exp": NOW + 600}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    for token in [
        String::new(),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        message.to_owned(),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{header}..{signature}"),
        // No header; header or signature not in base64url.
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}.not base64url"),
        format!("<b>.{payload}.{signature}"),
    ] {
        let reply = delegate_with("app", PluginCredential::Jwt(token.clone()), NOW, Some(NOW + 600));
        assert_eq!(refused(&reply), "the token is not a compact JWT", "{token}");
    }
    assert_eq!(
        delegate_with("app", PluginCredential::Jwt(good.clone()), NOW, Some(NOW + 600)).summary(),
        "issued"
    );
}

#[test]
fn every_truncated_token_is_refused() {
    let good = hs256(&json!({"iat": NOW, "exp": NOW + 600}));
    for length in 0..=good.rfind('.').unwrap() {
        let reply =
            delegate_with("app", PluginCredential::Jwt(good[..length].to_owned()), NOW, Some(NOW + 600));
        assert_eq!(
            reply.summary(),
            "500 server_error internal error; reference 0000000000000001",
            "{length}"
        );
    }
}

#[test]
fn an_unsigned_token_is_refused() {
    let good = hs256(&json!({"iat": NOW, "exp": NOW + 600}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (_, payload) = message.split_once('.').unwrap();
    // {"alg":"none"}, {"alg":"nOnE"}, {"typ":"JWT"}, ["none"]
    for (header, why) in [
        ("eyJhbGciOiJub25lIn0", "the token is not signed"),
        ("eyJhbGciOiJuT25FIn0", "the token is not signed"),
        ("eyJ0eXAiOiJKV1QifQ", "the token is not a compact JWT"),
        ("WyJub25lIl0", "the token is not a compact JWT"),
    ] {
        let token = PluginCredential::Jwt(format!("{header}.{payload}.{signature}"));
        assert_eq!(refused(&delegate_with("app", token, NOW, Some(NOW + 600))), why, "{header}");
    }
    let unsigned = delegate_with("app", PluginCredential::Jwt(format!("{message}.")), NOW, Some(NOW + 600));
    assert_eq!(refused(&unsigned), "the token is not signed");
}

#[test]
fn a_jwt_must_have_an_expiry_and_other_credentials_need_not() {
    let token = PluginCredential::Jwt(hs256(&json!({"iat": NOW, "exp": NOW + 600})));
    let reply = delegate_with("app", token, NOW, None);
    assert_eq!(refused(&reply), "the issuer does not state when its credential expires");
    assert_eq!(text(NOW, None).summary(), "issued");
    assert_eq!(upstream_object(json!({"access_token": "t"})).issued().expires_at, None);
}

#[test]
fn a_credential_has_the_form_that_the_manifest_declares() {
    let forms = [
        ("app", PluginCredential::Jwt(hs256(&json!({"iat": NOW, "exp": NOW + 600})))),
        ("azure_blob", PluginCredential::Text("sig=abc".to_owned())),
        ("aws", PluginCredential::Object(object(json!({"Credentials": {}})))),
    ];
    for (api_type, _) in &forms {
        for (own, credential) in &forms {
            let reply = delegate_with(api_type, credential.clone(), NOW, Some(NOW + 600));
            if own == api_type {
                assert_eq!(reply.summary(), "issued");
            } else {
                assert_eq!(refused(&reply), "the credential has another form than the manifest declares");
            }
        }
    }
}

/// Clients read any object with a member `error` as a refusal, whatever else it contains (CVE-2026-46405).
#[test]
fn an_object_with_an_error_member_is_refused() {
    assert_eq!(upstream_object(json!({"access_token": "t", "errors": 0})).summary(), "issued");
    for error in [json!("access_denied"), json!(null), json!({})] {
        let reply = upstream_object(json!({"access_token": "t", "error": error}));
        assert_eq!(refused(&reply), "the credential has a member `error`");
    }
}

#[test]
fn the_issuer_receives_the_time_of_the_request_and_fresh_entropy() {
    let test = TestEngine::new();
    let mut entropy = Vec::new();
    for _ in 0..2 {
        assert_eq!(test.delegate(good()).summary(), "issued");
        let context = test.script.last_context();
        assert_eq!(context.now_unix_ms, u64::try_from(NOW).unwrap() * 1000);
        entropy.push(context.entropy);
    }
    assert_ne!(entropy[0], entropy[1]);
}
