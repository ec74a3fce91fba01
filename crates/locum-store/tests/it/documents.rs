//! A tenant file and its documents say the same, and each document is validated alone.

use locum_engine::model::{ClientKey, FormerIssuer, IssuerKeySource, Tenant};
use locum_store::documents::{
    self, DEPTH_MAX, Document, DocumentKind, InvalidDocument, TenantDocuments, from_tenant_file,
    to_tenant_file,
};
use locum_store::tenant_file::{References, TenantFile, read};
use locum_testing::ACME;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const DOMAIN: &str = "acme.example.com";

const FILE: &str = r#"
domain: Acme.example.com
default: true
management: {keys: ["${env:SPA_SECRET}-of-management-tokens-0123456789"]}
clientGrants: [{client_id: worker, audience: https://orders.acme.com/, scope: ["read:orders"]}]
users:
  - {user_id: "auth0|1", blocked: true, email: a@example.com, identities: [{access_token: t}]}
clients:
  - name: Shop
    client_id: shop
    mobile: {ios: {team_id: 123}}
    client_secret: ${env:SPA_SECRET}
    addons: {wams: {masterkey: "m"}, samlp: {}, aws: null, firebase: {secret: "${dollar}{env:SPA_SECRET}"}}
  - {client_id: worker, client_secret: s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3t}
"#;

fn environment(name: &str) -> Option<String> {
    (name == "SPA_SECRET").then(|| "a secret of at least thirty-two bytes".to_owned())
}

fn taken_apart(text: &str) -> Result<(TenantDocuments, TenantFile), String> {
    let references = References::new(&environment, "/nowhere");
    from_tenant_file(text, "tenant.yaml", &references).map_err(|error| error.to_string())
}

/// The errors of a client document.
fn refused(json: &str) -> Vec<String> {
    let error = documents::client("shop", json, &Tenant::new(DOMAIN)).unwrap_err();
    error.errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_document_has_what_the_file_states_in_its_order_with_references_resolved() {
    let (documents, _) = taken_apart(FILE).unwrap();
    assert_eq!(documents.domain, DOMAIN);
    assert_eq!(
        documents.tenant.expose(),
        r#"{"domain":"Acme.example.com","default":true,"management":{"keys":["a secret of at least thirty-two bytes-of-management-tokens-0123456789"]},"clientGrants":[{"client_id":"worker","audience":"https://orders.acme.com/","scope":["read:orders"]}]}"#
    );
    let (id, shop) = &documents.clients[0];
    assert_eq!(id, "shop");
    assert_eq!(
        shop.expose(),
        r#"{"name":"Shop","client_id":"shop","mobile":{"ios":{"team_id":123}},"client_secret":"a secret of at least thirty-two bytes","addons":{"wams":{"masterkey":"m"},"samlp":{},"aws":null,"firebase":{"secret":"${env:SPA_SECRET}"}}}"#
    );
    let (id, user) = &documents.users[0];
    assert_eq!(id, "auth0|1");
    assert_eq!(
        user.expose(),
        r#"{"user_id":"auth0|1","blocked":true,"email":"a@example.com","identities":[{"access_token":"t"}]}"#
    );
}

#[test]
fn each_document_alone_is_what_the_file_is_as_a_whole() {
    let (documents, file) = taken_apart(FILE).unwrap();
    assert_alone(&documents, &file);
    assert!(documents::tenant(DOMAIN, documents.tenant.expose()).unwrap().1);
}

fn assert_alone(documents: &TenantDocuments, file: &TenantFile) {
    let (tenant, is_default) = documents::tenant(&documents.domain, documents.tenant.expose()).unwrap();
    assert_eq!((&tenant, is_default), (&file.data.tenant, file.data.is_default));
    assert_eq!(documents.clients.len(), file.data.clients.len());
    for ((id, document), client) in documents.clients.iter().zip(&file.data.clients) {
        assert_eq!(&documents::client(id, document.expose(), &tenant).unwrap(), client);
    }
    assert_eq!(documents.users.len(), file.data.users.len());
    for (id, document) in &documents.users {
        assert_eq!(&documents::user(id, document.expose()).unwrap(), &file.data.users[id]);
    }
}

#[test]
fn a_file_has_the_findings_that_it_has_when_it_is_read() {
    let references = References::new(&environment, "/nowhere");
    for (from, to) in
        [("", ""), ("Shop", "[]"), ("mobile:", "alowed_clients:"), ("${env:SPA_SECRET}", "short")]
    {
        let text = FILE.replace(from, to);
        match (read(&text, "tenant.yaml", &references), taken_apart(&text)) {
            (Ok(read), Ok((_, file))) => {
                assert_eq!((read.problems, read.warnings), (file.problems, file.warnings), "{from}");
            }
            (Err(error), Err(errors)) => assert_eq!(error.to_string(), errors, "{from}"),
            (read, taken) => panic!("{from}: {read:?}, {taken:?}"),
        }
    }
}

#[test]
fn a_client_that_is_too_large_or_too_deep_for_a_document_is_refused_with_its_line() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let file = |value: &str| FILE.replace("{ios: {team_id: 123}}", value);
    assert!(taken_apart(&file(&nested(DEPTH_MAX - 1))).is_ok());
    assert_eq!(
        taken_apart(&file(&nested(DEPTH_MAX))).unwrap_err(),
        "tenant.yaml:9:5: the values are nested more than 32 deep; make them flatter (at /clients/0)"
    );
    let text = |bytes: usize| file(&format!("\"{}\"", "x".repeat(bytes)));
    assert!(taken_apart(&text((1 << 20) - 500)).is_ok());
    assert_eq!(
        taken_apart(&text(1 << 20)).unwrap_err(),
        "tenant.yaml:9:5: the client has more than 1 MiB as JSON; shorten it (at /clients/0)"
    );
}

#[test]
fn all_errors_of_a_document_are_found_and_none_shows_a_value() {
    let json = r#"{"client_id": "other", "client_secret": 7355608, "alowed_clients": "hunter2", "jwt_configuration": {"alg": "RS256"},
        "token_endpoint_auth_method": "hunter2", "addons": {"wams": "hunter2", "app": {"secret": "hunter2"}}}"#;
    assert_eq!(
        refused(json),
        [
            "this value is read as a number, true, false or null, but it must be a text; put it in quotes (at /client_secret)",
            "unknown field `alowed_clients`; did you mean `allowed_clients`? (at /alowed_clients)",
            "this algorithm needs a signing key of the tenant; add one to signing_keys (at /jwt_configuration/alg)",
            "write `none`, `client_secret_basic`, `client_secret_post` or `private_key_jwt` (at /token_endpoint_auth_method)",
            "write the add-on's settings as a mapping, or null if it is switched off (at /addons/wams)",
            "configure the app target by the client's jwt_configuration, not as an add-on (at /addons/app)",
            "the document is stored under another client_id; write `shop` (at /client_id)",
        ]
    );
}

#[test]
fn a_client_is_read_with_what_its_tenant_can_sign() {
    let json = r#"{"client_id": "shop", "jwt_configuration": {"alg": "RS256"}}"#;
    let signing = locum_testing::tenant(ACME).tenant;
    assert!(!signing.signing_keys.is_empty());
    assert_eq!(documents::client("shop", json, &signing).unwrap().key, ClientKey::TenantKeys);
    assert_eq!(refused(json).len(), 1);
    let mut former = Tenant::new(DOMAIN);
    former.former_issuers = vec![FormerIssuer::new("https://old.example.com/", None)];
    assert!(documents::client("shop", json, &former).is_err());
    former.former_issuers[0].keys = Some(IssuerKeySource::Set(r#"{"keys":[]}"#.to_owned()));
    assert_eq!(documents::client("shop", json, &former).unwrap().key, ClientKey::TenantKeys);
}

#[test]
fn what_only_follows_from_an_error_is_not_reported() {
    let errors = refused(r#"{"client_id": 5}"#);
    assert!(errors.len() == 1 && errors[0].starts_with("this value is read as a number"), "{errors:?}");
}

#[test]
fn a_document_states_the_id_that_it_is_stored_under() {
    let tenant = Tenant::new(DOMAIN);
    assert!(documents::client("a", r#"{"client_id":"a"}"#, &tenant).is_ok());
    assert!(documents::user("a", r#"{"user_id":"a"}"#).is_ok());
    assert!(documents::tenant(DOMAIN, r#"{"domain":"ACME.example.com"}"#).is_ok());
    let errors = |error: InvalidDocument| error.to_string();
    for (id, json) in [("A", r#"{"client_id":"a"}"#), ("a", r#"{"client_id":""}"#), ("a", "{}")] {
        let error = errors(documents::client(id, json, &tenant).unwrap_err());
        assert!(error.ends_with("(at /client_id)") && error.lines().count() == 1, "{error}");
    }
    for (id, json) in [("A", r#"{"user_id":"a"}"#), ("a", r#"{"user_id":""}"#), ("a", "{}")] {
        let error = errors(documents::user(id, json).unwrap_err());
        assert!(error.ends_with("(at /user_id)") && error.lines().count() == 1, "{error}");
    }
    for json in [r#"{"domain":"b.example.com"}"#, r#"{"domain":""}"#, "{}"] {
        let error = errors(documents::tenant(DOMAIN, json).unwrap_err());
        assert!(error.ends_with("(at /domain)") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn what_belongs_to_the_management_api_is_checked_in_one_document() {
    let key = "a key of management tokens, thirty-two bytes and more";
    let json = |keys: &str| format!(r#"{{"domain":"{DOMAIN}","management":{{"keys":[{keys}]}}}}"#);
    let (tenant, _) = documents::tenant(DOMAIN, &json(&format!("{key:?}"))).unwrap();
    assert_eq!(tenant.management_keys.len(), 1);
    let error = documents::tenant(DOMAIN, &json("\"short\"")).unwrap_err();
    assert_eq!((error.errors.len(), error.errors[0].pointer.as_str()), (1, "/management/keys/0"));
    let client = |resource: &str| format!(r#"{{"client_id":"shop","resources":["{resource}"]}}"#);
    assert!(documents::client("shop", &client("https://orders.acme.com/"), &tenant).is_ok());
    assert!(refused(&client(&tenant.management_audience()))[0].ends_with("(at /resources/0)"));
}

#[test]
fn a_tenant_document_has_neither_clients_nor_users() {
    for list in ["clients", "users"] {
        let json = format!(r#"{{"domain":"{DOMAIN}","{list}":[]}}"#);
        let error = documents::tenant(DOMAIN, &json).unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("has a document of its own; remove the field (at /{list})")),
            "{error}"
        );
    }
}

#[test]
fn json_is_read_strictly() {
    let nested = |depth: usize| {
        format!(r#"{{"client_id":"shop","mobile":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
    };
    let sized = |bytes: usize| format!(r#"{{"client_id":"shop","mobile":"{}"}}"#, "x".repeat(bytes));
    let accepted = |json: &str| documents::client("shop", json, &Tenant::new(DOMAIN)).is_ok();
    assert!(accepted(&nested(DEPTH_MAX - 1)));
    assert!(accepted(&sized((1 << 20) - 40)));
    for (json, expected) in [
        (nested(DEPTH_MAX), "nested more than 32 deep"),
        (nested(100_000), "nested more than 32 deep"),
        (sized(1 << 20), "more than 1 MiB"),
        (r#"{"client_id":"shop","client_id":"shop"}"#.to_owned(), "`client_id` appears twice"),
        (r#"{"client_id":"shop","client\u005fid":"shop"}"#.to_owned(), "`client_id` appears twice"),
        (r#"{"client_id":"shop","addons":{"wams":{"a":1,"a":1}}}"#.to_owned(), "`a` appears twice"),
        (r#"["shop"]"#.to_owned(), "must be a JSON object"),
        (r#"{"client_id":"shop"} {}"#.to_owned(), "cannot be read: trailing characters"),
        (r#"{"client_id":"shop","mobile":1e400}"#.to_owned(), "cannot be read: number out of range"),
        (r#"{"client_id":"shop""#.to_owned(), "cannot be read: EOF"),
        (String::new(), "cannot be read: EOF"),
    ] {
        let errors = refused(&json);
        assert!(errors.len() == 1 && errors[0].contains(expected), "{expected}: {errors:?}");
        let error = Document::from_json(DocumentKind::Client, &json).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn a_list_in_place_of_an_object_is_refused() {
    let errors = refused(r#"{"client_id":"shop","jwt_configuration":["HS256",60,false,{},null,null]}"#);
    assert_eq!(errors, ["the value must be a mapping of names to values (at /jwt_configuration)"]);
}

#[test]
fn what_would_be_a_reference_in_a_file_is_plain_text_in_a_document() {
    let json = r#"{"client_id":"shop","client_secret":"${env:SPA_SECRET}"}"#;
    let client = documents::client("shop", json, &Tenant::new(DOMAIN)).unwrap();
    assert_eq!(client.app.settings["secret"], "${env:SPA_SECRET}");
}

#[test]
fn debug_shows_nothing_of_a_document() {
    let (documents, _) = taken_apart(FILE).unwrap();
    let shown = format!("{documents:?}");
    assert!(shown.contains("shop") && !shown.contains("secret") && !shown.contains("Shop"), "{shown}");
}

#[test]
fn a_text_that_is_no_document_is_not_written_into_a_file() {
    let (mut documents, _) = taken_apart(FILE).unwrap();
    documents.users[0].1 = Document::from(r#"{"a":1,"a":2}"#.to_owned());
    let error = to_tenant_file(&documents).unwrap_err();
    assert_eq!(error.errors[0].pointer, "/users/0");
    assert!(error.to_string().contains("`a` appears twice"), "{error}");
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC*|[\\x00-\\x7f\u{85}\u{2028}\u{feff}\u{1f600}]*",
        "[${}dolarenv:]{0,12}",
        proptest::sample::select(vec![
            "${env:HOME}",
            "$${file:/etc/passwd}",
            "${dollar}{",
            "0123",
            "true",
            "~",
            "null",
            "",
            "a\n  b\n\n",
            "<<",
            "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO)
            .prop_map(Value::from),
        any_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((any_text(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::vec((any_text(), any_value()), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

prop_compose! {
    fn any_client()(
        name in any_text(), secret in any_text(), metadata in any_value(), origins in proptest::collection::vec(any_text(), 0..3),
        addons in proptest::collection::vec((any_text(), prop_oneof![Just(None), any_object().prop_map(Some)]), 0..4),
        is_first in any::<bool>(), seconds in proptest::option::of(any::<u64>()),
    ) -> Map<String, Value> {
        let mut members = Map::new();
        if is_first { members.insert("client_id".to_owned(), Value::Null); }
        members.insert("name".to_owned(), name.into());
        members.insert("client_metadata".to_owned(), metadata);
        members.entry("client_id").or_insert(Value::Null);
        if !secret.is_empty() { members.insert("client_secret".to_owned(), secret.into()); }
        members.insert("callbacks".to_owned(), origins.into());
        let addons: Map<String, Value> = addons.into_iter()
            .filter(|(api_type, _)| api_type != "app")
            .map(|(api_type, settings)| (api_type, settings.into()))
            .collect();
        members.insert("addons".to_owned(), addons.into());
        members.insert("jwt_configuration".to_owned(), json!({"lifetime_in_seconds": seconds}));
        members
    }
}

prop_compose! {
    fn any_documents()(
        clients in proptest::collection::btree_map("\\PC{1,6}|[$]\\{env:A\\}", any_client(), 0..4),
        users in proptest::collection::btree_map("\\PC{1,6}|0123", (any::<bool>(), any_object()), 0..4),
        rules in any_value(), grants in any_value(), is_default in any::<bool>(),
    ) -> TenantDocuments {
        let document = |kind, members: Map<String, Value>| {
            Document::from_json(kind, &Value::Object(members).to_string()).unwrap()
        };
        let clients = clients.into_iter().map(|(id, mut members)| {
            members["client_id"] = id.as_str().into();
            (id, document(DocumentKind::Client, members))
        });
        let users = users.into_iter().map(|(id, (blocked, mut members))| {
            members.insert("blocked".to_owned(), blocked.into());
            members.insert("user_id".to_owned(), id.as_str().into());
            (id, document(DocumentKind::User, members))
        });
        let grants = json!([{"client_id": "a", "audience": "https://orders.acme.com/", "further": grants}]);
        let tenant = json!({"clientGrants": grants, "domain": DOMAIN, "rules": rules, "default": is_default});
        let Value::Object(tenant) = tenant else { unreachable!() };
        TenantDocuments {
            domain: DOMAIN.to_owned(),
            tenant: document(DocumentKind::Tenant, tenant),
            clients: clients.collect(),
            users: users.collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn documents_are_the_same_after_they_were_a_tenant_file(documents in any_documents()) {
        let text = to_tenant_file(&documents).unwrap();
        let (again, file) = taken_apart(&text).unwrap();
        prop_assert_eq!(&again, &documents);
        let texts = |documents: &TenantDocuments| -> Vec<String> {
            let entries = documents.clients.iter().chain(&documents.users).map(|(_, document)| document);
            entries.chain([&documents.tenant]).map(|document| document.expose().to_owned()).collect()
        };
        prop_assert_eq!(texts(&again), texts(&documents));
        assert_alone(&documents, &file);
        prop_assert_eq!(&*to_tenant_file(&again).unwrap(), &*text);
    }
}

#[test]
fn a_grant_in_a_document_names_its_client_by_its_id() {
    let file = format!(
        r#"domain: {DOMAIN}
management: {{ keys: ["bytes-of-management-tokens-0123456789"] }}
clientGrants:
  - {{ client_id: The worker, audience: "https://{DOMAIN}/api/v2/", scope: ["read:users"] }}
  - {{ client_id: The worker, audience: "https://orders.example/", scope: ["read:orders"] }}
clients:
  - {{ client_id: one, name: The worker, client_secret: secret-of-one-0123456789-0123456789 }}
  - {{ client_id: two, client_secret: secret-of-two-0123456789-0123456789 }}
"#
    );
    let (documents, read) = taken_apart(&file).unwrap();
    let text = documents.tenant.expose();
    assert!(text.contains(r#""client_id":"one","audience":"https://acme"#), "{text}");
    // Nothing uses that one, and it stays as it is.
    assert!(text.contains(r#""client_id":"The worker","audience":"https://orders"#), "{text}");
    let (tenant, _) = documents::tenant(DOMAIN, text).unwrap();
    for ((id, document), whole) in documents.clients.iter().zip(&read.data.clients) {
        let alone = documents::client(id, document.expose(), &tenant).unwrap();
        assert_eq!(alone.management_scopes.is_empty(), id == "two");
        assert_eq!(alone.management_scopes, whole.management_scopes);
    }
}
