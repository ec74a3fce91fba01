//! Whom a management token names, and which are refused: of each that is accepted, its neighbours.

use jsonwebtoken::Algorithm;
use locum_engine::model::ClientAuthentication;
use locum_engine::ports::StoreUnavailable;
use locum_engine::{ManagementActor, ManagementTokenError};
use locum_store::{TenantData, TenantSet};
use locum_testing::{
    ACME, GLOBEX, NOW, ScriptedIssuers, TestEngine, hs256, hs256_by, id_token, rs256, signed_text,
};
use serde_json::json;

use super::{
    AUDIENCE, GLOBEX_KEY, HEADER, KEY, OLD_KEY, caller_at, caller_of, claims, engine, issued, key,
    operator_token, refused, signed,
};

#[test]
fn the_token_of_a_client_names_it_and_its_scopes() {
    let test = engine(|_| {});
    let caller = caller_of(&test, &issued(&test, json!({"scope": "read:users"}))).unwrap();
    assert_eq!(caller.actor(), &ManagementActor::Client { client_id: "worker".to_owned() });
    assert_eq!((caller.subject().as_str(), caller.tenant().domain()), ("worker@clients", ACME));
    assert!(caller.has("read:users") && !caller.has("read:clients") && !caller.has(""));
    assert_eq!(caller.token_id().len(), 32);
}

#[test]
fn nobody_may_grant_what_they_lack() {
    let test = engine(|_| {});
    let caller = caller_of(&test, &issued(&test, json!({}))).unwrap();
    assert!(caller.may_grant(["read:users", "read:clients"]) && caller.may_grant([]));
    assert!(!caller.may_grant(["read:users", "delete:users"]));
    let operator = caller_of(&test, &operator_token(&test, ACME, None)).unwrap();
    assert!(operator.may_grant(["delete:users", "whatever:comes"]));
}

#[test]
fn an_operator_has_all_scopes_or_those_that_were_stated() {
    let test = engine(|_| {});
    let all = caller_of(&test, &operator_token(&test, ACME, None)).unwrap();
    assert_eq!((all.actor(), all.subject().as_str()), (&ManagementActor::Operator, "operator@locum"));
    assert!(all.has("read:users") && all.has("delete:clients"));
    let some = caller_of(&test, &operator_token(&test, ACME, Some("read:users read:clients"))).unwrap();
    assert!(some.has("read:users") && some.has("read:clients") && !some.has("delete:clients"));
    test.clock.advance(299);
    assert!(caller_of(&test, &operator_token(&test, ACME, None)).is_ok());
    test.clock.advance(1);
    assert_eq!(
        caller_of(&test, &operator_token(&test, ACME, None)).unwrap_err(),
        ManagementTokenError::Expired
    );
}

#[test]
fn every_key_of_the_tenant_verifies_and_no_other() {
    let test = engine(|_| {});
    for key in [KEY, OLD_KEY] {
        assert!(caller_of(&test, &hs256_by(key, HEADER, &claims(json!({})))).is_ok());
    }
    let other = hs256_by(GLOBEX_KEY, HEADER, &claims(json!({})));
    assert_eq!(refused(&test, &other), "the management token has a bad signature");
    let rotated = engine(|setup| setup.acme.tenant.management_keys = vec![key(OLD_KEY)]);
    assert_eq!(refused(&rotated, &signed(json!({}))), "the management token has a bad signature");
}

#[test]
fn each_claim_must_be_what_it_is_for() {
    let test = engine(|_| {});
    for changes in [
        json!({}),
        json!({"exp": NOW + 1}),
        json!({"iat": NOW + 60, "nbf": NOW + 60}),
        json!({"scope": null}),
        json!({"scope": ""}),
    ] {
        assert!(caller_of(&test, &signed(changes.clone())).is_ok(), "{changes}");
    }
    for (changes, why) in [
        (json!({"iss": format!("https://{GLOBEX}/")}), "is of another issuer"),
        (json!({"iss": format!("https://{ACME}")}), "is of another issuer"),
        (json!({"iss": null}), "has no iss claim"),
        (json!({"aud": "https://acme.example.com/api/v2"}), "is for another audience"),
        (json!({"aud": format!("https://{GLOBEX}/api/v2/")}), "is for another audience"),
        (json!({"aud": "worker"}), "is for another audience"),
        (json!({"aud": [AUDIENCE]}), "has a aud claim of the wrong type"),
        (json!({"aud": null}), "has no aud claim"),
        (json!({"exp": null}), "has no exp claim"),
        (json!({"exp": (NOW + 60).to_string()}), "has a exp claim of the wrong type"),
        (json!({"iat": null}), "has no iat claim"),
        (json!({"iat": NOW + 61}), "is not valid yet"),
        (json!({"nbf": NOW + 61}), "is not valid yet"),
        (json!({"jti": null}), "has no jti claim"),
        (json!({"scope": ["read:users"]}), "has a scope claim of the wrong type"),
        (json!({"gty": null}), "has no gty claim"),
        (json!({"gty": "password"}), "is neither a client's nor an operator's"),
        (json!({"gty": "locum-operator"}), "is neither a client's nor an operator's"),
        (json!({"azp": null}), "has no azp claim"),
        (json!({"azp": "api"}), "names two clients"),
        (json!({"sub": "worker"}), "names two clients"),
        (json!({"sub": "operator@locum"}), "names two clients"),
        (json!({"azp": "nobody", "sub": "nobody@clients"}), "is of a client that does not exist any more"),
    ] {
        let why = format!("the management token {why}");
        assert_eq!(refused(&test, &signed(changes.clone())), why, "{changes}");
    }
    let expired = caller_of(&test, &signed(json!({"exp": NOW}))).unwrap_err();
    assert_eq!(expired, ManagementTokenError::Expired);
    let operator = json!({"gty": "locum-operator", "sub": "operator@locum", "azp": null});
    assert!(caller_of(&test, &signed(operator)).is_ok());
}

