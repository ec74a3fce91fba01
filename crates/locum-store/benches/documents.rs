//! Times what a server pays for a client that it has not cached: the client of a document.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use locum_engine::model::Tenant;
use locum_store::documents;

/// As the Management API has a client with two add-ons.
const CLIENT: &str = r#"{"client_id":"shop","name":"Shop","description":"","is_first_party":true,"oidc_conformant":false,
"sso_disabled":false,"cross_origin_auth":false,"callbacks":["https://shop.acme.com/callback","https://shop.acme.com/silent"],
"allowed_origins":["https://shop.acme.com"],"web_origins":["https://shop.acme.com"],"allowed_clients":["orders-api"],
"grant_types":["authorization_code","refresh_token","http://auth0.com/oauth/legacy/grant-type/delegation/id_token"],
"jwt_configuration":{"alg":"HS256","lifetime_in_seconds":36000,"secret_encoded":false},"app_type":"spa",
"token_endpoint_auth_method":"none","client_secret":"uhMTFXvTBBtoHb_uk07CCHWNr6PkF8vpDQpVfjUTz2LAoO7tIJCMHbTvhXQD",
"refresh_token":{"rotation_type":"rotating","expiration_type":"expiring","leeway":0,"token_lifetime":2592000,
"idle_token_lifetime":1296000,"infinite_token_lifetime":false,"infinite_idle_token_lifetime":false},
"client_metadata":{"team":"web","cost_centre":"4711"},"addons":{
"azure_blob":{"accountName":"acmefiles","storageAccessKey":"d1F2ZXJ5IGxvbmcga2V5IG9mIGEgc3RvcmFnZSBhY2NvdW50IGluIGJhc2U2NA==",
"containerName":"invoices","blob_read":true,"blob_write":false,"blob_delete":false,"expiration":5},
"aws":{"principal":"arn:aws:iam::123456789012:saml-provider/locum","role":"arn:aws:iam::123456789012:role/reader",
"lifetime_in_seconds":3600}}}"#;

fn read(criterion: &mut Criterion) {
    let tenant = Tenant::new("acme.example.com");
    documents::client("shop", CLIENT, &tenant).expect("the document is valid");
    criterion.bench_function("client_of_a_document", |bencher| {
        bencher.iter(|| documents::client("shop", black_box(CLIENT), &tenant));
    });
    let user = r#"{"user_id":"auth0|1","email":"a@example.com","email_verified":true,"name":"A","nickname":"a",
"identities":[{"provider":"auth0","user_id":"1","connection":"users","isSocial":false}],"app_metadata":{"roles":["reader"]}}"#;
    documents::user("auth0|1", user).expect("the document is valid");
    criterion.bench_function("user_of_a_document", |bencher| {
        bencher.iter(|| documents::user("auth0|1", black_box(user)));
    });
}

criterion_group!(benches, read);
criterion_main!(benches);
