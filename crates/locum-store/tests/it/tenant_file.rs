//! Each error in a tenant file names the line, the field and the remedy.

use std::path::Path;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use locum_engine::model::{AttributePattern, Chains, Client, ConfidentialClients};
use locum_store::tenant_file::{Finding, References, TenantFile, load, read};
use locum_store::{MemoryDirectory, TenantSet, TenantSetError};
use locum_testing::{ScriptedIssuers, tenant_at};
use pem::Pem;

const MINIMAL: &str =
    "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: s3cr3t-s3cr3t\n";

fn environment(name: &str) -> Option<String> {
    (name == "SPA_SECRET").then(|| "from the environment".to_owned())
}

pub(crate) fn read_text(text: &str) -> Result<TenantFile, String> {
    read(text, "tenant.yaml", &References::new(&environment, "/nowhere")).map_err(|error| error.to_string())
}

/// The client `spa` of a file.
fn spa(text: &str) -> Client {
    only_spa(read_text(text).unwrap())
}

pub(crate) fn only_spa(file: TenantFile) -> Client {
    file.data.clients.into_iter().find(|client| client.id == "spa").unwrap()
}

fn set_of(files: Vec<TenantFile>) -> Result<TenantSet, TenantSetError> {
    let tenants = files.into_iter().map(|file| file.data).collect();
    TenantSet::prepare(tenants, &ScriptedIssuers::default())
}

fn refused(text: &str) -> String {
    read_text(text).unwrap_err()
}

#[test]
fn the_demo_tenant_is_valid() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/demo/tenant.yaml"));
    let file = load(path, &References::new(&environment, path.parent().unwrap())).unwrap();
    assert!(file.data.is_default);
    let spa = only_spa(file);
    assert_eq!(spa.add_ons[0].api_type, "firebase");
    assert_eq!(spa.allowed_origins, ["http://localhost:8080"]);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_a_suggestion() {
    let text = format!("{MINIMAL}    alowed_clients: [a]\n");
    assert_eq!(
        refused(&text),
        "tenant.yaml:5:5: unknown field `alowed_clients`; did you mean `allowed_clients`? (at /clients/0/alowed_clients)"
    );
}

#[test]
fn an_unknown_key_unlike_any_field_gets_no_suggestion() {
    let text = format!("{MINIMAL}    zzz: 1\n");
    assert_eq!(
        refused(&text),
        "tenant.yaml:5:5: unknown field `zzz`; the fields allowed here are those of the Management API (at /clients/0/zzz)"
    );
}

#[test]
fn upstream_credentials_are_reused_only_if_the_file_enables_it() {
    let read = |line: &str| {
        let text = format!("domain: acme.example.com\ndelegation:\n  jsonp: true\n{line}");
        read_text(&text).unwrap().data.tenant.delegation.reuse_upstream_credentials
    };
    assert!(read("  reuse_upstream_credentials: true\n"));
    assert!(!read("  reuse_upstream_credentials: false\n"));
    assert!(!read(""));
}