#[test]
fn only_the_algorithm_and_the_type_of_management_tokens_are_read() {
    let test = engine(|_| {});
    let of = |header: &str| refused(&test, &hs256_by(KEY, header, &claims(json!({}))));
    for header in
        [r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"HS256","typ":"dpop+jwt"}"#]
    {
        assert_eq!(of(header), "the management token is of the wrong type", "{header}");
    }
    for alg in ["none", "None", "HS384", "HS512", "RS256", "hs256", ""] {
        let header = json!({"alg": alg, "typ": "at+jwt"}).to_string();
        assert_eq!(of(&header), "the management token has the wrong algorithm", "{alg}");
    }
    let unsigned = signed(json!({})).rsplit_once('.').map(|(message, _)| format!("{message}.")).unwrap();
    assert_eq!(refused(&test, &unsigned), "the management token has a bad signature");
    let header = r#"{"alg":"none","typ":"at+jwt"}"#;
    let unsigned = hs256_by(KEY, header, &claims(json!({}))).rsplit_once('.').unwrap().0.to_owned() + ".";
    assert_eq!(refused(&test, &unsigned), "the management token has the wrong algorithm");
    let by_tenant =
        signed_text(r#"{"alg":"RS256","typ":"at+jwt"}"#, &claims(json!({})).to_string(), Algorithm::RS256);
    assert_eq!(refused(&test, &by_tenant), "the management token has the wrong algorithm");
    for malformed in ["", "a.b.c", "a", &signed(json!({}))[1..]] {
        assert_eq!(refused(&test, malformed), "the management token is malformed", "{malformed}");
    }
}

#[test]
fn a_token_of_a_user_is_no_management_token() {
    let test = engine(|_| {});
    for token in [id_token("worker"), hs256(&claims(json!({}))), rs256(ACME, &claims(json!({})))] {
        assert_eq!(refused(&test, &token), "the management token is of the wrong type");
    }
    // An app token for a target whose secret is the management key, as no tenant file allows: an issuer chooses neither its `aud`
    // nor its type.
    for typ in ["JWT", "at+jwt"] {
        let header = json!({"alg": "HS256", "typ": typ}).to_string();
        let app_token = json!({
            "iss": format!("https://{ACME}/"), "sub": "auth0|alice", "aud": "api", "azp": "worker", "iat": NOW,
            "exp": NOW + 60, "scope": "read:users", "jti": "1", "gty": "client-credentials",
        });
        let why = if typ == "JWT" { "is of the wrong type" } else { "is for another audience" };
        assert_eq!(
            refused(&test, &hs256_by(KEY, &header, &app_token)),
            format!("the management token {why}")
        );
    }
}

#[test]
fn a_token_is_for_the_tenant_of_the_host() {
    let test = engine(|_| {});
    let acme = issued(&test, json!({}));
    assert!(caller_at(&test, ACME, Some(&acme)).is_ok());
    let at_globex = |token: &str| caller_at(&test, GLOBEX, Some(token)).unwrap_err().to_string();
    assert_eq!(at_globex(&acme), "the management token has a bad signature");
    assert_eq!(at_globex(&operator_token(&test, ACME, None)), "the management token has a bad signature");
    // Even if the key were shared, the names decide.
    assert_eq!(
        at_globex(&hs256_by(GLOBEX_KEY, HEADER, &claims(json!({})))),
        "the management token is of another issuer"
    );
    assert!(caller_at(&test, GLOBEX, Some(&operator_token(&test, GLOBEX, None))).is_ok());
    let nowhere = caller_at(&test, "other.example.com", Some(&acme)).unwrap_err();
    assert_eq!(nowhere, ManagementTokenError::NotServed);
}

#[test]
fn on_another_host_the_default_tenant_is_the_one_that_its_domain_names() {
    let test = engine(|setup| setup.acme.is_default = true);
    let caller = caller_at(&test, "192.0.2.1", Some(&issued(&test, json!({})))).unwrap();
    assert_eq!(caller.tenant().domain(), ACME);
    let of_the_host = signed(json!({"iss": "https://192.0.2.1/", "aud": "https://192.0.2.1/api/v2/"}));
    let refusal = caller_at(&test, "192.0.2.1", Some(&of_the_host)).unwrap_err().to_string();
    assert_eq!(refusal, "the management token is of another issuer");
}

#[test]
fn a_tenant_without_keys_and_a_request_without_a_token_are_told_apart() {
    let test = engine(|setup| setup.globex.tenant.management_keys.clear());
    assert_eq!(caller_at(&test, GLOBEX, None).unwrap_err(), ManagementTokenError::NotServed);
    assert_eq!(caller_at(&test, GLOBEX, Some("a.b.c")).unwrap_err(), ManagementTokenError::NotServed);
    assert_eq!(caller_at(&test, ACME, None).unwrap_err(), ManagementTokenError::Missing);
}

/// The engine after a reload, with what is changed in [`ACME`].
fn reloaded(test: &TestEngine, mut acme: TenantData, change: impl FnOnce(&mut TenantData)) {
    change(&mut acme);
    let set = TenantSet::prepare(vec![acme], &ScriptedIssuers::default()).unwrap();
    test.directory.inner().replace(set);
}

#[test]
fn what_is_withdrawn_from_a_client_is_gone_at_once() {
    let mut data = None;
    let test = engine(|setup| data = Some(setup.acme.clone()));
    let (data, token) = (data.unwrap(), issued(&test, json!({})));
    let worker = |data: &mut TenantData, change: &dyn Fn(&mut locum_engine::model::Client)| {
        change(locum_testing::client_of(data, "worker"));
    };
    let now =
        || caller_of(&test, &token).map(|caller| (caller.has("read:users"), caller.has("read:clients")));
    assert_eq!(now(), Ok((true, true)));
    reloaded(&test, data.clone(), |data| {
        worker(data, &|worker| worker.management_scopes.retain(|scope| scope != "read:users"));
    });
    assert_eq!(now(), Ok((false, true)));
    reloaded(&test, data.clone(), |data| worker(data, &|worker| worker.management_scopes.clear()));
    assert_eq!(now(), Ok((false, false)));
    reloaded(&test, data.clone(), |data| {
        worker(data, &|worker| worker.authentication = ClientAuthentication::None);
    });
    assert_eq!(now(), Ok((false, false)));
    reloaded(&test, data.clone(), |data| data.clients.retain(|client| client.id != "worker"));
    assert_eq!(
        now(),
        Err(ManagementTokenError::Invalid("is of a client that does not exist any more".to_owned()))
    );
    // What is granted later is not in the token.
    reloaded(&test, data, |data| {
        worker(data, &|worker| worker.management_scopes.push("delete:users".to_owned()));
    });
    assert!(!caller_of(&test, &token).unwrap().has("delete:users"));
    assert_eq!(now(), Ok((true, true)));
}

#[test]
fn while_the_directory_is_unavailable_nobody_is_known() {
    let unavailable = |why: ManagementTokenError| match why {
        ManagementTokenError::Unavailable(StoreUnavailable(_)) => why.to_string(),
        other => panic!("{other:?}"),
    };
    for port in ["tenant", "client"] {
        let test = engine(|_| {});
        let token = issued(&test, json!({}));
        test.calls.fail_all_of(port);
        assert_eq!(unavailable(caller_of(&test, &token).unwrap_err()), "try again later");
    }
    let test = engine(|_| {});
    let operator = operator_token(&test, ACME, None);
    test.calls.fail_all_of("client");
    assert!(caller_of(&test, &operator).is_ok(), "no client is asked for");
}

#[test]
fn neither_an_error_nor_debug_shows_a_token_or_a_key() {
    let test = engine(|_| {});
    let token = issued(&test, json!({}));
    let shown = |value: &dyn std::fmt::Debug| format!("{value:?}");
    let caller = shown(&caller_of(&test, &token).unwrap());
    let refusal = shown(&caller_of(&test, &format!("{token}x")).unwrap_err());
    for text in [caller, refusal] {
        assert!(!text.contains(KEY) && !text.contains(OLD_KEY) && !text.contains(&token), "{text}");
    }
}
