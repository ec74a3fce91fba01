//! Whatever the export says of a client, the tenant file is one that the store's own reader accepts without a problem.

use locum_import::ImportError;
use locum_store::tenant_file::{self, References};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::test_export::TestExport;

fn any_text() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just("shop"),
        Just("other"),
        Just("none"),
        Just("client_secret_basic"),
        Just("RS256"),
        Just("HS256"),
        Just("ES256"),
        Just("https://a.example"),
        Just("https://*.a.example:443/x"),
        Just(""),
        Just("true"),
        Just("c2VjcmV0"),
        Just("\u{1b}[0m\u{2028}'\"\n: #"),
    ]
    .prop_map(Value::from)
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => any_text(),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => prop_oneof![Just(0_i64), Just(3600), Just(-1), Just(i64::MAX)].prop_map(Value::from),
        1 => Just(json!(1.5)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((any_name(), inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("alg"),
        Just("secret_encoded"),
        Just("lifetime_in_seconds"),
        Just("scopes"),
        Just("wams"),
        Just("masterkey"),
        Just("aws"),
        Just("samlp"),
        Just("app"),
        Just("a/b~c"),
    ]
    .prop_map(str::to_owned)
}

fn any_field() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("name"),
        Just("client_secret"),
        Just("app_type"),
        Just("is_first_party"),
        Just("oidc_conformant"),
        Just("grant_types"),
        Just("allowed_clients"),
        Just("allowed_origins"),
        Just("web_origins"),
        Just("callbacks"),
        Just("token_endpoint_auth_method"),
        Just("jwt_configuration"),
        Just("addons"),
        Just("anything"),
    ]
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tenant_file_is_accepted_whatever_the_clients_are(
        changes in proptest::collection::vec((any_field(), any_value()), 0..5),
        others in proptest::collection::vec((any_field(), any_value()), 0..3),
    ) {
        let object = |changes: Vec<(String, Value)>| Value::Object(changes.into_iter().collect::<Map<_, _>>());
        let mut other = TestExport::client(object(others));
        other["client_id"] = "other".into();
        let export = TestExport::of_clients(&[TestExport::client(object(changes)), other]);
        match export.import() {
            Ok(imported) => {
                let base = tempfile::TempDir::new().unwrap();
                locum_import::write(&imported, &base.path().join("out")).unwrap();
                let file = base.path().join("out").join(&imported.report.tenant_file);
                let read = tenant_file::load(&file, &References::new(&|_| None, base.path().join("out")));
                prop_assert!(read.unwrap().problems.is_empty());
                let told = imported.report.clients.len() + imported.report.left_out.len();
                prop_assert_eq!(told, 2, "every client is kept or said to be left out");
            }
            Err(ImportError::SecretsMissing | ImportError::NothingToImport(_)) => {}
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