#[test]
fn a_wrong_type_is_named_with_its_line_and_without_its_value() {
    let text = "domain: acme.example.com\ndelegation:\n  leeway_seconds: hunter2\n";
    let error = refused(text);
    assert!(error.starts_with("tenant.yaml:3:19: "), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn an_unquoted_number_as_a_text_is_named_with_its_line_and_without_its_value() {
    for value in ["1234567", "0x1234567", "true"] {
        assert_eq!(
            refused(&MINIMAL.replace("s3cr3t-s3cr3t", value)),
            "tenant.yaml:4:20: this value is read as a number, true, false or null, but it must be a text; put it in quotes (at /clients/0/client_secret)"
        );
    }
    assert!(read_text(&MINIMAL.replace("s3cr3t-s3cr3t", "'1234567'")).is_ok());
}

#[test]
fn a_value_outside_a_choice_is_answered_with_the_choice() {
    let text = "domain: acme.example.com\ndelegation: {rate_limit: {when_unavailable: hunter2}}\n";
    assert_eq!(
        refused(text),
        "tenant.yaml:2:45: write one of open, closed (at /delegation/rate_limit/when_unavailable)"
    );
}

#[test]
fn types_are_named_in_plain_words() {
    for (line, expected) in [
        ("oidc_conformant: 5", "true or false (at /clients/0/oidc_conformant)"),
        ("callbacks: x", "a list (at /clients/0/callbacks)"),
        ("jwt_configuration: [HS256]", "a mapping of names to values (at /clients/0/jwt_configuration)"),
        ("addons: x", "a mapping of names to values (at /clients/0/addons)"),
        ("client_secret: [x]", "a text (at /clients/0/client_secret)"),
        (
            "jwt_configuration: {lifetime_in_seconds: -1}",
            "a whole number, not negative and not too large (at /clients/0/jwt_configuration/lifetime_in_seconds)",
        ),
        ("allowed_clients: [[x]]", "a text (at /clients/0/allowed_clients/0)"),
    ] {
        let error = refused(&format!("domain: a.example.com\nclients: [{{client_id: spa, {line}}}]\n"));
        assert!(error.ends_with(&format!(": the value must be {expected}")), "{error}");
    }
}

#[test]
fn a_key_that_appears_twice_is_refused() {
    let error = refused("domain: a.example.com\ndomain: b.example.com\n");
    assert_eq!(error, "tenant.yaml:2:1: the key `domain` appears twice; remove one");
}

#[test]
fn a_reference_takes_its_value_from_the_environment() {
    let text = MINIMAL.replace("s3cr3t-s3cr3t", "${env:SPA_SECRET}");
    assert_eq!(spa(&text).app.settings["secret"], "from the environment");
}

#[test]
fn an_unresolved_reference_is_named_with_its_line() {
    let text = MINIMAL.replace("s3cr3t-s3cr3t", "${env:MISSING}");
    assert_eq!(
        refused(&text),
        "tenant.yaml:4:20: the environment variable MISSING is not set; set it before starting locum (at /clients/0/client_secret)"
    );
    let error = refused(&MINIMAL.replace("s3cr3t-s3cr3t", "${file:missing}"));
    assert!(error.contains("cannot read the file /nowhere/missing"), "{error}");
    assert!(
        refused(&MINIMAL.replace("s3cr3t-s3cr3t", "${home}")).contains("write ${env:NAME} or ${file:PATH}")
    );
    assert!(refused(&MINIMAL.replace("s3cr3t-s3cr3t", "a${env:X")).contains("close the reference"));
}

#[test]
fn a_text_can_contain_what_would_be_a_reference() {
    let secret_of = |written: &str| {
        let client = spa(&MINIMAL.replace("s3cr3t-s3cr3t", written));
        client.app.settings["secret"].as_str().unwrap().to_owned()
    };
    assert_eq!(secret_of("${dollar}{env:SPA_SECRET}"), "${env:SPA_SECRET}");
    assert_eq!(secret_of("${dollar}{dollar}"), "${dollar}");
    assert_eq!(secret_of("$${env:SPA_SECRET}"), "$from the environment");
    let error = refused(&MINIMAL.replace("s3cr3t-s3cr3t", "${Dollar}{env:SPA_SECRET}"));
    assert!(error.contains("or ${dollar}{ for the text `${`"), "{error}");
}

#[test]
fn add_ons_keep_the_order_of_the_file_and_single_sign_on_is_skipped() {
    let text =
        format!("{MINIMAL}    addons: {{samlp: {{}}, wams: {{masterkey: m}}, aws: null, firebase: {{}}}}\n");
    let spa = spa(&text);
    let names: Vec<&str> = spa.add_ons.iter().map(|add_on| add_on.api_type.as_str()).collect();
    assert_eq!(names, ["wams", "firebase"]);
}

#[test]
fn fields_of_an_export_that_delegation_does_not_need_are_accepted() {
    let text = format!(
        "tenant: {{friendly_name: Acme}}\nrules: []\n{MINIMAL}    app_type: spa\n    mobile: {{a: 1}}\n"
    );
    assert!(read_text(&text).is_ok());
}

#[test]
fn origins_of_callbacks_are_allowed_origins() {
    let text = format!(
        "{MINIMAL}    web_origins: [https://a.example.com/]\n    callbacks: ['https://b.example.com:8443/cb?x=1', 'app://native']\n"
    );
    assert_eq!(spa(&text).allowed_origins, ["https://a.example.com", "https://b.example.com:8443"]);
}

#[test]
fn an_unusable_key_or_secret_is_named_with_its_line_and_pointer() {
    let pem = "signing_keys: [{kid: k, private_key: nonsense}]\n";
    let error = refused(&format!("{MINIMAL}{pem}"));
    assert!(error.starts_with("tenant.yaml:5:38: "), "{error}");
    assert!(error.ends_with("(at /signing_keys/0/private_key)"), "{error}");
    let encoded = "    jwt_configuration: {secret_encoded: true}\n";
    let minimal = MINIMAL.replace("s3cr3t-s3cr3t", "'not base64!'");
    let error = refused(&format!("{minimal}{encoded}"));
    assert!(error.contains("not base64url") && error.ends_with("(at /clients/0/client_secret)"), "{error}");
    let rs256 = "    jwt_configuration: {alg: RS256}\n";
    assert!(refused(&format!("{MINIMAL}{rs256}")).contains("add one to signing_keys"));
}

#[test]
fn legacy_grants_are_allowed_unless_grant_types_omits_them() {
    let grants = |text: &str| spa(text).grants;
    assert!(grants(MINIMAL).id_token);
    assert!(!grants(&format!("{MINIMAL}    grant_types: [implicit]\n")).id_token);
    let both = "    grant_types: ['http://auth0.com/oauth/legacy/grant-type/delegation/id_token']\n";
    let grants = grants(&format!("{MINIMAL}{both}"));
    assert!(grants.id_token && !grants.refresh_token);
}

#[test]
fn a_duplicate_client_or_user_is_refused() {
    assert!(refused(&format!("{MINIMAL}  - client_id: spa\n")).contains("the client spa appears twice"));
    assert!(
        refused(&format!("{MINIMAL}users: [{{user_id: u}}, {{user_id: u}}]\n"))
            .contains("the user u appears twice")
    );
}

#[test]
fn a_set_answers_on_its_domains_and_the_default_on_every_other_host() {
    let file = |domain: &str, rest: &str| read_text(&format!("domain: {domain}\n{rest}")).unwrap();
    let set = set_of(vec![file("a.example.com", "default: true\n"), file("b.example.com", "")]).unwrap();
    let directory = MemoryDirectory::new(set);
    let domain = |host: &str| tenant_at(&directory, host).unwrap().map(|tenant| tenant.domain().to_owned());
    assert_eq!(domain("b.example.com").as_deref(), Some("b.example.com"));
    assert_eq!(domain("elsewhere").as_deref(), Some("a.example.com"));
    directory.replace(set_of(vec![file("b.example.com", "")]).unwrap());
    assert_eq!(domain("elsewhere"), None);
}

#[test]
fn an_empty_set_and_a_duplicate_domain_are_refused() {
    let file = |rest: &str| read_text(&format!("domain: a.example.com\n{rest}")).unwrap();
    let error = set_of(vec![file(""), file("")]).unwrap_err();
    assert_eq!(error, TenantSetError::DomainTwice("a.example.com".to_owned()));
    assert_eq!(set_of(Vec::new()).unwrap_err(), TenantSetError::Empty);
}

#[test]
fn a_secret_shorter_than_32_bytes_is_accepted_with_a_warning() {
    let file = read_text(MINIMAL).unwrap();
    let warnings: Vec<String> = file.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "tenant.yaml:4:20: client spa: its client_secret is shorter than 32 bytes (RFC 7518 section 3.2); rotate it (at /clients/0/client_secret)"
        ]
    );
    let long = MINIMAL.replace("s3cr3t-s3cr3t", "s3cr3t-s3cr3t-s3cr3t-s3cr3t-s3cr3");
    assert!(read_text(&long).unwrap().warnings.is_empty());
}

