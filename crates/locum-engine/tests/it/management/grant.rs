//! Who gets a management token by `client_credentials`, and for what.

use locum_engine::model::ClientAuthentication;
use locum_engine::{AuditCode, CLIENT_CREDENTIALS, Credential};
use locum_testing::{ACME, GLOBEX, NOW, TestEngine, bucket_rule, jwk_set, rs256};
use serde_json::{Value, json};

use super::{AUDIENCE, asked, caller_of, engine, issued, key};

fn summary(test: &TestEngine, changes: Value) -> String {
    test.exchange(asked(changes)).summary()
}

fn decoded(token: &str) -> (Value, Value) {
    use base64::Engine as _;
    let part = |index: usize| {
        let part = token.split('.').nth(index).unwrap();
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    (part(0), part(1))
}

#[test]
fn a_client_that_authenticates_gets_all_scopes_of_its_grant_for_a_day() {
    let test = engine(|_| {});
    let reply = test.exchange(asked(json!({})));
    let answer = reply.issued();
    let scope = "read:users update:users read:clients";
    assert_eq!((answer.expires_in, answer.scope.as_deref()), (Some(86_400), Some(scope)));
    assert!(answer.issued_token_type.is_none() && answer.refresh_token.is_none());
    let Credential::Bearer { token, expires_in: 86_400 } = &answer.issued.credential else {
        panic!("it is a token for a day")
    };
    let (header, claims) = decoded(token);
    assert_eq!(header, json!({"alg": "HS256", "typ": "at+jwt"}));
    assert_eq!(
        claims,
        json!({
            "iss": "https://acme.example.com/", "sub": "worker@clients", "aud": AUDIENCE, "iat": NOW,
            "exp": NOW + 86_400, "azp": "worker", "gty": "client-credentials", "scope": scope, "jti": claims["jti"],
        })
    );
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    let second = decoded(&issued(&test, json!({}))).1;
    assert_ne!(second["jti"], claims["jti"]);
    assert_eq!(reply.response.rate, None);
    assert!(!format!("{answer:?}").contains(token.as_str()));
}

#[test]
fn fewer_scopes_can_be_requested_and_no_others() {
    let test = engine(|_| {});
    for (scope, granted) in [
        ("read:users", "read:users"),
        ("read:clients  read:users", "read:clients read:users"),
        ("read:users read:users", "read:users"),
    ] {
        let reply = test.exchange(asked(json!({"scope": scope})));
        assert_eq!(reply.issued().scope.as_deref(), Some(granted));
        assert_eq!(reply.event.scope.as_deref(), Some(granted));
    }
    let refusal = "400 invalid_scope scope must consist of words of the client's grant";
    for scope in ["delete:users", "read:users delete:users", "READ:users", "read:user", " "] {
        assert_eq!(summary(&test, json!({"scope": scope})), refusal, "{scope}");
    }
}

#[test]
fn only_the_audience_of_the_tenant_is_served() {
    let test = engine(|_| {});
    let refusal = format!("400 invalid_target audience must be {AUDIENCE}");
    for audience in [
        "https://acme.example.com/api/v2",
        "https://ACME.example.com/api/v2/",
        "http://acme.example.com/api/v2/",
        "https://globex.example.com/api/v2/",
        "https://acme.example.com/",
        "worker",
        "api",
    ] {
        assert_eq!(summary(&test, json!({"audience": audience})), refusal, "{audience}");
    }
    assert_eq!(summary(&test, json!({"audience": ""})), "400 invalid_request missing audience parameter");
}

#[test]
fn a_public_client_and_one_without_a_grant_get_none() {
    let test = engine(|setup| {
        setup.client("worker").authentication = ClientAuthentication::None;
    });
    let public =
        "400 unauthorized_client only a client that authenticates can use this grant_type; this one does not";
    assert_eq!(summary(&test, json!({"client_secret": ""})), public);
    assert_eq!(
        summary(&test, json!({})),
        "401 invalid_client this client does not authenticate; send neither a secret nor an assertion"
    );
    let test = engine(|setup| setup.client("worker").management_scopes.clear());
    let without = "400 unauthorized_client the client has no grant for the Management API";
    assert_eq!(summary(&test, json!({})), without);
    assert_eq!(summary(&test, json!({"scope": "read:users"})), without);
    assert_eq!(summary(&engine(|_| {}), json!({"client_id": "nobody"})), "401 invalid_client invalid client");
}

#[test]
fn a_client_must_authenticate_and_wrong_secrets_are_limited() {
    let test = engine(|setup| setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(2, 1));
    assert_eq!(
        summary(&test, json!({"client_secret": ""})),
        "401 invalid_client the client must authenticate by its client_secret"
    );
    for _ in 0..2 {
        let refused = summary(&test, json!({"client_secret": "s3cres"}));
        assert_eq!(refused, "401 invalid_client invalid client");
    }
    let limited = summary(&test, json!({}));
    assert!(limited.starts_with("429 too_many_requests too many wrong secrets for this client"), "{limited}");
    test.clock.advance(60);
    assert_eq!(summary(&test, json!({})), "issued");
}

#[test]
fn a_client_with_keys_signs_an_assertion() {
    let test = engine(|setup| {
        setup.client("worker").authentication = ClientAuthentication::PrivateKey(jwk_set(ACME));
    });
    let assertion = |domain: &str| {
        let claims = json!({
            "iss": "worker", "sub": "worker", "aud": "https://acme.example.com/", "exp": NOW + 60, "jti": domain,
        });
        json!({
            "client_secret": "", "client_assertion": rs256(domain, &claims),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        })
    };
    assert_eq!(summary(&test, assertion(ACME)), "issued");
    let again = summary(&test, assertion(ACME));
    assert!(again.starts_with("401 invalid_client client_assertion was used before"), "{again}");
    let other = summary(&test, assertion(GLOBEX));
    assert_eq!(other, "401 invalid_client client_assertion is signed with an unknown key");
    assert!(
        summary(&test, json!({})).starts_with("401 invalid_client the client must authenticate by a client")
    );
}

#[test]
fn a_tenant_without_keys_does_not_have_the_grant() {
    let test = engine(|setup| setup.acme.tenant.management_keys.clear());
    assert_eq!(
        summary(&test, json!({})),
        "400 unsupported_grant_type client_credentials is not supported: this tenant has no management keys"
    );
    let disabled = |keys: &[&str]| {
        let keys = keys.iter().map(|text| key(text)).collect();
        let test = engine(|setup| {
            setup.acme.tenant.management_keys = keys;
            setup.acme.tenant.delegation.enabled = false;
        });
        summary(&test, json!({}))
    };
    assert_eq!(disabled(&[]), "404 not_found delegation is not available here");
    assert_eq!(disabled(&[super::KEY]), "issued", "who switches delegation off can switch it on again");
}

#[test]
fn the_first_key_signs() {
    let test = engine(|setup| setup.acme.tenant.management_keys.reverse());
    let (header, claims) = decoded(&issued(&test, json!({})));
    let expected = super::hs256_by(super::OLD_KEY, super::HEADER, &claims);
    assert_eq!(header["alg"], "HS256");
    let caller = caller_of(&test, &expected).unwrap();
    assert_eq!(caller.token_id(), claims["jti"]);
}

#[test]
fn the_event_names_the_client_the_audience_and_the_granted_scopes() {
    let test = engine(|_| {});
    let event = test.exchange(asked(json!({"scope": "read:users"}))).event;
    assert_eq!(event.code, AuditCode::ClientCredentials);
    assert_eq!((event.tenant.as_deref(), event.client_id.as_deref()), (Some(ACME), Some("worker")));
    assert_eq!((event.target.as_deref(), event.scope.as_deref()), (Some(AUDIENCE), Some("read:users")));
    assert_eq!(
        (event.expires_at, event.user_id, event.subject_token_sha256),
        (Some(NOW + 86_400), None, None)
    );
    let event = test.exchange(asked(json!({"scope": "delete:users"}))).event;
    assert_eq!(event.code, AuditCode::ClientCredentialsFailure);
    assert_eq!((event.scope.as_deref(), event.expires_at), (Some("delete:users"), None));
    assert_eq!(event.refusal.unwrap().code, "invalid_scope");
}

#[test]
fn a_token_that_would_be_too_long_is_not_issued() {
    let words = |count: usize| -> Vec<String> { (0..count).map(|n| format!("read:things_{n:05}")).collect() };
    // Three quarters of 16 KiB are the claims.
    for (count, outcome) in
        [(640, "issued"), (700, "400 invalid_scope the token would be too long; ask for fewer scopes")]
    {
        let test = engine(|setup| setup.client("worker").management_scopes = words(count));
        assert_eq!(summary(&test, json!({})), outcome, "{count}");
        if outcome == "issued" {
            assert!(caller_of(&test, &issued(&test, json!({}))).unwrap().has("read:things_00639"));
        }
        assert_eq!(summary(&test, json!({"scope": "read:things_00007"})), "issued");
    }
}

#[test]
fn whichever_port_fails_no_token_is_issued() {
    let mut outcomes = Vec::new();
    for n in 1.. {
        let test = engine(|_| {});
        test.calls.fail_nth(n);
        let reply = test.exchange(asked(json!({})));
        let made = test.calls.made();
        let Err(refusal) = &reply.response.outcome else {
            assert_eq!(made.len(), n - 1, "a call failed without a refusal: {made:?}");
            break;
        };
        outcomes.push(format!("{} {}", made[n - 1], refusal.status()));
    }
    assert_eq!(outcomes, ["tenant 503", "client 503"]);
    let test = engine(|_| {});
    test.sink.fail();
    let tenant = locum_testing::tenant_at(&*test.directory, ACME);
    let request = locum_engine::TokenRequest::parse((&asked(json!({}))).into(), None).unwrap();
    assert_eq!(request.client_id(), "worker");
    let response = locum_testing::finished(test.engine.exchange(tenant, request, &locum_testing::caller()));
    assert_eq!(
        locum_testing::summary(&response.outcome.unwrap_err()),
        "503 temporarily_unavailable the audit log is unavailable; try again"
    );
}

#[test]
fn the_grant_is_named_among_those_that_are_supported() {
    let refusal = engine(|_| {}).exchange(asked(json!({"grant_type": "password"}))).summary();
    assert!(refusal.ends_with(&format!("refresh_token or {CLIENT_CREDENTIALS}")), "{refusal}");
}
