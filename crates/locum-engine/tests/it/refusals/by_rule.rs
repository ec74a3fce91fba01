//! Refusals by the engine's own rules, in the order of its steps.

use locum_abi::answer::Failure;
use locum_engine::model::{ClientKey, WhenUnavailable};
use serde_json::json;

use super::Counted::{No, Yes};
use super::{INTERNAL, NOTHING, Row};
use locum_testing::{claims_for, hs256};

pub(super) fn parsing() -> Vec<Row> {
    let jwt_bearer =
        "400 unsupported_grant_type grant_type must be urn:ietf:params:oauth:grant-type:jwt-bearer";
    let both = "400 invalid_request send either id_token or refresh_token, not both";
    let no_client = "400 invalid_request missing client_id parameter";
    let no_grant_type = "400 invalid_request missing grant_type parameter";
    let no_token = "400 invalid_request missing id_token parameter";
    vec![
        Row("no client_id", NOTHING, json!({"client_id": ""}), No, no_client),
        Row("no grant_type", NOTHING, json!({"grant_type": ""}), No, no_grant_type),
        Row("no token", NOTHING, json!({"id_token": ""}), No, no_token),
        Row("both tokens", NOTHING, json!({"refresh_token": "r"}), No, both),
        Row("another grant type", NOTHING, json!({"grant_type": "password"}), No, jwt_bearer),
        Row(
            "a parameter of the wrong type",
            NOTHING,
            json!({"scope": false}),
            No,
            "400 invalid_request scope parameter must be a string",
        ),
    ]
}

pub(super) fn authentication() -> Vec<Row> {
    let not_here = "404 not_found delegation is not available here";
    let expired = json!({"id_token": hs256(&json!({"exp": 1, "iat": 0, "sub": "auth0|alice", "aud": "caller",
        "iss": "https://acme.example.com/"}))});
    let mut mallory = claims_for("caller");
    mallory["sub"] = json!("auth0|mallory");
    vec![
        Row(
            "the directory is unavailable",
            |setup| setup.calls.fail_all_of("tenant"),
            json!({}),
            No,
            "503 temporarily_unavailable try again later",
        ),
        Row(
            "an unknown host",
            |setup| setup.acme.tenant.domain = "other.example".to_owned(),
            json!({}),
            No,
            not_here,
        ),
        Row(
            "delegation is disabled",
            |setup| setup.acme.tenant.delegation.enabled = false,
            json!({}),
            No,
            not_here,
        ),
        Row(
            "an unknown client",
            NOTHING,
            json!({"client_id": "nobody"}),
            No,
            "403 unauthorized_client invalid client",
        ),
        Row("an expired token", NOTHING, expired, No, "400 invalid_grant id_token has expired"),
        Row(
            "a client without a key",
            |setup| setup.client("caller").key = ClientKey::None,
            json!({}),
            No,
            "400 invalid_grant id_token has the wrong algorithm",
        ),
        Row(
            "an unknown refresh token",
            NOTHING,
            json!({"id_token": "", "refresh_token": "r"}),
            No,
            "400 invalid_grant unknown or revoked refresh_token",
        ),
        Row(
            "a blocked user",
            NOTHING,
            json!({"id_token": hs256(&mallory)}),
            No,
            "401 unauthorized user is blocked",
        ),
    ]
}

pub(super) fn admission() -> Vec<Row> {
    vec![
        Row(
            "an empty bucket",
            |setup| setup.bucket_is_empty = true,
            json!({}),
            Yes,
            "429 too_many_requests rate limit of this user at this address exceeded",
        ),
        Row(
            "the buckets are unavailable and the tenant refuses then",
            |setup| {
                setup.acme.tenant.delegation.when_buckets_unavailable = WhenUnavailable::Closed;
                setup.calls.fail_all_of("buckets");
            },
            json!({}),
            No,
            "503 temporarily_unavailable try again later",
        ),
    ]
}

pub(super) fn authorization() -> Vec<Row> {
    let no_target = "401 unauthorized the target is unknown or does not allow the client";
    let conformant =
        "403 unauthorized_client OIDC-conformant clients cannot take part in delegation with api_type app";
    let no_firebase = "400 invalid_request api_type firebase is unknown or not enabled on the target";
    let no_blob = "400 invalid_request api_type azure_blob is unknown or not enabled on the target";
    let with_scope = hs256(&{
        let mut claims = claims_for("caller");
        claims["scope"] = json!("openid");
        claims
    });
    vec![
        Row(
            "more scopes than the token has",
            NOTHING,
            json!({"id_token": with_scope, "scope": "email"}),
            Yes,
            "400 invalid_scope more scopes are requested than id_token has",
        ),
        Row(
            "a third-party client",
            |setup| setup.client("caller").is_first_party = false,
            json!({}),
            Yes,
            "403 unauthorized_client third-party clients cannot delegate",
        ),
        Row(
            "a client without the legacy grant",
            |setup| setup.client("caller").grants.id_token = false,
            json!({}),
            Yes,
            "403 unauthorized_client the legacy delegation grant for id_token is not allowed for the client",
        ),
        Row("an unknown target", NOTHING, json!({"target": "nobody"}), Yes, no_target),
        Row(
            "a target that does not allow the client",
            |setup| setup.client("api").allowed_clients = vec!["storage".to_owned()],
            json!({"target": "api"}),
            Yes,
            no_target,
        ),
        Row("an unknown api_type", NOTHING, json!({"api_type": "firebase"}), Yes, no_firebase),
        Row("an add-on that is not enabled", NOTHING, json!({"api_type": "azure_blob"}), Yes, no_blob),
        Row(
            "an add-on whose plugin is not loaded",
            |setup| setup.issuers.unload("azure_blob"),
            json!({"target": "storage", "api_type": "azure_blob"}),
            Yes,
            no_blob,
        ),
        Row(
            "a conformant client",
            |setup| setup.client("caller").oidc_conformant = true,
            json!({"target": "api"}),
            Yes,
            conformant,
        ),
        Row(
            "a conformant target",
            |setup| setup.client("api").oidc_conformant = true,
            json!({"target": "api"}),
            Yes,
            conformant,
        ),
    ]
}

/// Refusals after the add-on is chosen: its settings, the lifetime, and the issuer's parameters.
pub(super) fn readiness() -> Vec<Row> {
    vec![
        Row(
            "refused settings",
            |setup| setup.issuers.refuses_settings("app", Failure::setting("alg", "no such algorithm")),
            json!({}),
            Yes,
            INTERNAL,
        ),
        Row(
            "a ceiling below the issuer's minimum",
            |setup| setup.acme.tenant.delegation.lifetime_ceiling_seconds = Some(299),
            json!({}),
            Yes,
            INTERNAL,
        ),
        Row(
            "a subject token that expires too soon",
            |setup| {
                setup.acme.tenant.delegation.cap_to_subject_exp = true;
                setup.issuers.manifest("app").lifetime.minimum_seconds = 301;
            },
            json!({}),
            Yes,
            "400 invalid_grant id_token expires too soon for this api_type",
        ),
        Row(
            "a parameter in two spellings",
            |setup| {
                setup.issuers.manifest("app").parameters_schema = json!({"properties": {"blobName": {}}});
            },
            json!({"blobName": "a", "blob_name": "a"}),
            Yes,
            "400 invalid_request send either blobName or blob_name, not both",
        ),
    ]
}