#[test]
fn a_large_tenant_is_within_the_parsers_budget() {
    let many = "0,".repeat(260_000);
    let file = read_text(&format!("{MINIMAL}users: [{{user_id: u, many: [{many}]}}]\n")).unwrap();
    assert_eq!(file.data.users["u"].profile["many"].as_array().unwrap().len(), 260_000);
}

#[test]
fn the_limit_of_invalid_tokens_can_be_set_and_is_at_least_one() {
    let policy = |fields: &str| {
        read_text(&format!("{MINIMAL}delegation: {{rate_limit: {{invalid_tokens: {fields}}}}}\n"))
            .map(|file| file.data.tenant.delegation.invalid_token_rate)
            .map(|rule| (rule.size.get(), rule.per_minute.get()))
    };
    assert_eq!(policy("{}").unwrap(), (60, 60));
    assert_eq!(policy("{size: 600}").unwrap(), (600, 60));
    assert_eq!(policy("{size: 1, per_minute: 6000}").unwrap(), (1, 6000));
    for fields in ["{size: 0}", "{per_minute: 0}"] {
        assert!(policy(fields).unwrap_err().contains("at least 1"), "{fields}");
    }
    assert!(policy("{when_unavailable: open}").unwrap_err().contains("unknown field"));
}

/// The lines of all errors of a file, without columns.
fn all_lines(text: &str) -> Vec<String> {
    let refused = read(text, "t.yaml", &References::new(&environment, "/nowhere")).unwrap_err();
    let line = |error: &Finding| format!("{} {}", error.position.unwrap().0, error.pointer.clone().unwrap());
    refused.errors.iter().map(line).collect()
}

