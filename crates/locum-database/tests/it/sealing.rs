//! Secrets at rest: what a sealed document shows, where it opens, and what is wrong when it does not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_database::sealing::{
    MasterKeys, Row, SealingError, is_sealed_by_active, new_master_key_line, open, reseal, seal,
};
use locum_store::documents::{Document, DocumentKind};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const TENANT: &str = "acme.example.com";
const SHOP: Row<'static> = Row::client(TENANT, "shop");
const CLIENT: &str = r#"{ "name": "Shop", "addons": {"wams": {"masterkey": "hunter2"}, "aws": null}, "client_secret": "hunter2",
  "jwt_configuration": {"alg": "ES256", "private_key": "-----BEGIN hunter2\n"}, "client_id": "shop" }"#;

/// Keys with these ids; the key of an id is always the same.
fn keys(ids: &[&str]) -> MasterKeys {
    MasterKeys::parse(&ids.iter().map(|id| line(id)).collect::<String>(), "master.keys").unwrap()
}

fn line(id: &str) -> String {
    let byte = id.bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    format!("{id}:{}\n", STANDARD.encode([byte; 32]))
}

fn document(text: &str) -> Document {
    Document::from(text.to_owned())
}

fn sealed(row: Row<'_>, text: &str) -> String {
    seal(row, &document(text), &keys(&["k1"])).unwrap()
}

fn refused(row: Row<'_>, text: &str, keys: &MasterKeys) -> SealingError {
    open(row, text, keys).unwrap_err()
}

#[test]
fn only_the_secrets_of_a_client_are_replaced() {
    let row = Row::client(TENANT, "shop");
    let text = sealed(row, CLIENT);
    assert_eq!(open(row, &text, &keys(&["k1"])).unwrap().expose(), CLIENT);
    let shape: Value = serde_json::from_str(&text).unwrap();
    for pointer in ["/client_secret", "/addons", "/jwt_configuration/private_key"] {
        let value = shape.pointer(pointer).unwrap().as_str().unwrap();
        assert!(value.starts_with("sealed1.k1."), "{pointer}: {value}");
    }
    let masked = |text: &str| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        for pointer in ["/client_secret", "/addons", "/jwt_configuration/private_key"] {
            *value.pointer_mut(pointer).unwrap() = Value::Null;
        }
        value.to_string()
    };
    assert_eq!(masked(&text), masked(CLIENT));
    assert!(text.starts_with(r#"{ "name": "Shop", "addons": "sealed1."#), "{text}");
}

#[test]
fn the_secrets_of_tenants_and_users_are_replaced() {
    let tenant = r#"{"domain":"acme.example.com","signing_keys":[{"kid":"a","private_key":"hunter2"},{"kid":"b"},{"private_key":"hunter2"}],
        "next_signing_key":{"kid":"c","private_key":"hunter2"},"management":{"keys":[{"private_key":"hunter2"}],"enabled":true},"connections":[{"options":{"client_secret":"hunter2"}}],
        "rulesConfigs":[{"key":"a","value":"hunter2"}],"delegation":{"jsonp":true}}"#;
    let user = r#"{"user_id":"a","email":"a@example.com","identities":[{"access_token":"hunter2"}]}"#;
    for (row, text, secrets) in [(Row::tenant(TENANT), tenant, 6), (Row::user(TENANT, "a"), user, 1)] {
        let sealed = sealed(row, text);
        assert!(!sealed.contains("hunter2"), "{sealed}");
        assert_eq!(sealed.matches("sealed1.k1.").count(), secrets);
        assert_eq!(open(row, &sealed, &keys(&["k1"])).unwrap().expose(), text);
    }
    let shape: Value = serde_json::from_str(&sealed(Row::tenant(TENANT), tenant)).unwrap();
    assert_eq!(shape["signing_keys"][1], json!({"kid": "b"}));
    assert_eq!(shape["next_signing_key"]["kid"], "c");
    assert_eq!(shape["management"]["enabled"], true);
}

