//! Revocation: upstreams revoke what they issued; a credential that cannot be revoked is refused.

use locum_abi::answer::{Failure, RevokeAnswer};
use locum_abi::manifest::{CredentialForm, Revocation};
use locum_abi::upstream::UpstreamRequest;
use locum_engine::model::{AddOn, ClientAuthentication, SecretDigest, WhenUnavailable};
use locum_engine::ports::IssuerFailure;
use serde_json::{Map, Value, json};

use locum_testing::{
    TestEngine, bucket_rule, claims_for, good_with, hs256, id_token, manifest, rs256, summary,
};

const NOT_REVOCABLE: &str =
    "400 unsupported_token_type this credential cannot be revoked; it lives until it expires";

/// A token in the form of an upstream's.
const OPAQUE: &str = "00D000000000001!AQ4AQFZ8.opaque";

/// Makes the failure of an issuer.
type Failing = fn() -> IssuerFailure;

fn revoke(test: &TestEngine, changes: Value) -> String {
    let mut parameters = json!({"client_id": "storage", "token": OPAQUE});
    for (name, value) in changes.as_object().unwrap() {
        parameters[name] = value.clone();
    }
    test.revoke(parameters).0.map_or_else(|refusal| summary(&refusal), |()| "revoked".to_owned())
}

fn answering(answer: impl Fn() -> Result<RevokeAnswer, IssuerFailure> + Send + Sync + 'static) -> TestEngine {
    let test = TestEngine::new();
    test.script.answers_revocations("salesforce_api", move |_| answer());
    test
}

#[test]
fn jwts_and_signed_urls_cannot_be_revoked_and_no_issuer_is_called() {
    let test = TestEngine::new();
    for token in [
        id_token("caller").as_str(),
        &rs256("acme.example.com", &claims_for("caller")),
        "st=2030-01-08T18%3A45%3A14Z&se=2030-01-08T18%3A50%3A14Z&sp=r&sv=2014-02-14&sr=b&sig=13ABC",
        "https://acme.blob.core.windows.net/photos/a.png?se=2030&sig=13ABC",
        "https://acme.blob.core.windows.net/photos/a.png?sig=13ABC&se=2030",
        "SharedAccessSignature sig=abc%3D&se=1409833600&skn=Policy&sr=http%3A%2F%2Fns",
        "SharedAccessSignature sr=http%3A%2F%2Fns&sig=abc%3D&se=1409833600&skn=Policy",
    ] {
        for client_id in ["storage", "caller"] {
            let parameters = json!({"client_id": client_id, "token": token});
            assert_eq!(revoke(&test, parameters), NOT_REVOCABLE, "{token}");
        }
    }
    assert!(test.script.revocations().is_empty() && test.buckets.requested().is_empty());
}

#[test]
fn a_token_that_only_resembles_a_jwt_is_given_to_the_issuer() {
    let test = answering(|| Ok(RevokeAnswer::Revoked));
    for token in ["a.b.c", "eyJhbGciOiJub25lIn0", "eyJh.b", "x.eyJh.c", "assig=1"] {
        assert_eq!(revoke(&test, json!({"token": token})), "revoked", "{token}");
    }
}

#[test]
fn the_upstream_that_issued_a_token_revokes_it() {
    let test = answering(|| Ok(RevokeAnswer::Revoked));
    assert_eq!(revoke(&test, json!({})), "revoked");
    assert_eq!(revoke(&test, json!({"api_type": "salesforce_api"})), "revoked");
    let revocation = ["salesforce_api", "storage", OPAQUE].map(str::to_owned);
    assert_eq!(test.script.revocations(), [revocation.clone(), revocation]);
}

#[test]
fn an_unknown_token_counts_as_revoked() {
    assert_eq!(revoke(&answering(|| Ok(RevokeAnswer::AlreadyGone)), json!({})), "revoked");
    // A client without a revocable add-on has no token that could be revoked.
    let test = TestEngine::new();
    assert_eq!(revoke(&test, json!({"client_id": "caller"})), "revoked");
    assert!(test.script.revocations().is_empty());
}

