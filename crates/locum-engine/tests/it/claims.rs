//! The selected claims: those of the scope, from the token and the stored profile.

use serde_json::{Value, json};

use locum_testing::{TestEngine, TestSetup, claims_for, good_with, hs256, object};

/// The claims that this scope selects for a token with optional claims.
fn selected_by(change: impl FnOnce(&mut TestSetup), scope: &str, target: &str) -> Value {
    let mut claims = claims_for("caller");
    claims["email"] = json!("new@acme.example.com");
    claims["persistent"] = json!({"theme": "dark"});
    claims["nonce"] = json!("n");
    claims["azp"] = json!("caller");
    claims["jti"] = json!("1");
    let test = TestEngine::with(change);
    let parameters = json!({"id_token": hs256(&claims), "scope": scope, "target": target, "api_type": "app"});
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    Value::Object(test.script.last_grant().claims)
}

fn selected(scope: &str) -> Value {
    selected_by(|_| {}, scope, "caller")
}

#[test]
fn openid_alone_and_no_scope_at_all_select_nothing() {
    for scope in ["openid", "", " ", "openid offline_access"] {
        assert_eq!(selected(scope), json!({}), "{scope:?}");
    }
}

#[test]
fn profile_and_email_select_their_standard_claims() {
    assert_eq!(selected("openid profile"), json!({"name": "Alice of acme.example.com", "nickname": "al"}));
    assert_eq!(selected("email"), json!({"email": "new@acme.example.com"}));
}

/// The address and the flag that `email` selects for a stored profile and the claims of a token.
fn email_of(stored: &Value, presented: &Value) -> Value {
    let test = TestEngine::with(|setup| {
        setup.acme.users.get_mut("auth0|alice").unwrap().profile = object(stored.clone());
    });
    let mut claims = claims_for("caller");
    claims.as_object_mut().unwrap().extend(object(presented.clone()));
    for scope in ["email", "email_verified email"] {
        let parameters = json!({"id_token": hs256(&claims), "scope": scope});
        assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    }
    let [by_list, by_word] = test.script.grants().try_into().unwrap();
    assert_eq!(by_list.claims, by_word.claims);
    Value::Object(by_list.claims)
}

#[test]
fn an_address_and_its_verification_come_from_one_source() {
    let stored = json!({"email": "old@acme.example.com", "email_verified": true});
    let new = "new@acme.example.com";
    for (presented, selected) in [
        (json!({}), stored.clone()),
        (json!({"email": new}), json!({"email": new})),
        (json!({"email": new, "email_verified": false}), json!({"email": new, "email_verified": false})),
        (json!({"email": new, "email_verified": true}), json!({"email": new, "email_verified": true})),
        (json!({"email_verified": false}), stored.clone()),
        (json!({"email": null}), json!({"email": null})),
    ] {
        assert_eq!(email_of(&stored, &presented), selected, "{presented}");
    }
    // A flag without an address verifies nothing, and not the address of the other source either.
    for (stored, presented) in
        [(json!({"email_verified": true}), json!({})), (json!({}), json!({"email_verified": true}))]
    {
        assert_eq!(email_of(&stored, &presented), json!({}));
    }
    let unverified = json!({"email": "old@acme.example.com"});
    assert_eq!(email_of(&unverified, &json!({"email_verified": true})), unverified);
}

#[test]
fn only_the_boolean_true_says_verified() {
    let email = "alice@acme.example.com";
    for flag in [json!("true"), json!("false"), json!(1), json!(0), json!(null), json!([true]), json!(false)]
    {
        let claims = json!({"email": email, "email_verified": flag});
        let unverified = json!({"email": email, "email_verified": false});
        assert_eq!(email_of(&claims, &json!({})), unverified, "stored {flag}");
        assert_eq!(email_of(&json!({}), &claims), unverified, "presented {flag}");
    }
    let verified = json!({"email": email, "email_verified": true});
    assert_eq!(email_of(&verified, &json!({})), verified);
    assert_eq!(email_of(&json!({}), &verified), verified);
}

#[test]
fn profile_selects_exactly_the_claims_of_openid_connect() {
    let list = [
        "name",
        "family_name",
        "given_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "updated_at",
    ];
    let others =
        ["email", "email_verified", "phone_number", "address", "app_metadata", "identities", "blocked"];
    let test = TestEngine::with(|setup| {
        let alice = setup.acme.users.get_mut("auth0|alice").unwrap();
        alice.profile = list.iter().chain(&others).map(|name| ((*name).to_owned(), json!(name))).collect();
    });
    assert_eq!(test.delegate(good_with(json!({"scope": "profile"}))).summary(), "issued");
    let selected: Vec<String> = test.script.last_grant().claims.keys().cloned().collect();
    assert_eq!(selected, list);
}

#[test]
fn a_scope_selects_the_attribute_of_its_name_and_an_unknown_scope_nothing() {
    assert_eq!(
        selected("openid favourite_food unknown Favourite_Food favourite_*"),
        json!({"favourite_food": "plum"})
    );
}