#[test]
fn all_errors_of_a_file_are_found_in_one_run_by_line() {
    let text = "domain: a/b
delegation: {leeway_seconds: soon, lifetime_ceiling_seconds: 0, session_seconds: 0, private_attributes: [a, \"*\"]}
signing_keys:
  - {kid: k, private_key: nonsense}
  - {kid: k}
clients:
  - client_id: 5
  - client_id: a
    client_secret: ${env:MISSING}
    oidc_conformant: maybe
    zzz: 1
  - client_id: a
users:
  - {blocked: true}
";
    assert_eq!(
        all_lines(text),
        [
            "1 /domain",
            "2 /delegation/leeway_seconds",
            "2 /delegation/lifetime_ceiling_seconds",
            "2 /delegation/session_seconds",
            "2 /delegation/private_attributes/1",
            "4 /signing_keys/0/private_key",
            "5 /signing_keys/1/private_key",
            "5 /signing_keys/1/kid",
            "7 /clients/0/client_id",
            "9 /clients/1/client_secret",
            "10 /clients/1/oidc_conformant",
            "11 /clients/1/zzz",
            "12 /clients/2/client_id",
            "14 /users/0/user_id",
        ]
    );
}

#[test]
fn what_only_follows_from_an_error_is_not_reported() {
    // The client without its secret is no client without a secret, and a client whose id is wrong has an id.
    assert_eq!(
        all_lines(&MINIMAL.replace("s3cr3t-s3cr3t", "${env:MISSING}")),
        ["4 /clients/0/client_secret"]
    );
    assert_eq!(all_lines("domain: a\nclients:\n  - client_id: 5\n"), ["3 /clients/0/client_id"]);
    assert_eq!(all_lines("domain: a\nclients:\n  - x\n  - client_id: ''\n"), ["3 /clients/0"]);
    let signed = "domain: a\nsigning_keys: [{kid: k, private_key: x}]\nclients: [{client_id: a, jwt_configuration: {alg: RS256}}]\n";
    assert_eq!(all_lines(signed), ["2 /signing_keys/0/private_key"]);
}

#[test]
fn a_hundred_errors_are_enough() {
    let mut text = MINIMAL.to_owned();
    for index in 0..1000 {
        text.push_str(&format!("    unknown{index}: 1\n"));
    }
    assert_eq!(all_lines(&text).len(), 100);
}

/// The problems of a client with these lines, next to a client `spa`.
fn problems_of(lines: &str) -> Vec<String> {
    let file = read_text(&format!("{MINIMAL}  - client_id: other\n{lines}")).unwrap();
    file.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn origins_that_no_browser_sends_are_named() {
    let secret = "    client_secret: a-secret-of-more-than-32-bytes-of-text\n";
    for list in ["allowed_origins", "web_origins"] {
        let problems = |origin: &str| problems_of(&format!("{secret}    {list}: ['{origin}']\n"));
        for usable in [
            "https://a.example.com",
            "https://a.example.com/",
            "http://localhost:8080",
            "capacitor://localhost",
            "https://[::1]:8443",
        ] {
            assert_eq!(problems(usable), [""; 0], "{usable}");
        }
        for (unusable, why) in [
            ("https://*.example.com", "list each origin in full"),
            ("*", "list each origin in full"),
            ("https://a.example.com/login", "an origin has no path"),
            ("https://a.example.com?x", "an origin has no path"),
            ("a.example.com", "an origin begins with its scheme"),
            ("null", "an origin begins with its scheme"),
            ("https://", "an origin "),
            ("https://A.example.com", "in lower case"),
            ("https://a.example.com:443", "the standard port"),
            ("http://a.example.com:80", "the standard port"),
        ] {
            let found = problems(unusable);
            assert_eq!(found.len(), 1, "{unusable}: {found:?}");
            assert!(found[0].contains(why) && found[0].starts_with("tenant.yaml:7:"), "{found:?}");
        }
    }
}

#[test]
fn an_unknown_id_in_allowed_clients_is_named_with_a_suggestion() {
    let secret = "    client_secret: a-secret-of-more-than-32-bytes-of-text\n";
    let problems = |id: &str| problems_of(&format!("{secret}    allowed_clients: [{id}]\n"));
    assert_eq!(problems("spa"), [""; 0]);
    assert_eq!(
        problems("spaa"),
        [
            "tenant.yaml:7:23: no client of this tenant has the id `spaa`; did you mean `spa`? (at /clients/1/allowed_clients/0)"
        ]
    );
    assert!(problems("zzzzz")[0].contains("`zzzzz`; correct or remove it"));
}

#[test]
fn a_client_without_a_secret_for_hs256_is_named_unless_its_add_ons_can_be_targets() {
    assert_eq!(problems_of("    jwt_configuration: {alg: ES256}\n"), [""; 0]);
    assert_eq!(problems_of("    addons: {firebase: {}}\n"), [""; 0]);
    for without in ["", "    addons: {firebase: null}\n", "    jwt_configuration: {alg: HS256}\n"] {
        let found = problems_of(without);
        assert!(found[0].starts_with("tenant.yaml:5:5: client other: it has no client_secret"), "{found:?}");
    }
    let warned =
        read_text(&format!("{MINIMAL}  - client_id: other\n    addons: {{firebase: {{}}}}\n")).unwrap();
    assert!(warned.warnings[1].message.contains("it can be the target of its add-ons"));
}

#[test]
fn an_origin_that_appears_twice_is_a_warning() {
    let text = format!("{MINIMAL}    allowed_origins: ['https://a.example', 'https://a.example/']\n");
    let warnings = read_text(&text).unwrap().warnings;
    assert!(warnings[1].to_string().contains("this origin appears twice"), "{warnings:?}");
}

#[test]
fn a_pem_that_is_not_an_rsa_private_key_is_named_for_what_it_is() {
    let refused = |pem: &str| {
        let indented = pem.replace('\n', "\n      ");
        refused(&format!("{MINIMAL}signing_keys:\n  - kid: k\n    private_key: |\n      {indented}\n"))
    };
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let ed25519 = Ed25519KeyPair::generate().unwrap().to_pkcs8().unwrap();
    let pem = |label: &str, contents: &[u8]| pem::encode(&Pem::new(label, contents));
    let rsa = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
    for (text, why) in [
        (pem("PRIVATE KEY", ec.as_ref()), "this is an EC key"),
        (pem("EC PRIVATE KEY", b"x"), "this is an EC key"),
        (pem("PRIVATE KEY", ed25519.as_ref()), "this is an Ed25519 key"),
        (pem("ENCRYPTED PRIVATE KEY", b"x"), "this private key is encrypted"),
        (
            pem("RSA PRIVATE KEY", b"x").replace("KEY-----\r\n", "KEY-----\nProc-Type: 4,ENCRYPTED\n\n"),
            "this private key is encrypted",
        ),
        (include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem").to_owned(), "this is a certificate"),
        (include_str!("../../../../fixtures/keys/tenant-rsa.pub.pem").to_owned(), "this is a public key"),
        (pem("OPENSSH PRIVATE KEY", b"x"), "the format of OpenSSH"),
    ] {
        let refused = refused(&text);
        assert!(refused.contains(why) && refused.ends_with("(at /signing_keys/0/private_key)"), "{refused}");
    }
    assert!(read_text(&format!("{MINIMAL}signing_keys: [{{kid: k, private_key: {rsa:?}}}]\n")).is_ok());
}

#[test]
fn chains_are_for_authenticated_clients_unless_the_file_says_otherwise() {
    let policy = |delegation: &str| {
        let file = read_text(&format!("{MINIMAL}delegation: {delegation}\n")).unwrap();
        file.data.tenant.delegation
    };
    assert_eq!(policy("{}").chains, Chains::Authenticated);
    assert_eq!(policy("{chains: authenticated}").chains, Chains::Authenticated);
    assert_eq!(policy("{chains: open}").chains, Chains::Open);
    assert_eq!(policy("{chains: refused}").chains, Chains::Refused);
    assert_eq!(policy("{}").session_seconds, None);
    assert_eq!(policy("{session_seconds: 28800}").session_seconds, Some(28_800));
    assert!(refused(&format!("{MINIMAL}delegation: {{chains: closed}}\n")).contains("/delegation/chains"));
}

#[test]
fn what_token_exchange_needs_is_off_unless_the_file_says_so() {
    let read = |delegation: &str, client: &str| {
        read_text(&format!("{MINIMAL}{client}delegation: {{ {delegation} }}\n")).unwrap()
    };
    let file = read("", "");
    let policy = &file.data.tenant.delegation;
    assert_eq!((policy.carry_scope, policy.confidential_clients), (false, ConfidentialClients::Open));
    assert!(!only_spa(file).require_actor);
    let file = read("carry_scope: true, confidential_clients: refused", "    require_actor: true\n");
    let policy = &file.data.tenant.delegation;
    assert_eq!((policy.carry_scope, policy.confidential_clients), (true, ConfidentialClients::Refused));
    assert!(only_spa(file).require_actor);
}

#[test]
fn attributes_that_the_tenant_makes_private_are_names_and_patterns() {
    let file = read_text(&format!("{MINIMAL}delegation: {{private_attributes: [salary, hr_*]}}\n")).unwrap();
    let expected =
        [AttributePattern::Name("salary".to_owned()), AttributePattern::Beginning("hr_".to_owned())];
    assert_eq!(file.data.tenant.delegation.private_attributes, expected);
    let unusable = refused(&format!("{MINIMAL}delegation: {{private_attributes: [\"a*b\"]}}\n"));
    assert!(unusable.contains("as hr_* or *_ssn (at /delegation/private_attributes/0)"), "{unusable}");
}

#[test]
fn no_error_shows_a_value() {
    // Each scalar field with values of each type, some of them wrong.
    let values =
        ["31337", "31337.5", "-31337", "hunter2", "'31337'", "[hunter2]", "{hunter2x: hunter2}", "true"];
    let fields = [
        "domain: V",
        "default: V",
        "delegation: V",
        "delegation: {enabled: V}",
        "delegation: {lifetime_ceiling_seconds: V}",
        "delegation: {leeway_seconds: V}",
        "delegation: {session_seconds: V}",
        "delegation: {chains: V}",
        "delegation: {private_attributes: V}",
        "delegation: {rate_limit: {size: V}}",
        "delegation: {rate_limit: {when_unavailable: V}}",
        "signing_keys: V",
        "signing_keys: [{kid: V, private_key: V, certificate: V}]",
        "clients: V",
        "clients: [{client_id: V}]",
        "clients: [{client_id: a, name: V}]",
        "clients: [{client_id: a, client_secret: V}]",
        "clients: [{client_id: a, is_first_party: V}]",
        "clients: [{client_id: a, grant_types: V}]",
        "clients: [{client_id: a, allowed_origins: V}]",
        "clients: [{client_id: a, jwt_configuration: V}]",
        "clients: [{client_id: a, jwt_configuration: {alg: V}}]",
        "clients: [{client_id: a, jwt_configuration: {secret_encoded: V}}]",
        "clients: [{client_id: a, jwt_configuration: {lifetime_in_seconds: V}}]",
        "clients: [{client_id: a, jwt_configuration: {private_key: V}}]",
        "clients: [{client_id: a, addons: V}]",
        "clients: [{client_id: a, addons: {aws: V}}]",
        "users: [{user_id: V}]",
        "users: [{user_id: a, blocked: V}]",
    ];
    let mut refused = 0;
    for field in fields {
        for value in values {
            let text = field.replace('V', value);
            let text =
                if field.starts_with("domain") { text } else { format!("domain: a.example.com\n{text}") };
            let Err(error) = read_text(&text) else { continue };
            refused += 1;
            let shown = error.replace("`hunter2x`", "").replace("/hunter2x", "");
            assert!(!shown.contains("31337") && !shown.contains("hunter2"), "{text}: {error}");
            assert!(error.contains("(at /"), "{text}: {error}");
        }
    }
    assert!(refused > 100, "{refused}");
}