#[test]
fn an_api_type_without_upstream_revocation_is_refused() {
    for api_type in ["azure_blob", "aws", "app", "auth0", "firebase", "salesforce"] {
        let test = TestEngine::new();
        assert_eq!(revoke(&test, json!({"api_type": api_type})), NOT_REVOCABLE, "{api_type}");
        assert!(test.script.revocations().is_empty());
    }
    for class in [Revocation::NotRevocable, Revocation::ByKeyRotation, Revocation::Unknown] {
        let test = TestEngine::with(|setup| setup.issuers.manifest("salesforce_api").revocation = class);
        assert_eq!(revoke(&test, json!({"api_type": "salesforce_api"})), NOT_REVOCABLE, "{class:?}");
    }
    assert_eq!(revoke(&answering(|| Ok(RevokeAnswer::NotRevocable)), json!({})), NOT_REVOCABLE);
}

#[test]
fn add_ons_are_called_in_order_until_one_knows_the_token() {
    let test = |first: RevokeAnswer| {
        let test = TestEngine::with(|setup| {
            let mut sandbox = manifest("salesforce_sandbox_api", CredentialForm::Object);
            sandbox.revocation = Revocation::Upstream;
            setup.issuers.load(sandbox);
            let sandbox = AddOn::new("salesforce_sandbox_api", Map::new());
            setup.client("storage").add_ons.push(sandbox);
        });
        test.script.answers_revocations("salesforce_api", move |_| Ok(first.clone()));
        assert_eq!(revoke(&test, json!({})), "revoked");
        test.script.revocations().into_iter().map(|[api_type, ..]| api_type).collect::<Vec<_>>()
    };
    assert_eq!(test(RevokeAnswer::Revoked), ["salesforce_api"]);
    assert_eq!(test(RevokeAnswer::AlreadyGone), ["salesforce_api", "salesforce_sandbox_api"]);
}

#[test]
fn the_refusal_names_the_parameter_at_fault() {
    let test = TestEngine::new();
    let cases = [
        (json!({"client_id": ""}), "400 invalid_request missing client_id parameter"),
        (json!({"token": ""}), "400 invalid_request missing token parameter"),
        (json!({"token": 7}), "400 invalid_request token parameter must be a string"),
        (json!({"client_id": null}), "400 invalid_request missing client_id parameter"),
        (json!({"client_id": false}), "400 invalid_request client_id parameter must be a string"),
        (json!({"api_type": ["app"]}), "400 invalid_request api_type parameter must be a string"),
        (json!({"token": "x".repeat(16 * 1024 + 1)}), "400 invalid_request token is too long"),
        (json!({"client_id": "nobody"}), "401 invalid_client invalid client"),
    ];
    for (changes, expected) in cases {
        assert_eq!(revoke(&test, changes), expected);
    }
    assert_eq!(revoke(&test, json!({"token": "x".repeat(16 * 1024)})), "revoked");
}

#[test]
fn nothing_is_revoked_where_delegation_is_off() {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.enabled = false);
    assert_eq!(revoke(&test, json!({})), "404 not_found delegation is not available here");
}

#[test]
fn failures_of_the_upstream_are_not_reported_as_revoked() {
    let failures: [(Failing, &str); 4] = [
        (
            || IssuerFailure::UpstreamTimedOut(5000),
            "504 temporarily_unavailable the upstream did not answer in time",
        ),
        (
            || IssuerFailure::Failed(Failure::upstream_refused("invalid_client", "prose")),
            "403 access_denied the upstream refused: invalid_client",
        ),
        (
            || IssuerFailure::Failed(Failure::internal("prose")),
            "500 server_error internal error; reference 0000000000000001",
        ),
        (|| IssuerFailure::Hung(1), "504 server_error internal error; reference 0000000000000001"),
    ];
    for (failure, expected) in failures {
        assert_eq!(revoke(&answering(move || Err(failure())), json!({})), expected);
    }
}

#[test]
fn an_answer_outside_the_contract_is_a_fault_of_the_issuer() {
    let request = UpstreamRequest::new("POST", "https://login.salesforce.com/");
    for answer in [RevokeAnswer::Unknown, RevokeAnswer::Call { request }] {
        let refusal = revoke(&answering(move || Ok(answer.clone())), json!({}));
        assert_eq!(refusal, "500 server_error internal error; reference 0000000000000001");
    }
    let refused = TestEngine::with(|setup| {
        setup.issuers.refuses_settings("salesforce_api", Failure::setting("clientid", "clientid is empty"));
    });
    assert_eq!(revoke(&refused, json!({})), "500 server_error internal error; reference 0000000000000001");
}