#[test]
fn an_absent_secret_and_one_that_is_null_stay_as_they_are() {
    for text in [
        r#"{"client_id":"shop"}"#,
        r#"{"client_secret":null,"addons" : null ,"jwt_configuration":{"private_key":null}}"#,
        r#"{"jwt_configuration":null}"#,
    ] {
        assert_eq!(sealed(SHOP, text), text);
        assert_eq!(open(SHOP, text, &keys(&["k1"])).unwrap().expose(), text);
    }
    assert_ne!(sealed(SHOP, r#"{"client_secret":""}"#), r#"{"client_secret":""}"#);
}

#[test]
fn no_two_sealed_values_are_the_same() {
    assert_ne!(sealed(SHOP, CLIENT), sealed(SHOP, CLIENT));
}

#[test]
fn a_value_opens_in_its_own_row_alone() {
    let text = sealed(SHOP, r#"{"client_secret":"hunter2"}"#);
    assert!(open(SHOP, &text, &keys(&["k1"])).is_ok());
    for row in [
        Row::client(TENANT, "shop2"),
        Row::client("globex.example.com", "shop"),
        Row::client("acme.example.co", "mshop"),
        Row::client("", "acme.example.comshop"),
    ] {
        let error = refused(row, &text, &keys(&["k1"]));
        assert!(matches!(error, SealingError::Authentication { .. }), "{row:?}: {error}");
    }
    // Of another kind, but with the same names.
    let value = text.split('"').find(|part| part.starts_with("sealed1")).unwrap();
    for (row, moved) in [
        (Row::user(TENANT, "shop"), format!(r#"{{"identities":"{value}"}}"#)),
        (Row::tenant(TENANT), format!(r#"{{"signing_keys":[{{"private_key":"{value}"}}]}}"#)),
    ] {
        assert!(matches!(refused(row, &moved, &keys(&["k1"])), SealingError::Authentication { .. }));
    }
}

#[test]
fn a_value_opens_in_its_own_field_alone() {
    let text = sealed(SHOP, r#"{"client_secret":{"a":1},"addons":{"a":1}}"#);
    let parsed: Map<String, Value> = serde_json::from_str(&text).unwrap();
    let swapped = json!({"client_secret": parsed["addons"], "addons": parsed["client_secret"]}).to_string();
    assert!(open(SHOP, &text, &keys(&["k1"])).is_ok());
    assert_eq!(
        refused(SHOP, &swapped, &keys(&["k1"])).to_string(),
        "/client_secret does not open: it was changed or moved from another row or field, or the master key `k1` in master.keys is not the one that sealed it"
    );
    let row = Row::tenant(TENANT);
    let text = sealed(row, r#"{"signing_keys":[{"private_key":"a"},{"private_key":"b"}]}"#);
    let mut parsed: Value = serde_json::from_str(&text).unwrap();
    parsed["signing_keys"].as_array_mut().unwrap().swap(0, 1);
    let error = refused(row, &parsed.to_string(), &keys(&["k1"]));
    assert!(error.to_string().starts_with("/signing_keys/0/private_key does not open"), "{error}");
}

#[test]
fn one_flipped_bit_is_noticed() {
    let text = sealed(SHOP, r#"{"client_secret":"hunter2"}"#);
    let (before, rest) = text.split_once("sealed1.k1.").unwrap();
    let (data, after) = rest.split_once('"').unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(data).unwrap();
    assert_eq!(bytes.len(), 12 + r#""hunter2""#.len() + 16);
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let changed = format!("{before}sealed1.k1.{}\"{after}", URL_SAFE_NO_PAD.encode(changed));
        let error = refused(SHOP, &changed, &keys(&["k1"]));
        assert!(matches!(error, SealingError::Authentication { .. }), "{bit}: {error}");
    }
    for data in ["", "AAAA", "not base64url!", &data[..data.len() - 1], &format!("{data}=")] {
        let changed = format!("{before}sealed1.k1.{data}\"{after}");
        assert!(
            matches!(refused(SHOP, &changed, &keys(&["k1"])), SealingError::Authentication { .. }),
            "{data}"
        );
    }
}

#[test]
fn another_key_under_the_same_id_does_not_open() {
    let text = sealed(SHOP, CLIENT);
    let other = MasterKeys::parse(&format!("k1:{}", STANDARD.encode([7; 32])), "master.keys").unwrap();
    assert!(matches!(refused(SHOP, &text, &other), SealingError::Authentication { .. }));
}

/// Otherwise no database could be read any more.
#[test]
fn what_an_earlier_version_has_sealed_opens() {
    let text = r#"{"client_secret":"sealed1.k1.F3slrsb-qtRRe2Z8JBbsRg3tzJiP1yx80spkM7zBnOeaN0qIDA"}"#;
    assert_eq!(open(SHOP, text, &keys(&["k1"])).unwrap().expose(), r#"{"client_secret":"hunter2"}"#);
}

#[test]
fn a_key_that_is_gone_is_named_with_the_file_that_lacks_it() {
    let text = sealed(SHOP, r#"{"client_secret":"hunter2"}"#);
    assert_eq!(
        refused(SHOP, &text, &keys(&["k2", "k3"])).to_string(),
        "/client_secret is sealed under the master key `k1`, which master.keys does not have; add its line there again"
    );
}

#[test]
fn a_secret_that_is_not_sealed_is_refused_and_not_shown() {
    for text in [
        CLIENT,
        r#"{"client_secret":"sealed1.hunter 2.AAAA"}"#,
        r#"{"client_secret":"sealed1.k1"}"#,
        r#"{"client_secret":"sealed2.k1.AAAA"}"#,
        r#"{"addons":{"wams":{"masterkey":"sealed1.k1.AAAA"}}}"#,
        r#"{"addons":{}}"#,
    ] {
        let error = refused(SHOP, text, &keys(&["k1"]));
        assert!(matches!(error, SealingError::NotSealed { .. }), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
        assert_eq!(is_sealed_by_active(SHOP, text, &keys(&["k1"])).unwrap_err(), error);
        assert_eq!(reseal(SHOP, text, &keys(&["k1"])).unwrap_err(), error);
    }
}

#[test]
fn a_document_is_sealed_anew_under_the_first_key() {
    let text = sealed(SHOP, CLIENT);
    let rotated = keys(&["k2", "k1"]);
    assert_eq!(open(SHOP, &text, &rotated).unwrap().expose(), CLIENT);
    assert!(!is_sealed_by_active(SHOP, &text, &rotated).unwrap());
    let again = reseal(SHOP, &text, &rotated).unwrap().unwrap();
    assert!(is_sealed_by_active(SHOP, &again, &rotated).unwrap());
    assert_eq!(reseal(SHOP, &again, &rotated).unwrap(), None);
    assert_eq!(open(SHOP, &again, &keys(&["k2"])).unwrap().expose(), CLIENT);
    // A document in which one secret only is under another key.
    let old: Value = serde_json::from_str(&text).unwrap();
    let mut mixed: Value = serde_json::from_str(&again).unwrap();
    mixed["addons"] = old["addons"].clone();
    let mixed = mixed.to_string();
    assert!(!is_sealed_by_active(SHOP, &mixed, &rotated).unwrap());
    let opened: Value = serde_json::from_str(open(SHOP, &mixed, &rotated).unwrap().expose()).unwrap();
    assert_eq!(opened, serde_json::from_str::<Value>(CLIENT).unwrap());
}

#[test]
fn what_would_hide_a_secret_from_sealing_is_refused() {
    let accepted = r#"{"client_secret":"hunter2","jwt_configuration":{"alg":"HS256"}}"#;
    assert!(seal(SHOP, &document(accepted), &keys(&["k1"])).is_ok());
    for text in [
        r#"{"client_secret":"hunter2","client_secret":"hunter3"}"#,
        r#"{"client_secret":"hunter2","client\u005fsecret":"hunter3"}"#,
        r#"{"jwt_configuration":{"private_key":"hunter2","private_key":"hunter3"}}"#,
        r#"{"jwt_configuration":["hunter2"]}"#,
        r#"{"jwt_configuration":"hunter2"}"#,
        r#"["hunter2"]"#,
        r#"{"client_secret":"hunter2"} {}"#,
        r#"{"client_secret":"hunter2""#,
        "hunter2",
    ] {
        let error = seal(SHOP, &document(text), &keys(&["k1"])).unwrap_err();
        assert!(matches!(error, SealingError::Document(_)), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error:?}");
    }
    let error =
        seal(SHOP, &document(r#"{"client_secret":1,"client_secret":2}"#), &keys(&["k1"])).unwrap_err();
    assert!(error.to_string().contains("the name `client_secret` appears twice"), "{error}");
    let escaped = sealed(SHOP, r#"{"client\u005fsecret":"hunter2"}"#);
    assert!(escaped.starts_with(r#"{"client\u005fsecret":"sealed1."#), "{escaped}");
    let row = Row::tenant(TENANT);
    for text in [r#"{"signing_keys":{"private_key":"hunter2"}}"#, r#"{"signing_keys":["hunter2"]}"#] {
        let error = seal(row, &document(text), &keys(&["k1"])).unwrap_err();
        assert!(!error.to_string().contains("hunter"), "{error}");
    }
}

#[test]
fn master_keys_are_lines_of_an_id_and_a_key() {
    let text = format!("# of 2026\n\n  {}\r\n#{}{}", line("new").trim(), line("unused"), line("old"));
    let keys = MasterKeys::parse(&text, "master.keys").unwrap();
    assert_eq!(keys.active_id(), "new");
    assert_eq!(format!("{keys:?}"), r#"MasterKeys ["new", "old"]"#);
}

#[test]
fn each_error_in_master_keys_names_the_line_and_not_the_key() {
    let key = STANDARD.encode([b'h'; 32]);
    let longest = "k".repeat(32);
    assert!(MasterKeys::parse(&format!("{longest}:{key}"), "master.keys").is_ok());
    for (text, line, message) in [
        (String::new(), 1, "there is no key"),
        ("# nothing\n\n".to_owned(), 2, "there is no key"),
        (key.clone(), 1, "this line has no colon"),
        (format!("\nk1 {key}"), 2, "this line has no colon"),
        (format!(":{key}"), 1, "the id before the colon must have"),
        (format!("k.1:{key}"), 1, "the id before the colon must have"),
        (format!("k{longest}:{key}"), 1, "the id before the colon must have"),
        (format!("{key}:k1"), 1, "the id before the colon must have"),
        (format!("k1:{key}\nk2:{key}\nk1:{key}"), 3, "the id `k1` appears twice"),
        ("k1:".to_owned(), 1, "the key `k1` has 0 bytes, but it must have 32"),
        (format!("k1:{}", STANDARD.encode([b'h'; 31])), 1, "the key `k1` has 31 bytes"),
        (format!("k1:{}", STANDARD.encode([b'h'; 33])), 1, "the key `k1` has 33 bytes"),
        (format!("k1:{}", &key[..43]), 1, "the key `k1` is not base64"),
        (format!("k1: {key}"), 1, "the key `k1` is not base64"),
        (format!("k1:{}", URL_SAFE_NO_PAD.encode([0xff; 32])), 1, "the key `k1` is not base64"),
    ] {
        let error = MasterKeys::parse(&text, "master.keys").unwrap_err();
        assert_eq!(error.line, line, "{text}");
        assert!(error.to_string().starts_with(&format!("master.keys, line {line}: {message}")), "{error}");
        assert!(!error.to_string().contains(&key[..8]), "{error}");
    }
}

#[test]
fn a_new_line_is_a_key_of_its_own() {
    let (first, second) = (new_master_key_line().unwrap(), new_master_key_line().unwrap());
    assert_ne!(*first, *second);
    let keys = MasterKeys::parse(&format!("{}{}", *first, *second), "master.keys").unwrap();
    let text = seal(SHOP, &document(CLIENT), &keys).unwrap();
    assert_eq!(
        open(SHOP, &text, &MasterKeys::parse(&first, "master.keys").unwrap()).unwrap().expose(),
        CLIENT
    );
    let error = refused(SHOP, &text, &MasterKeys::parse(&second, "master.keys").unwrap());
    assert!(matches!(error, SealingError::UnknownKey { .. }), "{error}");
}

/// A secret that no other text contains by chance.
fn any_secret() -> impl Strategy<Value = String> {
    "canary[ -~]{12,40}|canary-\\PC{12,20}"
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any_secret().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("\\PC{0,8}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The texts in a value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// A text as it is, in JSON, and as base64 has its middle, wherever it begins.
fn forms(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let mut forms = vec![secret.to_owned(), json[1..json.len() - 1].to_owned()];
    for offset in 0..3 {
        let middle = &secret.as_bytes()[offset..];
        let middle = &middle[..middle.len() / 3 * 3];
        forms.push(STANDARD.encode(middle));
        forms.push(URL_SAFE_NO_PAD.encode(middle));
    }
    forms
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_opens_the_same_to_the_byte_and_shows_no_secret(
        secret in any_secret(), addons in any_value(), key in any_secret(), identities in any_value(), name in "\\PC*",
        pretty in any::<bool>(), id in "\\PC*",
    ) {
        let client = json!({"client_id": id, "client_secret": secret, "name": name, "addons": addons,
            "jwt_configuration": {"alg": "ES256", "private_key": key}});
        let user = json!({"identities": identities, "user_id": id, "name": name});
        let tenant = json!({"name": name, "signing_keys": [{"kid": "a", "private_key": key}, {}], "management": {"keys": addons},
            "rules": identities});
        let rows = [Row::client(TENANT, &id), Row::user(TENANT, &id), Row::tenant(TENANT)];
        let secrets = [texts(&json!([secret, addons, key])), texts(&identities), texts(&json!([key, addons, identities]))];
        for ((row, value), secrets) in rows.into_iter().zip([client, user, tenant]).zip(secrets) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let sealed = sealed(row, &text);
            let opened = open(row, &sealed, &keys(&["k0", "k1"])).unwrap();
            prop_assert_eq!(opened.expose(), &text);
            for secret in secrets {
                for form in forms(&secret) {
                    prop_assert!(!sealed.contains(&form), "{} in {}", form, sealed);
                }
            }
            if !pretty && row.kind() == DocumentKind::Client {
                prop_assert!(Document::from_json(DocumentKind::Client, &sealed).unwrap().expose() == sealed);
            }
        }
    }
}