#[test]
fn no_scope_selects_a_private_attribute_whatever_is_stored_or_presented() {
    let private = [
        "identities",
        "app_metadata",
        "password",
        "password_hash",
        "passwordHash",
        "access_token",
        "refreshToken",
        "client_secret",
        "api_key",
        "salary",
    ];
    let setup = |setup: &mut TestSetup| {
        setup.acme.tenant.delegation.private_attributes = vec!["salary".parse().unwrap()];
        setup.client("caller").scope_aliases.insert("all".to_owned(), private.map(str::to_owned).into());
        let alice = setup.acme.users.get_mut("auth0|alice").unwrap();
        alice.profile.extend(private.map(|name| (name.to_owned(), json!("canary"))));
    };
    let test = TestEngine::with(setup);
    let mut claims = claims_for("caller");
    claims.as_object_mut().unwrap().extend(private.map(|name| (name.to_owned(), json!("canary"))));
    let every_word = private.join(" ");
    for scope in ["all", "passthrough", &every_word] {
        let parameters = json!({"id_token": hs256(&claims), "scope": scope, "api_type": "app"});
        assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
        assert_eq!(Value::Object(test.script.last_grant().claims), json!({}), "{scope}");
    }
    // Without the tenant's own word, `salary` is an attribute like others.
    assert_eq!(
        selected_by(
            |setup| {
                let alice = setup.acme.users.get_mut("auth0|alice").unwrap();
                alice.profile.insert("salary".to_owned(), json!(7));
            },
            "salary",
            "caller"
        ),
        json!({"salary": 7})
    );
}

#[test]
fn passthrough_selects_claims_of_the_token_and_none_of_the_stored_profile() {
    assert_eq!(
        selected("passthrough"),
        json!({"email": "new@acme.example.com", "persistent": {"theme": "dark"}})
    );
}

#[test]
fn passthrough_selects_no_flag_of_the_stored_address() {
    let mut claims = claims_for("caller");
    claims["email_verified"] = json!(true);
    let test = TestEngine::new();
    let parameters = json!({"id_token": hs256(&claims), "scope": "passthrough"});
    assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
    assert!(test.script.last_grant().claims.is_empty());
}

#[test]
fn no_scope_selects_a_claim_about_the_token_itself() {
    let words = "iss sub aud exp nbf iat jti azp nonce at_hash c_hash act may_act scope client_id auth_time";
    assert_eq!(selected(words), json!({}));
    let aliased = |setup: &mut TestSetup| {
        let claims = ["iss", "sub", "azp", "nonce", "name"].map(str::to_owned).into();
        setup.client("caller").scope_aliases.insert("all".to_owned(), claims);
    };
    assert_eq!(selected_by(aliased, "all", "caller"), json!({"name": "Alice of acme.example.com"}));
}

#[test]
fn an_alias_of_the_target_selects_its_claims_and_one_of_another_client_nothing() {
    let aliased = |setup: &mut TestSetup| {
        let food = vec!["favourite_food".to_owned(), "nickname".to_owned()];
        setup.client("api").scope_aliases.insert("tastes".to_owned(), food);
    };
    assert_eq!(
        selected_by(aliased, "openid tastes", "api"),
        json!({"favourite_food": "plum", "nickname": "al"})
    );
    assert_eq!(selected_by(aliased, "openid tastes", "caller"), json!({}));
}

#[test]
fn an_alias_cannot_redefine_a_standard_scope() {
    let aliased = |setup: &mut TestSetup| {
        for scope in ["openid", "email", "offline_access"] {
            let food = vec!["favourite_food".to_owned()];
            setup.client("caller").scope_aliases.insert(scope.to_owned(), food);
        }
    };
    let email = json!({"email": "new@acme.example.com"});
    assert_eq!(selected_by(aliased, "openid email offline_access", "caller"), email);
}

#[test]
fn a_user_who_is_not_stored_has_the_claims_of_the_token() {
    let stranger = |setup: &mut TestSetup| setup.acme.users.clear();
    assert_eq!(selected_by(stranger, "profile email", "caller"), json!({"email": "new@acme.example.com"}));
}

#[test]
fn the_user_id_is_always_the_subject() {
    let mut claims = claims_for("caller");
    claims["user_id"] = json!("auth0|root");
    let test = TestEngine::new();
    for scope in ["user_id", "passthrough"] {
        let parameters = json!({"id_token": hs256(&claims), "scope": scope});
        assert_eq!(test.delegate(good_with(parameters)).summary(), "issued");
        let grant = test.script.last_grant();
        assert_eq!(Value::Object(grant.claims), json!({"user_id": "auth0|alice"}), "{scope}");
        assert_eq!(grant.user_id, "auth0|alice");
    }
}

#[test]
fn the_scopes_of_the_grant_are_those_of_the_request_without_duplicates() {
    let test = TestEngine::new();
    assert_eq!(test.delegate(good_with(json!({"scope": "  openid b\ta  b "}))).summary(), "issued");
    assert_eq!(test.script.last_grant().scopes, ["openid", "b", "a"]);
    assert_eq!(test.delegate(good_with(json!({}))).summary(), "issued");
    assert_eq!(test.script.last_grant().scopes, ["openid"]);
}
