//! Targets: which caller may use which token for which target.

use serde_json::{Value, json};

use locum_testing::{Reply, TestEngine, claims_for, good_with, hs256, id_token};

const UNKNOWN_OR_NOT_ALLOWED: &str = "401 unauthorized the target is unknown or does not allow the client";
const ISSUED_TO_ANOTHER: &str = "400 invalid_grant id_token was issued to another client";

/// An engine with two callers, an open target and one that allows only the caller `a`.
fn engine() -> TestEngine {
    TestEngine::with(|setup| {
        setup.remove_signing_keys();
        setup.client("a");
        setup.client("b");
        setup.client("open");
        setup.client("for-a").allowed_clients = vec!["a".to_owned()];
    })
}

fn delegate(caller: &str, audience: &Value, azp: Option<&str>, target: &str) -> Reply {
    let mut claims = claims_for(caller);
    claims["aud"] = audience.clone();
    if let Some(azp) = azp {
        claims["azp"] = json!(azp);
    }
    engine().delegate(good_with(json!({"client_id": caller, "id_token": hs256(&claims), "target": target})))
}

#[test]
fn a_token_works_for_the_client_it_was_issued_to_at_targets_that_allow_it() {
    let tokens: [(Value, Option<&str>, &[&str]); 8] = [
        // aud, azp, and the callers that the token was issued to
        (json!("a"), None, &["a"]),
        (json!("b"), None, &["b"]),
        (json!(["a"]), None, &["a"]),
        (json!(["a", "b"]), None, &[]),
        (json!(["a", "b"]), Some("a"), &["a"]),
        (json!(["a", "b"]), Some("b"), &["b"]),
        (json!(["b", "open"]), Some("a"), &[]),
        (json!("open"), None, &[]),
    ];
    let mut issued = 0;
    for (audience, azp, holders) in tokens {
        for caller in ["a", "b"] {
            for target in ["a", "b", "open", "for-a"] {
                let reply = delegate(caller, &audience, azp, target);
                let expected = if !holders.contains(&caller) {
                    ISSUED_TO_ANOTHER
                } else if target == "for-a" && caller != "a" {
                    UNKNOWN_OR_NOT_ALLOWED
                } else {
                    issued += 1;
                    "issued"
                };
                assert_eq!(
                    reply.summary(),
                    expected,
                    "{caller} with a token for {audience} {azp:?} at {target}"
                );
            }
        }
    }
    // Three tokens of a at four targets, two of b at three.
    assert_eq!(issued, 18);
}

#[test]
fn the_grant_names_caller_and_target() {
    let test = engine();
    let parameters = json!({"client_id": "a", "id_token": id_token("a"), "target": "for-a"});
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    let grant = test.script.last_grant();
    let named = (grant.client_id.as_str(), grant.target_id.as_str(), grant.user_id.as_str());
    assert_eq!(named, ("a", "for-a", "auth0|alice"));
}

#[test]
fn without_a_target_the_caller_is_the_target() {
    let test = TestEngine::with(|setup| setup.client("caller").allowed_clients = vec!["api".to_owned()]);
    for changes in [json!({}), json!({"target": ""}), json!({"target": "caller"})] {
        assert_eq!(test.delegate(good_with(changes)).summary(), "issued");
        assert_eq!(test.script.last_grant().target_id, "caller");
    }
}

#[test]
fn names_of_targets_and_allowed_clients_match_exactly() {
    for allowed in ["*", "call*", ".*", "CALLER", "caller ", ""] {
        let test = TestEngine::with(|setup| setup.client("api").allowed_clients = vec![allowed.to_owned()]);
        assert_eq!(
            test.delegate(good_with(json!({"target": "api"}))).summary(),
            UNKNOWN_OR_NOT_ALLOWED,
            "{allowed}"
        );
    }
    for target in ["API", "api ", "ap*", "*"] {
        let summary = TestEngine::new().delegate(good_with(json!({"target": target}))).summary();
        assert_eq!(summary, UNKNOWN_OR_NOT_ALLOWED, "{target}");
    }
    let test = TestEngine::with(|setup| setup.client("api").allowed_clients = vec!["caller".to_owned()]);
    assert_eq!(test.delegate(good_with(json!({"target": "api"}))).summary(), "issued");
}
