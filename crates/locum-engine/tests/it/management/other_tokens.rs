//! A management token is no token of a user: each place that takes one refuses it.

use locum_engine::model::{Audiences, ClientAuthentication, FormerIssuer, IssuerKeySource, SecretDigest};
use locum_engine::model::{TokenType, TrustedIssuer};
use locum_engine::{Introspection, IntrospectionRequest, ProfileRequest, RevocationRequest};
use locum_testing::{
    ACME, TestEngine, TestSetup, caller, exchange_with, finished, good_with, id_token, jwk_set, object,
    summary, tenant_at, token_type,
};
use serde_json::{Value, json};

use super::{AUDIENCE, HEADER, KEY, asked, claims, engine, hs256_by, issued, operator_token};

/// An engine where everything is allowed that can be.
fn open_engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    engine(|setup| {
        setup.acme.tenant.delegation.profile_endpoints = true;
        setup.acme.tenant.delegation.rate = locum_testing::bucket_rule(1_000_000, 60);
        change(setup);
    })
}

/// Management tokens of both kinds, and one made as much like the token of a user as the key allows.
fn tokens(test: &TestEngine) -> Vec<String> {
    let alike = claims(json!({"client_id": "caller", "sub": "auth0|alice"}));
    vec![
        issued(test, json!({})),
        operator_token(test, ACME, None),
        hs256_by(KEY, HEADER, &alike),
        hs256_by(KEY, r#"{"alg":"HS256","typ":"JWT"}"#, &alike),
        hs256_by(
            KEY,
            r#"{"alg":"HS256","typ":"JWT"}"#,
            &claims(json!({"aud": "caller", "sub": "auth0|alice"})),
        ),
    ]
}

#[test]
fn it_is_no_subject_token_no_actor_token_and_no_assertion() {
    let test = open_engine(|_| {});
    for token in tokens(&test) {
        for kind in ["id_token", "access_token", "jwt"] {
            let subject = json!({"subject_token": token, "subject_token_type": token_type(kind)});
            let refusal = test.exchange(exchange_with(subject)).summary();
            assert!(refusal.starts_with("400 invalid_grant subject_token "), "{kind}: {refusal}");
            let actor = json!({"actor_token": token, "actor_token_type": token_type(kind)});
            let refusal = test.exchange(exchange_with(actor)).summary();
            assert!(refusal.starts_with("400 invalid_grant actor_token "), "{kind}: {refusal}");
        }
        let refresh = json!({"subject_token": token, "subject_token_type": token_type("refresh_token")});
        assert!(test.exchange(exchange_with(refresh)).summary().starts_with("400 invalid_grant "));
        let assertion = object(json!({
            "client_id": "caller", "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": token,
        }));
        let refusal = test.exchange(assertion).summary();
        assert!(refusal.starts_with("400 invalid_grant assertion "), "{refusal}");
        let refusal = test.delegate(good_with(json!({ "id_token": token }))).summary();
        assert!(refusal.starts_with("400 invalid_grant id_token "), "{refusal}");
    }
    let actor = json!({"actor_token": id_token("caller"), "actor_token_type": token_type("id_token")});
    assert_eq!(test.exchange(exchange_with(actor)).summary(), "issued");
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
}

#[test]
fn it_authenticates_no_client() {
    let test = open_engine(|setup| {
        setup.client("worker").authentication = ClientAuthentication::PrivateKey(jwk_set(ACME));
    });
    let with = |assertion: &str| {
        test.exchange(asked(json!({
            "client_secret": "", "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        })))
    };
    for claims in [
        claims(json!({})),
        claims(json!({"iss": "worker", "sub": "worker", "aud": format!("https://{ACME}/")})),
    ] {
        let refusal = with(&hs256_by(KEY, r#"{"alg":"HS256","typ":"JWT"}"#, &claims)).summary();
        assert_eq!(refusal, "401 invalid_client client_assertion has the wrong algorithm");
    }
}

#[test]
fn it_tells_no_profile() {
    let test = open_engine(|_| {});
    let read = |request: ProfileRequest| {
        let tenant = tenant_at(&*test.directory, ACME);
        let response = finished(test.engine.read_profile(tenant, request, &caller()));
        response.outcome.map(|_| ()).map_err(|refusal| summary(&refusal))
    };
    let by_id_token = |token: &str| {
        let parameters = object(json!({ "id_token": token }));
        read(ProfileRequest::by_id_token((&parameters).into()).unwrap())
    };
    let by_access_token = |token: &str| {
        let nothing = object(json!({}));
        read(ProfileRequest::by_access_token((&nothing).into(), Some(token)).unwrap())
    };
    for token in tokens(&test) {
        let refusal = by_id_token(&token).unwrap_err();
        assert!(refusal.starts_with("401 invalid_token "), "{refusal}");
        let refusal = by_access_token(&token).unwrap_err();
        assert!(refusal.starts_with("401 invalid_token "), "{refusal}");
    }
    assert_eq!((by_id_token(&id_token("caller")), by_access_token(&id_token("caller"))), (Ok(()), Ok(())));
}

#[test]
fn it_is_inactive_and_cannot_be_revoked() {
    let test = open_engine(|setup| {
        setup.client("caller").authentication =
            ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
    });
    let introspected = |client: &str, token: &str| {
        let parameters = object(json!({"client_id": client, "client_secret": "s3cret", "token": token}));
        let request = IntrospectionRequest::parse((&parameters).into(), None).unwrap();
        let tenant = tenant_at(&*test.directory, ACME);
        finished(test.engine.introspect(tenant, request, &caller())).unwrap()
    };
    for token in tokens(&test) {
        for client in ["worker", "caller"] {
            assert_eq!(introspected(client, &token), Introspection::Inactive);
        }
        let parameters = json!({"client_id": "worker", "client_secret": "s3cret", "token": token});
        assert!(RevocationRequest::parse((&object(parameters.clone())).into(), None).is_ok());
        let refusal = test.revoke(parameters).0.unwrap_err();
        assert_eq!(refusal.code(), "unsupported_token_type");
    }
    assert_ne!(introspected("caller", &id_token("caller")), Introspection::Inactive);
}

#[test]
fn no_issuer_that_a_tenant_trusts_is_one_of_management_tokens() {
    let of_acme = format!("https://{ACME}/");
    let user_id = |prefix: &str| format!("{prefix}|{{sub}}").parse().unwrap();
    let exchanged = |change: &dyn Fn(&mut TestSetup)| -> Vec<String> {
        let test = open_engine(|setup| change(setup));
        let token = |changes: Value| hs256_by(KEY, HEADER, &claims(changes));
        ["jwt", "access_token"]
            .into_iter()
            .map(|kind| {
                let changes = json!({"client_id": "caller", "aud": "caller"});
                let subject =
                    json!({"subject_token": token(changes), "subject_token_type": token_type(kind)});
                let tenant = tenant_at(&*test.directory, locum_testing::GLOBEX);
                let parameters = exchange_with(subject);
                let request = locum_engine::TokenRequest::parse((&parameters).into(), None).unwrap();
                let host = locum_engine::Caller { host: locum_testing::GLOBEX.to_owned(), ..caller() };
                let response = finished(test.engine.exchange(tenant, request, &host));
                summary(&response.outcome.unwrap_err())
            })
            .collect()
    };
    // The other tenant of the server trusts this one, by its published keys.
    let trusting = exchanged(&|setup| {
        let keys = IssuerKeySource::Set(jwk_set(ACME));
        let mut issuer = TrustedIssuer::new(of_acme.clone(), keys, user_id("acme"));
        issuer.token_types = vec![TokenType::IdToken, TokenType::AccessToken];
        issuer.audiences = Audiences::Listed(vec!["caller".to_owned(), AUDIENCE.to_owned()]);
        setup.globex.tenant.trusted_issuers.push(issuer);
    });
    assert_eq!(trusting, ["400 invalid_grant subject_token has the wrong algorithm"; 2]);
    let succeeding = exchanged(&|setup| {
        setup.globex.tenant.former_issuers.push(FormerIssuer::new(of_acme.clone(), None));
    });
    assert_eq!(succeeding, ["400 invalid_grant subject_token is of the wrong type"; 2]);
}
