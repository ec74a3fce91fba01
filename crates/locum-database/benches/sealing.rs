//! Times what a client that is not cached, or is written, pays for its secrets at rest.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use locum_database::sealing::{MasterKeys, Row, new_master_key_line, open, seal};
use locum_store::documents::Document;

/// As the Management API has a client with two add-ons.
const CLIENT: &str = r#"{"client_id":"shop","name":"Shop","is_first_party":true,"oidc_conformant":false,
"callbacks":["https://shop.acme.com/callback","https://shop.acme.com/silent"],"allowed_origins":["https://shop.acme.com"],
"grant_types":["authorization_code","refresh_token","http://auth0.com/oauth/legacy/grant-type/delegation/id_token"],
"jwt_configuration":{"alg":"HS256","lifetime_in_seconds":36000,"secret_encoded":false},"app_type":"spa",
"token_endpoint_auth_method":"none","client_secret":"uhMTFXvTBBtoHb_uk07CCHWNr6PkF8vpDQpVfjUTz2LAoO7tIJCMHbTvhXQD",
"client_metadata":{"team":"web","cost_centre":"4711"},"addons":{
"azure_blob":{"accountName":"acmefiles","storageAccessKey":"d1F2ZXJ5IGxvbmcga2V5IG9mIGEgc3RvcmFnZSBhY2NvdW50IGluIGJhc2U2NA==",
"containerName":"invoices","blob_read":true,"blob_write":false,"blob_delete":false,"expiration":5},
"aws":{"principal":"arn:aws:iam::123456789012:saml-provider/locum","role":"arn:aws:iam::123456789012:role/reader",
"lifetime_in_seconds":3600}}}"#;

fn sealing(criterion: &mut Criterion) {
    let line = new_master_key_line().expect("the system gives random numbers");
    let keys = MasterKeys::parse(&line, "keys").expect("the line is valid");
    let row = Row::client("acme.example.com", "shop");
    let document = Document::from(CLIENT.to_owned());
    let sealed = seal(row, &document, &keys).expect("the document is valid");
    criterion.bench_function("seal_a_client", |bencher| {
        bencher.iter(|| seal(row, black_box(&document), &keys));
    });
    criterion
        .bench_function("open_a_client", |bencher| bencher.iter(|| open(row, black_box(&sealed), &keys)));
}

criterion_group!(benches, sealing);
criterion_main!(benches);