#[test]
fn revocations_are_rate_limited_per_client_and_apart_from_its_users() {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.rate = bucket_rule(1, 1));
    assert_eq!(revoke(&test, json!({})), "revoked");
    assert_eq!(
        revoke(&test, json!({})),
        "429 too_many_requests rate limit of this client at this address exceeded"
    );
    assert_eq!(test.script.revocations().len(), 1);
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
}

/// A regression: the revocations of a client were counted under an id that a user could have.
#[test]
fn no_user_shares_a_bucket_with_the_revocations_of_a_client() {
    let test = TestEngine::with(|setup| setup.acme.tenant.delegation.rate = bucket_rule(1, 1));
    assert_eq!(revoke(&test, json!({})), "revoked");
    for user_id in ["storage", "Revocations(\"storage\")"] {
        let mut claims = claims_for("caller");
        claims["sub"] = json!(user_id);
        let parameters = good_with(json!({"id_token": hs256(&claims)}));
        assert_eq!(test.delegate(parameters).summary(), "issued");
    }
}

/// A regression: revocations were served uncounted whatever the tenant had chosen, and the event did not show it.
#[test]
fn when_buckets_are_unavailable_the_tenants_choice_applies_to_revocations() {
    let test = |choice| {
        TestEngine::with(|setup| {
            setup.acme.tenant.delegation.when_buckets_unavailable = choice;
            setup.calls.fail_all_of("buckets");
        })
    };
    let parameters = || json!({"client_id": "storage", "token": OPAQUE});
    let (outcome, event) = test(WhenUnavailable::Open).revoke(parameters());
    assert!(outcome.is_ok() && event.uncounted, "{event:?}");
    let closed = test(WhenUnavailable::Closed);
    let (outcome, event) = closed.revoke(parameters());
    assert_eq!(summary(&outcome.unwrap_err()), "503 temporarily_unavailable try again later");
    assert!(!event.uncounted && event.refusal.unwrap().inside.unwrap().contains("db.internal"));
    assert!(closed.script.revocations().is_empty());
}

#[test]
fn the_event_of_a_revocation_names_the_client_and_never_the_token() {
    let (_, event) = answering(|| Ok(RevokeAnswer::Revoked))
        .revoke(json!({"client_id": "storage", "token": OPAQUE, "token_type_hint": "access_token"}));
    assert_eq!((event.code.as_str(), event.client_id.as_deref()), ("srrt", Some("storage")));
    assert_eq!(event.subject_token_sha256, Some(crate::audit::sha256(OPAQUE)));
    assert!(!format!("{event:?}").contains("opaque"));
    let (_, event) = TestEngine::new().revoke(json!({"client_id": "storage", "token": id_token("caller")}));
    assert_eq!((event.code.as_str(), event.refusal.unwrap().status), ("frrt", 400));
}

#[test]
fn a_paused_issuer_is_not_asked_to_revoke() {
    let test = answering(|| Ok(RevokeAnswer::Revoked));
    assert_eq!(revoke(&test, json!({})), "revoked");
    test.script.pauses("salesforce_api");
    assert!(revoke(&test, json!({})).starts_with("503 temporarily_unavailable"));
    assert_eq!(test.script.revocations().len(), 1);
}

#[test]
fn a_client_with_a_secret_must_present_it_to_revoke() {
    let test = TestEngine::with(|setup| {
        setup.acme.tenant.delegation.invalid_token_rate = bucket_rule(3, 1);
        setup.client("storage").authentication =
            ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
    });
    test.script.answers_revocations("salesforce_api", |_| Ok(RevokeAnswer::Revoked));
    let with = |secret: &str| revoke(&test, json!({"client_secret": secret}));
    let needs = "401 invalid_client the client must authenticate by its client_secret";
    assert_eq!(revoke(&test, json!({})), needs);
    assert_eq!(with("s3cret"), "revoked");
    for _ in 0..3 {
        assert_eq!(with("S3cret"), "401 invalid_client invalid client");
    }
    assert!(with("s3cret").starts_with("429 too_many_requests too many wrong secrets"));
    let public = revoke(&TestEngine::new(), json!({"client_secret": "s3cret"}));
    assert_eq!(
        public,
        "401 invalid_client this client does not authenticate; send neither a secret nor an assertion"
    );
}
